"""How the same name and the same address come to be written differently: by ear, by eye, by habit."""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from pypinyin import Style, lazy_pinyin

_NAME_CHARACTERS: Final = (
    "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉萍红梅兰建国文辉力斌波宁浩鹏飞宇晨雪琳佳欣怡梓涵子轩俊豪志远海"
    "燕春晓东立新永福德贵祥云山林松柏青凤娟莉慧颖倩婷瑞嘉成康安乐民生光荣胜利兴旺苹瓶屏虹宏洪鸿弘惠会汇蕙卉莲连廉炼"
    "丹单晨辰臣沉君均钧竣骏俊峻彬宾滨斌冰兵炳秉章彰漳璋樟婧晶菁敬竞镜媛圆源园苑愿洁结捷婕洋杨阳扬仰旭绪序栩轩萱宣"
    "昊皓浩豪颢恒衡横桐彤童潼同琪淇棋祺奇琦其齐祁颜严言岩延炎雁彦艳砚谚"
)
_BY_EYE: Final = {
    # the first is read as the second; about half of the pairs are unknown to the linkage
    pair[0]: pair[1]
    for pair in [
        "伟炜",
        "娟捐",
        "萍苹",
        "静睁",
        "敏敬",
        "明朋",
        "军车",
        "平乎",
        "梅海",
        "兰三",
        "玉王",
        "桂柱",
        "晨辰",
        "洋详",
        "芳芬",
        "丽两",
        "强弘",
        "霞露",
        "英莫",
        "波坡",
        "浩洁",
        "磊垒",
        "勇男",
        "杰木",
        "艳绝",
        "华毕",
        "国围",
        "建健",
        "燕嚥",
        "志忘",
        "刘刈",
        "陈阵",
        "王主",
        "李季",
        "郑邓",
        "吴昊",
        "侯候",
        "贺贸",
        "孟盂",
        "田由",
    ]
}
_TRADITIONAL: Final = dict(
    zip(
        "刘张陈杨黄赵吴孙马罗郑谢许韩邓冯萧蒋吕钟谭陆贾邹龙贺顾龚华国丽红兰伟军强刚建凤娟萍梅霞艳荣胜兴庆东龙",
        "劉張陳楊黃趙吳孫馬羅鄭謝許韓鄧馮蕭蔣呂鍾譚陸賈鄒龍賀顧龔華國麗紅蘭偉軍強剛建鳳娟萍梅霞艷榮勝興慶東龍",
        strict=True,
    )
)
_NUMERALS: Final = "〇一二三四五六七八九"


def variant_name(name: str, rng: np.random.Generator) -> str:
    """The name as somebody else may write it; the same when nothing about it can be varied."""
    forms = _DOTTED_FORMS if "·" in name else _NAME_FORMS
    shares = np.array([share for share, _ in forms])
    return forms[int(rng.choice(len(forms), p=shares / shares.sum()))][1](name, rng)


def variant_address(text: str, rng: np.random.Generator) -> str:
    """The address as somebody else may write it; one form in eight leaves out the room."""
    return _ADDRESS_FORMS[int(rng.integers(len(_ADDRESS_FORMS)))](text)


def _with(name: str, others: Callable[[str], str], rng: np.random.Generator) -> str:
    """Replace one character of those that have another form."""
    able = [place for place, character in enumerate(name) if others(character)]
    if not able:
        return name
    place = able[int(rng.integers(len(able)))]
    forms = others(name[place])
    return name[:place] + forms[int(rng.integers(len(forms)))] + name[place + 1 :]


@cache
def _homophones(character: str) -> str:
    """Other characters of names that are read like this one."""
    return "".join(other for other in _NAME_CHARACTERS if other != character and _read(other) == _read(character))


@cache
def _read(character: str) -> str:
    return lazy_pinyin(character, style=Style.NORMAL)[0]


def _chinese_numerals(text: str) -> str:
    head, mark, tail = text.partition("幢")
    if not mark or not head[-1:].isdigit():
        return text
    stem = head.rstrip("0123456789")
    return stem + "".join(_NUMERALS[int(digit)] for digit in head[len(stem) :]) + mark + tail


def _dashes(text: str) -> str:
    return text.replace("幢", "-").replace("单元", "-").removesuffix("室") if "单元" in text else text


def _without_room(text: str) -> str:
    return text[: text.index("单元") + 2] if "单元" in text else text


_ADDRESS_FORMS: Final = (
    lambda text: text.replace("幢", "号楼"),
    lambda text: text.replace("幢", "栋").replace("室", "房"),
    _dashes,
    _chinese_numerals,
    lambda text: text.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
    lambda text: " ".join(text.replace("号", "號")),
    lambda text: text + "（出租）",
    _without_room,
)

_Form = Callable[[str, np.random.Generator], str]
_NAME_FORMS: Final[tuple[tuple[float, _Form], ...]] = (
    (0.38, lambda name, rng: _with(name, _homophones, rng)),
    (0.24, lambda name, rng: _with(name, lambda character: _BY_EYE.get(character, ""), rng)),
    (0.18, lambda name, _: "".join(_TRADITIONAL.get(character, character) for character in name)),
    (0.10, lambda name, _: f"{name[:1]} {name[1:]}"),
    (0.05, lambda name, _: name[:-1] if len(name) >= 3 else name),
    (0.05, lambda name, _: name[1:] + name[0]),
)
_DOTTED_FORMS: Final[tuple[tuple[float, _Form], ...]] = (
    (0.4, lambda name, _: name.replace("·", "")),
    (0.3, lambda name, _: "·".join(reversed(name.split("·")))),
    (0.2, lambda name, _: name.replace("·", "•")),
    (0.1, lambda name, _: name.split("·")[0]),
)
