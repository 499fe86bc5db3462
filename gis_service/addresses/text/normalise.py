"""One spelling for every address text.

The texts are joined by line breaks and rewritten together, so that the work is done by a few passes of the regular
expression engine however many texts there are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

from gis_service.addresses.text.numerals import NUMERALS, arabic

BUILDING_LETTERS: Final = "A-Z甲乙丙丁戊己"
"""What buildings are called besides numbers, as a character class."""

_SAME_WORD: Final = str.maketrans(
    dict(zip("號樓單層鄰組", "号楼单层邻组", strict=True))
    | dict.fromkeys("‐‑‒–—―−－﹣─━", "-")
    | dict.fromkeys("，。、；：,;:·.'\"“”‘’`|_\\", " ")
    | {chr(lower): chr(lower - 32) for lower in range(ord("a"), ord("z") + 1)}
)
_UNSEEN: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]+")

_NUMBER_FOLLOWS: Final = "(?:支弄|号|弄|巷|幢|栋|棟|座|单元|室|房|楼|层|邻|组|小组|村民小组|段)"
_Rewrite = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _digits(match: re.Match[str]) -> str:
    after_digit = match.start() and match.string[match.start() - 1] in "0123456789"
    return match[0] if after_digit else arabic(match[0]) or match[0]


def _between_numbers(match: re.Match[str]) -> str:
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return " " if before in _NUMBER_ENDS and after in _NUMBER_ENDS and before and after else ""


_NUMBER_ENDS: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")

# Each begins with the rarest character that it can: the engine then skips to the places that matter.
_REWRITES: Final[tuple[_Rewrite, ...]] = (
    # every character by itself: then a space between two digits means nothing either
    (
        re.compile(r"^(?=[^\n]*[\u4e00-\u9fff])\S(?:[^\S\n]\S){4,}[^\S\n]*$", re.MULTILINE),
        lambda match: match[0].replace(" ", ""),
    ),
    (re.compile(r"[^\S\n]+"), _between_numbers),
    # Arabic digits where a number stands
    (re.compile(f"[{NUMERALS}]+(?={_NUMBER_FOLLOWS})"), _digits),
    (re.compile(f"(?<=[0-9号楼层室幢栋棟座]之)[{NUMERALS}]+"), _digits),
    (re.compile(r"0(?<![0-9A-Z]0)0*(?=[0-9])"), ""),
    (re.compile(f"第(?=[0-9]+{_NUMBER_FOLLOWS})"), ""),
    # one word for one thing
    (re.compile(r"[号#](?<=[0-9].)楼"), "幢"),
    (re.compile(f"[栋棟座](?<=[0-9{BUILDING_LETTERS}].)"), "幢"),
    (re.compile(r"B(?<![0-9A-Z]B)([0-9]+)(?:F|楼|层)(?![0-9A-Z])"), r"地下\1楼"),
    (re.compile(r"层(?<=[0-9]层)|F(?<=[0-9]F)(?![0-9A-Z])"), "楼"),
    (re.compile(r"(地下|底|顶|頂)[层室](?![0-9])"), r"\1楼"),
    (re.compile(r"号(?<=[0-9]号)(?:房间?|室)|房(?<=[0-9]房)间?"), "室"),
    (re.compile(r"村民小组(?<=[0-9]村民小组)|小组(?<=[0-9]小组)"), "组"),
    # 17号之2 and 17之2号 are 17-2号
    (re.compile(r"之(?<=[0-9]之)(?=[0-9])"), "-"),
    (re.compile(r"([号楼室幢])(?<=[0-9].)之([0-9]+)"), r"-\2\1"),
)


def normalise(texts: pd.Series) -> pd.Series:
    """Return the texts in one spelling; missing texts become empty.

    Half-width characters, no punctuation, no spaces except between two numbers (none at all in a text
    whose characters all stand apart); Arabic digits in number positions
    without leading zeros; 号 楼 单元 邻 组 for 號 樓 單元 鄰 組; 幢 for 栋, 座 and 号楼; 楼 for 层 of a number;
    室 for 房; 2-1号 for 2之1号 and 2号之1. Normalising twice changes nothing.
    """
    given = texts.astype("object").where(texts.notna(), "")
    lines = _rewrite("\n".join(given.str.replace("\n", " ", regex=False))).split("\n")
    return pd.Series(np.array(lines, dtype=object) if len(texts) else [], index=texts.index, dtype="str")


def normalise_text(text: str) -> str:
    """Return one text as `normalise` spells it."""
    return _rewrite(text.replace("\n", " "))


def _rewrite(joined: str) -> str:
    joined = _UNSEEN.sub(" ", unicodedata.normalize("NFKC", joined)).translate(_SAME_WORD)
    before = ""
    while joined != before:  # what one rewrite leaves may be the beginning of another
        before = joined
        joined = unicodedata.normalize("NFKC", joined)
        for pattern, replacement in _REWRITES:
            joined = pattern.sub(replacement, joined)
    return joined
