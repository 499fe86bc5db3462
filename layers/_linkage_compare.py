"""Pairs of records, field by field: a small number says how well each field of a pair agrees."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers._linkage_fields import ABSENT, Codes, Fields
from layers._linkage_names import SAME, SAME_COMMON, SAME_RARE, compare_names

Levels = npt.NDArray[np.uint8]
UNKNOWN: Final = 0

ID_CONFLICT, ID_DIFFERS, ID_NEAR, ID_SAME_UNSOUND, ID_SAME = 1, 2, 3, 4, 5
PHONE_DIFFERS, PHONE_NEAR, PHONE_SHARED, PHONE_SAME = 1, 2, 3, 4
BIRTH_DIFFERS, BIRTH_NEAR, BIRTH_SAME = 1, 2, 3
ELSEWHERE, SAME_VILLAGE, OTHER_ROOM, SAME_BUILDING, SAME_DOOR = 1, 2, 3, 4, 5

WORDS: Final = {
    "name": ("unknown", "differs", "partial", "shortened", "variant", "same_common", "same", "same_rare"),
    "id_number": ("unknown", "conflict", "differs", "near", "same_unsound", "same"),
    "phone": ("unknown", "differs", "near", "same_shared", "same"),
    "birth_year": ("unknown", "differs", "near", "same"),
    "address": ("unknown", "elsewhere", "same_village", "other_room", "same_building", "same_door"),
}
"""What the numbers mean, in their order."""

_CHUNK: Final = 500_000


@dataclass(frozen=True)
class Comparison:
    """One number per pair and field (`WORDS`)."""

    name: Levels
    id_number: Levels
    phone: Levels
    birth_year: Levels
    address: Levels

    def __getitem__(self, which: npt.NDArray[np.bool_] | Codes) -> "Comparison":
        return Comparison(*(getattr(self, field.name)[which] for field in fields(self)))

    @classmethod
    def joined(cls, pieces: Sequence["Comparison"]) -> "Comparison":
        """The pairs of all pieces, one after the other."""
        return cls(*(np.concatenate([getattr(piece, field.name) for piece in pieces]) for field in fields(cls)))

    def words(self) -> dict[str, pd.Categorical]:
        """The same in words."""
        return {
            field: pd.Categorical(np.array(words)[getattr(self, field)], categories=words)
            for field, words in WORDS.items()
        }


def compare(records: Fields, left: Codes, right: Codes) -> Comparison:
    """Compare the records at ``left`` with those at ``right`` (positions)."""
    pieces = [
        _compare_some(records, left[start : start + _CHUNK], right[start : start + _CHUNK])
        for start in range(0, max(len(left), 1), _CHUNK)
    ]
    return Comparison.joined(pieces)


def _compare_some(records: Fields, left: Codes, right: Codes) -> Comparison:
    return Comparison(
        _names(records, left, right),
        _id_numbers(records, left, right),
        _phones(records, left, right),
        _birth_years(records, left, right),
        _addresses(records, left, right),
    )


def _names(records: Fields, left: Codes, right: Codes) -> Levels:
    level = compare_names(records.names, records.name[left], records.name[right])
    common = records.name_common[left] | records.name_common[right]
    rare = records.name_rare[left] & records.name_rare[right]
    of_same = np.select([common, rare], [SAME_COMMON, SAME_RARE], SAME)
    return np.where(level == SAME, of_same, level).astype(np.uint8)


def _id_numbers(records: Fields, left: Codes, right: Codes) -> Levels:
    ours, theirs = records.id_number[left], records.id_number[right]
    level = np.where((ours == ABSENT) | (theirs == ABSENT), UNKNOWN, ID_DIFFERS).astype(np.uint8)
    left_holds, right_holds = records.id_holds[left], records.id_holds[right]
    same = (ours == theirs) & (ours != ABSENT)
    level[same] = np.where(left_holds[same], ID_SAME, ID_SAME_UNSOUND)
    level[(level == ID_DIFFERS) & left_holds & right_holds] = ID_CONFLICT
    doubtful = np.flatnonzero(level == ID_DIFFERS)
    close = _mistyped(records.id_characters[ours[doubtful]], records.id_characters[theirs[doubtful]], most=2)
    level[doubtful[close]] = ID_NEAR
    return level


def _phones(records: Fields, left: Codes, right: Codes) -> Levels:
    ours, theirs = records.phone[left], records.phone[right]
    level = np.where((ours == ABSENT) | (theirs == ABSENT), UNKNOWN, PHONE_DIFFERS).astype(np.uint8)
    same = (ours == theirs) & (ours != ABSENT)
    shared = records.phone_shared[left] | records.phone_shared[right]
    level[same] = np.where(shared[same], PHONE_SHARED, PHONE_SAME)
    differs = np.flatnonzero(level == PHONE_DIFFERS)
    close = _mistyped(records.phone_characters[ours[differs]], records.phone_characters[theirs[differs]], most=1)
    level[differs[close]] = PHONE_NEAR
    return level


def _mistyped(ours: npt.NDArray[np.uint32], theirs: npt.NDArray[np.uint32], *, most: int) -> npt.NDArray[np.bool_]:
    """Whether at most so many characters differ, or two neighbours have changed places."""
    differs = ours != theirs
    count = differs.sum(axis=1)
    swapped = differs[:, :-1] & (ours[:, :-1] == theirs[:, 1:]) & (ours[:, 1:] == theirs[:, :-1])
    result: npt.NDArray[np.bool_] = (count <= most) | ((count == 2) & swapped.any(axis=1))
    return result


def _birth_years(records: Fields, left: Codes, right: Codes) -> Levels:
    ours, theirs = records.birth_year[left], records.birth_year[right]
    apart = np.abs(ours - theirs)
    level = np.select([apart == 0, apart == 1], [BIRTH_SAME, BIRTH_NEAR], BIRTH_DIFFERS)
    return np.where((ours == ABSENT) | (theirs == ABSENT), UNKNOWN, level).astype(np.uint8)


def _addresses(records: Fields, left: Codes, right: Codes) -> Levels:
    """Doors are the same when the address is, or every numeric part and the names; nothing here is fuzzy.

    ``SAME_BUILDING``: one of the two says no room (or no unit); ``OTHER_ROOM``: both do, and not the same.
    """
    address_known, address_same = _both(records.address, left, right)
    plate_known, plate_same = _both(records.plate, left, right)
    compound_known, compound_same = _both(records.compound, left, right)
    road_known, road_same = _both(records.road, left, right)
    named_alike = (compound_same | road_same) & (compound_same | ~compound_known) & (road_same | ~road_known)
    level = np.where(address_known | plate_known, ELSEWHERE, UNKNOWN).astype(np.uint8)
    level[(level == ELSEWHERE) & _both(records.village, left, right)[1]] = SAME_VILLAGE
    in_house = _both(records.house, left, right)[1] & named_alike
    level[in_house] = SAME_BUILDING
    for part in (records.unit, records.room):
        known, same = _both(part, left, right)
        level[in_house & known & ~same] = OTHER_ROOM
    level[address_same | (plate_same & named_alike)] = SAME_DOOR
    return level


def _both(code: Codes, left: Codes, right: Codes) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether both sides say something, and whether it is the same."""
    ours, theirs = code[left], code[right]
    known = (ours != ABSENT) & (theirs != ABSENT)
    return known, known & (ours == theirs)
