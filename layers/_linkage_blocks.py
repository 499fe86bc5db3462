"""Which pairs of records are compared at all: those that share an identity number, a phone, a name or a door."""

import numpy as np
import numpy.typing as npt

from layers._linkage_fields import ABSENT, Codes, Fields, combined


def candidate_pairs(records: Fields, *, largest_block: int) -> tuple[Codes, Codes, int]:
    """
    Pairs of records (positions, the smaller first) that may be one person, and how many blocks were too large.

    Blocks: the same identity number; the same phone; within a village names of the same sounds; everywhere
    the same name and birth year; at one door the same birth year, or surnames of the same sound. A block of more than
    ``largest_block`` records is not compared; its records may still meet in another one.
    """
    total = len(records.register)
    surname = records.names.sounds[:, 0].astype(np.int64)[records.name] if total else records.name
    sounds = records.names.sound_keys[records.name] if total else records.name
    at_door = records.plate != ABSENT
    keys = (
        records.id_number,
        records.phone,
        np.where(records.village != ABSENT, combined(records.village, sounds), ABSENT),
        np.where(records.birth_year != ABSENT, combined(records.name, records.birth_year), ABSENT),
        np.where(at_door & (records.birth_year != ABSENT), combined(records.plate, records.birth_year), ABSENT),
        np.where(at_door, combined(records.plate, surname), ABSENT),
        np.where(records.address != ABSENT, combined(records.address, surname), ABSENT),
    )
    found, skipped = [], 0
    for key in keys:
        pairs, too_large = _pairs_within(key, total, largest_block)
        found.append(pairs)
        skipped += too_large
    pairs = np.unique(np.concatenate(found))
    return pairs // max(total, 1), pairs % max(total, 1), skipped


def _pairs_within(key: Codes, total: int, largest: int) -> tuple[npt.NDArray[np.int64], int]:
    """All pairs of records of one key, each as smaller * total + larger."""
    rows = np.flatnonzero(key != ABSENT)
    rows = rows[np.argsort(key[rows], kind="stable")]
    starts = np.flatnonzero(np.r_[True, np.diff(key[rows]) != 0]) if rows.size else np.empty(0, dtype=np.int64)
    sizes = np.diff(np.r_[starts, len(rows)])
    fits = sizes <= largest
    behind = np.where(np.repeat(fits, sizes), np.repeat(starts + sizes, sizes) - np.arange(len(rows)) - 1, 0)
    first = np.repeat(np.arange(len(rows)), behind)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(behind) - behind, behind)
    return rows[first] * total + rows[second], int((~fits).sum())
