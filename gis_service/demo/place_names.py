"""Invented names of villages, communities, natural villages, residential compounds and roads."""

import numpy as np

_SURNAMES = "陈林王张李沈徐周胡杨朱俞应邵钱孙何童贺乐郑包袁史方虞范贝励向"
_SPOTS = "岙塘浦桥墩堰湾岭沙漕隘埠畈屿渡河头郎汇泾"
_SIDES = ("上", "下", "东", "西", "南", "北", "前", "后", "里", "外", "大", "小", "新", "老")
_FEATURES = "潮汐港澜帆鸥礁渔盐海云松竹梅枫桂兰石溪泉星月虹霞晴"
_VIRTUES = "和平安康兴隆昌盛永宁清泰嘉瑞福顺明德民丰"
_COMPOUND_ENDS = ("花园", "苑", "新村", "小区", "公寓", "家园", "名邸", "里", "华庭", "佳园")
_ROAD_STEMS = "潮澜汐港望帆鸥渔盐云枫桂兰溪星虹霞晴沧瀛"


def village_names(count: int, kinds: list[str], rng: np.random.Generator) -> list[str]:
    """One name for each village (…村) or community (…社区), all different."""
    rural = [f"{a}{b}" for a in _SURNAMES for b in _SPOTS] + [f"{a}{b}" for a in _SIDES for b in _SPOTS]
    urban = [f"{a}{b}" for a in _FEATURES for b in _VIRTUES]
    rng.shuffle(rural)
    rng.shuffle(urban)
    return [
        f"{urban[i]}社区" if kind == "community" else f"{rural[i]}村"
        for i, kind in zip(range(count), kinds, strict=True)
    ]


def compound_names(kinds: list[str], rng: np.random.Generator) -> list[str]:
    """One name for each compound, all different: 后沈岙 for a natural village, 枫和花园 for a residential one."""
    rural = [f"{s}{a}{b}" for s in ("", *_SIDES) for a in _SURNAMES for b in ("家", *_SPOTS)]
    urban = [f"{a}{b}{end}" for a in _FEATURES for b in _VIRTUES for end in _COMPOUND_ENDS]
    rng.shuffle(rural)
    rng.shuffle(urban)
    return [urban[i] if kind == "residential" else rural[i] for i, kind in enumerate(kinds)]


def road_names(count: int, rng: np.random.Generator) -> list[str]:
    """Names of roads, all different: 潮平路, 沧宁大道, 虹泰街."""
    stems = [f"{a}{b}" for a in _ROAD_STEMS for b in _VIRTUES]
    names = [f"{stem}{end}" for stem in stems for end in ("路", "街", "巷")] + [f"{stem}大道" for stem in stems]
    rng.shuffle(names)
    if count > len(names):
        raise ValueError(f"only {len(names)} road names for {count} roads")
    return names[:count]
