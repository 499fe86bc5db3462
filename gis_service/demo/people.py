"""Invented people: names, identity numbers that nobody can hold, phones that nobody can answer; column by column.

Identity numbers carry a right check digit and a birth date, but begin with digits that no county has: 99xxxx, or the
district's own invented 330299. Phones begin with 154, which no operator was assigned.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严覃武戴莫孔向汤"  # noqa: E501  (one list of surnames, most frequent first)
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉萍红梅兰建国文辉力斌波宁浩鹏飞宇晨雪琳佳欣怡梓涵子轩俊豪志远海燕春晓东立新永福德贵祥云山林松柏青凤娟莉慧颖倩婷瑞嘉成康安乐民生光荣胜利兴旺"  # noqa: E501  (one list of given-name characters)
_CHECK = np.frombuffer(b"10X98765432", dtype=np.uint8)
_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_HOME_COUNTIES = 160


def names(count: int, rng: np.random.Generator) -> NDArray[np.object_]:
    """Draw ``count`` names of two or three characters, common surnames more often."""
    surnames, given = np.array(list(_SURNAMES), dtype=object), np.array(list(_GIVEN), dtype=object)
    weight = 1 / (np.arange(len(surnames)) + 6.0)
    first = given[rng.integers(len(given), size=count)]
    second = np.where(rng.random(count) < 0.78, given[rng.integers(len(given), size=count)], "")
    drawn: NDArray[np.object_] = (
        surnames[rng.choice(len(surnames), size=count, p=weight / weight.sum())] + first + second
    )
    return drawn


def home_counties(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Six-digit codes of counties that do not exist: 99 and four digits."""
    return 990_000 + rng.integers(_HOME_COUNTIES, size=count) % 16 * 100 + rng.integers(1, 60, size=count)


def birth_days(
    count: int, rng: np.random.Generator, today: np.datetime64, mean_age: float, spread: float
) -> NDArray[np.datetime64]:
    """Birth dates (datetime64[D]) of people of working age about ``mean_age`` years, ``spread`` either way."""
    age_days = np.clip(rng.normal(mean_age, spread, count), 17.0, 79.0) * 365.25 + rng.uniform(0, 365, count)
    return today - age_days.astype("timedelta64[D]")


def identity_numbers(
    counties: NDArray[np.int64], born: NDArray[np.datetime64], rng: np.random.Generator
) -> NDArray[np.str_]:
    """Eighteen-character identity numbers with a right check digit (GB 11643), all different."""
    days = pd.DatetimeIndex(born)
    date_digits = (days.year * 10_000 + days.month * 100 + days.day).to_numpy(dtype=np.int64)
    stem = counties * 10**8 + date_digits
    sequence = rng.integers(1, 1000, len(stem))
    for _ in range(1000):
        again = pd.Series(stem * 1000 + sequence).duplicated().to_numpy()
        if not again.any():
            break
        sequence[again] = sequence[again] % 999 + 1
    return with_check_digit(stem * 1000 + sequence)


def with_check_digit(seventeen: NDArray[np.int64]) -> NDArray[np.str_]:
    """Append the check character to seventeen digits."""
    digits = seventeen[:, None] // 10 ** np.arange(16, -1, -1) % 10
    characters = np.empty((len(seventeen), 18), dtype=np.uint8)
    characters[:, :17] = digits + ord("0")
    characters[:, 17] = _CHECK[digits @ _WEIGHTS % 11]
    return characters.view("S18").ravel().astype("U18")


def phones(count: int, rng: np.random.Generator) -> NDArray[np.str_]:
    """Mobile numbers 154xxxxxxxx, all different."""
    start, step = int(rng.integers(10**8)), 61_803_399
    digits = (start + step * np.arange(count, dtype=np.int64)) % 10**8
    return (15_400_000_000 + digits).astype("U11")


def days_before(today: np.datetime64, days: NDArray[np.float64]) -> NDArray[np.datetime64]:
    """Dates (datetime64[D]) so many days before ``today``."""
    return today - days.astype(np.int64).astype("timedelta64[D]")
