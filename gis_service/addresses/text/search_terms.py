"""What finds an address: pairs of neighbouring characters of its text and of its pinyin initials, and its numbers.

The same tokens serve every database. Pairs serve any part of a text from two characters on (words would need a
dictionary, triples would not find 庄市); single characters serve the first key stroke. Pairs that an address has need
not stand where the query has them, so a search still compares the text itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd

from gis_service.addresses.text.normalise import normalise, normalise_text
from gis_service.addresses.text.numerals import NUMERALS, arabic

EDGE: Final = "·"
"""Stands before every number, so that 18 is told from the end of 118; normalised texts have none."""

_CHUNK_ROWS: Final = 20_000
_APART: Final = "\t"
_CHINESE: Final = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")
_LETTER: Final = re.compile("[a-z]")
_NUMBER: Final = re.compile("[0-9]+")
_NOT_A_NUMBER: Final = re.compile(f"[^0-9{EDGE}\n]+")
_NOT_SEARCHED: Final = re.compile(r"[\x00-\x09\x0b-\x2f\x3a-\x60\x7b-\x7f]+")
_LAST_NUMERAL: Final = re.compile(f"[{NUMERALS}]+$")
_READ_AS: Final = str.maketrans("幢弄", "撞龙")
"""Words of addresses that are read otherwise than elsewhere (zhuàng, lòng), and what has the same initial."""


@dataclass(frozen=True)
class Needle:
    """One way to read a term of a query: what to look for in which form of the text."""

    column: str
    """`text` or `initials`."""
    sought: str

    @property
    def exact(self) -> Needle:
        """The same, beginning at the beginning of a number if it begins with a digit."""
        return Needle(self.column, EDGE + self.sought) if self.sought[0].isdigit() else self

    def tokens(self, *, whole_last: bool = False) -> list[str]:
        """Tokens that every address with it has; `whole_last` says that a number at its end ends there."""
        single = len(self.sought) == 1
        neighbours = zip(self.sought, self.sought[1:], strict=False)
        pairs = [self.sought] if single else [a + b for a, b in neighbours if b != EDGE]
        numbers = [
            f"{EDGE}{match[1]}{EDGE}"
            for match in re.finditer(f"{EDGE}([0-9]+)", self.sought)
            if whole_last or match.end() < len(self.sought)
        ]
        return list(dict.fromkeys([*numbers, *pairs]))


Term = tuple[Needle, ...]
"""One word of a query: the readings of it, any of which will do."""


def searched_forms(texts: pd.Series) -> pd.DataFrame:
    """Return the forms that are searched, on the same index: `text` (normalised, marked) and `initials` (pinyin)."""
    joined = _marked("\n".join(normalise(texts)))
    initials = _CHINESE.sub(lambda match: _initials(match[0]), joined)
    if texts.empty:
        return pd.DataFrame({"text": [], "initials": []}, index=texts.index, dtype="str")
    return pd.DataFrame({"text": joined.split("\n"), "initials": initials.split("\n")}, index=texts.index, dtype="str")


def tokens_of(forms: pd.DataFrame) -> pd.Series:
    """Return the tokens of each row of `searched_forms`, apart by spaces, for the index of a database."""
    chunks = [_tokens(forms.iloc[start : start + _CHUNK_ROWS]) for start in range(0, len(forms), _CHUNK_ROWS)]
    tokens = [line for chunk in chunks for line in chunk]
    return pd.Series(tokens, index=forms.index, dtype="str", name="tokens")


def search_terms(query: str) -> list[Term]:
    """Read what a person typed: words apart by spaces, each to be found; letters may be pinyin initials.

    A numeral at the end may be the beginning of a number (中官路十八 while 号 is not yet typed).
    """
    terms: list[Term] = []
    for word in query.split():
        spellings = [word]
        numeral = _LAST_NUMERAL.search(word)
        if numeral and (digits := arabic(numeral[0])):
            spellings.append(word[: numeral.start()] + digits)
        needles: dict[Needle, None] = {}
        for spelling in spellings:
            sought = _marked(normalise_text(spelling)).removeprefix(EDGE)
            if sought:
                needles[Needle("text", sought)] = None
                initials = sought.replace("之", "z")
                if _LETTER.search(sought) and initials.replace(EDGE, "").isascii():
                    needles[Needle("initials", initials)] = None
        if needles:
            terms.append(tuple(needles))
    return terms


def nearness(text: str, initials: str, terms: list[Term]) -> int:
    """How far the searched forms of an address are from what was typed, summed over the terms.

    0: the numbers typed are whole numbers of the address; 1: they begin its numbers; 2: they stand inside of them.
    """
    forms = {"text": text, "initials": initials}
    return sum(min(_distance(forms[needle.column], needle) for needle in term) for term in terms)


def _distance(form: str, needle: Needle) -> int:
    sought = needle.exact.sought
    if sought not in form:
        return 2
    return 0 if not sought[-1].isdigit() or re.search(re.escape(sought) + "(?![0-9])", form) else 1


def reading_order(text: str) -> str:
    """Return a sort key of a searched form that puts 2号 before 10号."""
    return _NUMBER.sub(lambda match: match[0].zfill(8), text)


def _marked(joined: str) -> str:
    joined = _NUMBER.sub(f"{EDGE}\\g<0>", joined.lower().replace("-", "之"))
    return _NOT_SEARCHED.sub("", joined)


@lru_cache(maxsize=65_536)
def _initials(words: str) -> str:
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - its dictionary costs every command half a second

    return "".join(lazy_pinyin(words.translate(_READ_AS), style=Style.FIRST_LETTER)).lower()


def _tokens(forms: pd.DataFrame) -> list[str]:
    text = forms["text"].to_numpy(dtype=object)
    lines = "\n".join(text + _APART + forms["initials"].to_numpy(dtype=object))
    codes = np.frombuffer(lines.encode("utf-32-le"), dtype="<u4")
    following = np.append(codes[1:], np.uint32(ord("\n")))
    line_end, apart, edge = (codes == ord(character) for character in ("\n", _APART, EDGE))
    separator = line_end | apart
    pair = ~separator & ~np.isin(following, [ord(character) for character in ("\n", _APART, EDGE)])
    space = np.uint32(ord(" "))
    single = ~separator & ~edge
    written = np.stack(
        [
            np.where(single | line_end, codes, 0), np.where(single, space, 0),
            np.where(pair, codes, 0), np.where(pair, following, 0), np.where(pair, space, 0),
        ],
        axis=1,
    ).ravel()  # fmt: skip
    pairs = written[written != 0].astype("<u4").tobytes().decode("utf-32-le").split("\n")
    numbers = _NUMBER.sub(f"\\g<0>{EDGE} ", _NOT_A_NUMBER.sub("", "\n".join(text))).split("\n")
    return [pair + number for pair, number in zip(pairs, numbers, strict=True)]
