"""Invented people in households: families, couples, twins, sharers and dormitories, with names as common as in life."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_service.demo.people import home_counties, identity_numbers, phones, with_check_digit

_TODAY: Final = np.datetime64("2026-11-22")
_SURNAMES: Final = {
    # per cent of the population that bear each of these, roughly after the census of 2020
    7.2: "王",
    7.1: "李",
    6.7: "张",
    5.1: "刘",
    4.6: "陈",
    3.1: "杨",
    2.3: "黄",
    2.1: "赵",
    2.0: "吴",
    1.9: "周",
    1.5: "徐",
    1.4: "孙 马",
    1.3: "朱",
    1.2: "胡",
    1.15: "郭",
    1.1: "何 林",
    1.0: "高 罗",
    0.95: "郑",
    0.9: "梁",
    0.8: "谢",
    0.75: "宋",
    0.7: "唐 许",
    0.65: "韩",
    0.6: "邓 冯 曹",
    0.55: "彭 曾 肖",
    0.5: "田 董 潘 袁",
    0.45: "蔡 蒋 余 于 杜",
    0.4: "叶 程 魏 苏 吕 丁 任 卢",
    0.35: "姚 沈 钟 姜",
    0.3: "崔 谭 陆 范 汪 廖 石 金 韦 贾",
    0.25: "夏 付 方 邹 熊 白 孟 秦",
    0.2: "邱 侯 江 尹 薛 闫 段 雷 龙 黎 史 陶 贺 毛 郝 顾 龚 邵",
    0.1: "欧阳",
    0.03: "上官",
    0.02: "司马 诸葛",
}
_POPULAR: Final = {
    "men": "伟 强 磊 军 勇 涛 超 明 刚 平 辉 鹏 杰 浩 波 斌 建国 建华 国强 志强 "
    "建军 海波 志明 俊杰 浩然 宇航 子轩 建平 文杰 国庆 小军 永强 德华 光明 卫东 春生 金龙 少华 立新 东升",
    "women": "芳 娜 敏 静 丽 艳 娟 霞 玲 燕 丹 萍 红 梅 莉 洁 秀英 秀兰 玉兰 桂英 "
    "秀珍 丽娟 海燕 婷婷 晓燕 雪梅 春梅 小红 丽华 桂兰 玉梅 欣怡 梓涵 诗涵 雨欣 佳怡 淑英 凤英 爱华 冬梅",
}
_GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉萍红梅兰建国文辉力斌波宁浩鹏飞宇晨雪琳佳欣怡梓涵子轩俊豪志远海燕春晓东立新永福德贵祥云山林松柏青凤娟莉慧颖倩婷瑞嘉成康安乐民生光荣胜利兴旺"  # noqa: E501  (one list of characters)
_MINORITY: Final = (
    "买买提",
    "艾力",
    "阿依古丽",
    "吐尔逊",
    "古丽娜尔",
    "阿卜杜拉",
    "玛依拉",
    "热依汗",
    "木合塔尔",
    "扎西",
)
_POPULAR_SHARE, _ONE_CHARACTER_SHARE, _MINORITY_SHARE = 0.32, 0.14, 0.012
_KINDS: Final = ("single", "couple", "family", "sharers", "dormitory")
_KIND_SHARES: Final = (0.30, 0.24, 0.28, 0.155, 0.025)
_TWINS_SHARE, _COUPLE_ONE_PHONE, _KIN_SHARE = 0.05, 0.15, 0.3


@dataclass(frozen=True)
class Households:
    """One entry per person: ``name``, ``id_number``, ``phone``, ``born`` (datetime64[D]), ``door``.

    ``phone`` is None for some small children; ``door`` is a position in the doors.
    """

    name: NDArray[np.object_]
    id_number: NDArray[np.object_]
    phone: NDArray[np.object_]
    born: NDArray[np.datetime64]
    door: NDArray[np.int64]


def settle(persons: int, doors: pd.DataFrame, rng: np.random.Generator) -> Households:
    """Fill doors with households until there are so many persons."""
    kind = rng.choice(len(_KINDS), persons, p=_KIND_SHARES)
    drawn = rng.integers(0, 2, persons)
    size = np.select([kind == 0, kind == 1, kind == 2, kind == 3], [1, 2, 3 + drawn, 2 + 2 * drawn], 8)
    size = np.where(kind == 4, rng.integers(8, 40, persons), size)
    household = np.repeat(np.arange(persons), size)[:persons]
    first = np.searchsorted(household, household)
    member = np.arange(persons) - first
    kind = kind[household]
    child = (kind == 2) & (member >= 2)
    place = rng.permutation(len(doors))
    door = place[household % len(doors)]
    twin = child & (member == 3) & (rng.random(persons) < _TWINS_SHARE / 0.5)
    born = _births(child, rng)
    born[twin] = born[np.flatnonzero(twin) - 1]
    surname, given = _surnames(persons, rng), _given_names(persons, rng)
    kin = (kind >= 3) & (member > 0) & (rng.random(persons) < _KIN_SHARE)
    surname = np.where(child | kin, surname[first], surname)
    at = np.flatnonzero(twin)
    shared = np.array([text[0] for text in given], dtype=object)
    given[at] = shared[at - 1] + shared[at]
    county = home_counties(persons, rng)
    county = np.where(child | (rng.random(persons) < 0.4), county[first], county)
    name = surname + given
    minority = np.flatnonzero(rng.random(persons) < _MINORITY_SHARE)
    pool = np.array(_MINORITY, dtype=object)
    name[minority] = (
        pool[rng.integers(len(pool), size=len(minority))] + "·" + pool[rng.integers(len(pool), size=len(minority))]
    )
    number = _numbers_of_twins(identity_numbers(county, born, rng).astype(object), at)
    return Households(name, number, _phones(born, kind, member, first, rng), born, door.astype(np.int64))


def _births(child: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.datetime64]:
    age_days = np.where(child, rng.uniform(0.2, 17, len(child)), np.clip(rng.normal(35, 11, len(child)), 18, 75))
    return _TODAY - (age_days * 365.25).astype(np.int64).astype("timedelta64[D]")


def _surnames(count: int, rng: np.random.Generator) -> NDArray[np.object_]:
    weighed = [(name, percent) for percent, names in _SURNAMES.items() for name in names.split()]
    weight = np.array([percent for _, percent in weighed])
    names = np.array([name for name, _ in weighed], dtype=object)
    drawn: NDArray[np.object_] = rng.choice(names, count, p=weight / weight.sum())
    return drawn


def _given_names(count: int, rng: np.random.Generator) -> NDArray[np.object_]:
    """A third of all people share eighty given names, the commonest most; the others are put together of characters."""
    popular = np.array([name for names in zip(*(_POPULAR[s].split() for s in _POPULAR), strict=True) for name in names])
    weight = 1 / (np.arange(len(popular)) + 8.0)
    common = rng.choice(popular.astype(object), count, p=weight / weight.sum())
    characters = np.array(list(_GIVEN), dtype=object)
    one = rng.random(count) < _ONE_CHARACTER_SHARE
    put_together = characters[rng.integers(len(characters), size=count)] + np.where(
        one, "", characters[rng.integers(len(characters), size=count)]
    )
    return np.where(rng.random(count) < _POPULAR_SHARE, common, put_together)


def _numbers_of_twins(numbers: NDArray[np.object_], twins: NDArray[np.int64]) -> NDArray[np.object_]:
    """A twin's number is the next one of the same sex after the other's, unless somebody has it."""
    held = set(numbers.tolist())
    stems = np.array([int(number[:17]) for number in numbers[twins - 1]], dtype=np.int64)
    fits = stems % 1000 < 997
    proposed = with_check_digit(stems[fits] + 2) if fits.any() else np.empty(0, dtype="U18")
    for twin, number in zip(twins[fits].tolist(), proposed.tolist(), strict=True):
        if number not in held:
            numbers[twin] = number
            held.add(number)
    return numbers


def _phones(
    born: NDArray[np.datetime64],
    kind: NDArray[np.int64],
    member: NDArray[np.int64],
    first: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.object_]:
    """Everybody's own, but one for some couples, a parent's for children under 14, none for half of the smallest."""
    own = phones(len(born), rng).astype(object)
    age = (_TODAY - born).astype(np.int64) / 365.25
    wife = np.isin(kind, [1, 2]) & (member == 1) & (rng.random(len(born)) < _COUPLE_ONE_PHONE)
    own[wife] = own[first[wife]]
    young = age < 14
    own[young] = own[np.minimum(first + rng.integers(0, 2, len(born)), len(born) - 1)[young]]
    own[(age < 5) & (rng.random(len(born)) < 0.5)] = None
    return own
