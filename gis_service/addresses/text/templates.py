"""Address texts as templates and numbers: 中官路18弄3号 is 中官路□弄□号 with 18 and 3.

A district has hundreds of thousands of addresses and a few thousand templates, so only templates are taken apart one by
one; the numbers are put back into all rows at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis_service.addresses.text.normalise import BUILDING_LETTERS

SLOT: Final = "\0"
"""Where a number stood; normalised texts have no control characters."""

_SUFFIX: Final = "甲乙丙丁戊己"
_NUMBER: Final = re.compile(f"[A-Z]?[0-9]+(?:[A-Z]|[{_SUFFIX}](?=号))?|[{BUILDING_LETTERS}](?=[幢室])")

Pattern = tuple[str | int, ...]
"""Pieces of a text in order: a word, or the position of a number among the numbers of the template."""


@dataclass(frozen=True)
class Templates:
    """Texts taken apart: `unique[codes[i]]` with `numbers[offsets[i]:]` is text i."""

    unique: list[str]
    codes: npt.NDArray[np.intp]
    numbers: npt.NDArray[np.object_]
    offsets: npt.NDArray[np.int64]

    @classmethod
    def of(cls, normalised: pd.Series, stand_ins: Mapping[str, str]) -> Templates:
        """Take apart normalised texts; names in `stand_ins` keep their digits."""
        joined = "\n".join(normalised)
        for name, character in stand_ins.items():
            joined = joined.replace(name, character)
        numbers = np.array(_NUMBER.findall(joined), dtype=object)
        lines = np.array(_NUMBER.sub(SLOT, joined).split("\n"), dtype=object)[: len(normalised)]
        codes, unique = pd.factorize(lines)
        held = np.array([template.count(SLOT) for template in unique], dtype=np.int64)[codes]
        return cls(list(unique), codes, numbers, np.cumsum(held) - held)

    def fill(self, patterns: Sequence[Pattern]) -> npt.NDArray[np.object_]:
        """One text a row from one pattern a template; a row whose pattern is empty gets None."""
        wanted = np.array([bool(pattern) for pattern in patterns], dtype=bool)[self.codes]
        rows = np.flatnonzero(wanted)
        codes, offsets = self.codes[rows], self.offsets[rows]
        texts = np.full(len(rows), "", dtype=object)
        for position in range(max((len(pattern) for pattern in patterns), default=0)):
            pieces = [pattern[position] if position < len(pattern) else "" for pattern in patterns]
            words: Any = np.array([piece if isinstance(piece, str) else "" for piece in pieces], dtype=object)
            slots = np.array([piece if isinstance(piece, int) else -1 for piece in pieces], dtype=np.int64)[codes]
            texts = texts + words[codes]
            numbered = slots >= 0
            texts[numbered] += self.numbers[offsets[numbered] + slots[numbered]]
        filled = np.full(len(self.codes), None, dtype=object)
        filled[rows] = texts
        return filled


def pattern_of(piece: str, first_slot: int, originals: Mapping[str, str]) -> Pattern:
    """Turn a piece of a template into a pattern: its first number is number `first_slot`; stand-ins become names."""
    words = piece.split(SLOT)
    pattern: list[str | int] = []
    for position, word in enumerate(words):
        if position:
            pattern.append(first_slot + position - 1)
        if word:
            pattern.append("".join(originals.get(character, character) for character in word))
    return tuple(pattern)
