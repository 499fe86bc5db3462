"""Placements over time: new pieces laid over what is on record, without an overlap, a hole or a needless row. Pure.

Days are whole numbers here (days since 1970-01-01, `OPEN` = until further notice); periods are half-open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

OPEN: Final = 1 << 40
"""The end of a period that has none; as a float it is the same number."""

CONTENT: Final = (
    "area_id",
    "beat_id",
    "home_area_id",
    "suggested_area_id",
    "unresolved",
    "candidate_area_ids",
    "suggested_distance_m",
    "override_reason",
)
"""What a placement says: ids as int64 (-1 = none), texts ("" = none), metres (NaN = none)."""

MOST_HOMES_TOLD: Final = 200
"""Areas that an act names in the trail; after one that touches more, people are counted anew everywhere."""

NEAR_ENOUGH_M: Final = 0.05
"""Distances of a suggestion that differ by less are the same."""


@dataclass(frozen=True)
class Rewriting:
    """What has to be written so that the record is as settled.

    Attributes
    ----------
    removed : ids of rows to delete.
    ended : rows that only get another end: `id`, `until`.
    begun : rows to insert: `address_id`, `since`, `until` and `CONTENT`.
    homes : areas whose people see another address, or see one on other days; -1 for what nobody sees.
    """

    removed: npt.NDArray[np.int64]
    ended: pd.DataFrame
    begun: pd.DataFrame
    homes: npt.NDArray[np.int64]

    @property
    def written(self) -> int:
        """How many addresses have a placement that they had not."""
        return int(self.begun["address_id"].nunique())

    def told(self) -> dict[str, list[int]]:
        """What the trail keeps of it: the homes, when they are few."""
        return {"home_areas": self.homes.tolist()} if len(self.homes) <= MOST_HOMES_TOLD else {}


def same_content(one: pd.DataFrame, other: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Row by row, whether two frames of the same length say the same."""
    same = np.ones(len(one), dtype=np.bool_)
    for name in CONTENT:
        a, b = one[name].to_numpy(), other[name].to_numpy()
        if name == "suggested_distance_m":
            same &= (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) < NEAR_ENOUGH_M)
        else:
            same &= a == b
    return same


def settle(recorded: pd.DataFrame, pieces: pd.DataFrame) -> Rewriting:
    """Lay pieces over the record of their addresses.

    Where several hold on a day, a forced piece goes before an override on record, that before any other piece, and that
    before what else is on record. Neighbours in time that say the same become one row.

    Parameters
    ----------
    recorded
        Every row of the addresses concerned: `id`, `address_id`, `since`, `until`, `CONTENT`; no overlaps.
    pieces
        `address_id`, `since`, `until`, `CONTENT`, `forced` (bool); no two of one address overlap.
    """
    if recorded.empty:  # nothing to lay them over
        order = np.lexsort((pieces["since"].to_numpy(), pieces["address_id"].to_numpy()))
        begun = _joined(pieces.iloc[order][["address_id", "since", "until", *CONTENT]].reset_index(drop=True))
        nothing = np.empty(0, dtype=np.int64)
        return Rewriting(nothing, pd.DataFrame({"id": [], "until": []}, dtype="int64"), begun, _homes(begun))
    spans = _elementary(pd.concat([recorded, pieces], ignore_index=True)[["address_id", "since", "until"]])
    known, laid = _holder(spans, recorded), _holder(spans, pieces)
    is_override = _taken(recorded["override_reason"].ne("").to_numpy(), known)
    is_forced = _taken(pieces["forced"].to_numpy(dtype=np.bool_), laid)
    from_piece = (laid >= 0) & (is_forced | ~is_override)
    origin = np.where(from_piece, laid + len(recorded), known)
    spans, origin = spans[origin >= 0], origin[origin >= 0]
    content = pd.concat([recorded, pieces], ignore_index=True)[list(CONTENT)]
    settled = _joined(pd.concat([spans.reset_index(drop=True), content.iloc[origin].reset_index(drop=True)], axis=1))
    return _difference(recorded, settled)


def _elementary(periods: pd.DataFrame) -> pd.DataFrame:
    """The shortest spans of each address between any two days on which one of its periods begins or ends."""
    days = np.concatenate([periods["since"].to_numpy(), periods["until"].to_numpy()])
    address = np.tile(periods["address_id"].to_numpy(), 2)
    order = np.lexsort((days, address))
    address, days = address[order], days[order]
    fresh = np.ones(len(days), dtype=np.bool_)
    fresh[1:] = (address[1:] != address[:-1]) | (days[1:] != days[:-1])
    address, days = address[fresh], days[fresh]
    follows = address[1:] == address[:-1]
    return pd.DataFrame({"address_id": address[:-1][follows], "since": days[:-1][follows], "until": days[1:][follows]})


def _holder(spans: pd.DataFrame, rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    """For each span the position of the row that holds over it, -1 for none."""
    order = np.lexsort((rows["since"].to_numpy(), rows["address_id"].to_numpy()))
    keys = rows.iloc[order]
    # the last row of the address that begins at or before the span: a search over (address, day)
    both = np.concatenate([keys["address_id"].to_numpy(), spans["address_id"].to_numpy()])
    day = np.concatenate([keys["since"].to_numpy(), spans["since"].to_numpy()])
    is_span = np.repeat([False, True], [len(keys), len(spans)])
    merged = np.lexsort((is_span, day, both))
    last = np.maximum.accumulate(np.where(is_span[merged], -1, merged))
    holder = np.full(len(spans), -1, dtype=np.int64)
    holder[merged[is_span[merged]] - len(keys)] = last[is_span[merged]]
    if not len(keys):
        return holder
    fits = (holder >= 0) & (keys["address_id"].to_numpy()[holder] == spans["address_id"].to_numpy())
    fits &= keys["until"].to_numpy()[holder] >= spans["until"].to_numpy()
    return np.where(fits, order[holder], -1)


def _taken(flags: npt.NDArray[np.bool_], positions: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """The flag of each position, False for none."""
    taken: npt.NDArray[np.bool_] = (positions >= 0) & np.append(flags, False)[positions]
    return taken


def _joined(rows: pd.DataFrame) -> pd.DataFrame:
    """Neighbours in time that say the same as one row."""
    if len(rows) < 2:
        return rows
    before, after = rows.iloc[:-1], rows.iloc[1:]
    goes_on = (before["address_id"].to_numpy() == after["address_id"].to_numpy()) & (
        before["until"].to_numpy() == after["since"].to_numpy()
    )
    goes_on &= same_content(before, after)
    first = np.append(True, ~goes_on)
    last = np.append(~goes_on, True)
    joined = rows[first].reset_index(drop=True)
    return joined.assign(until=rows["until"].to_numpy()[last])


def _difference(recorded: pd.DataFrame, settled: pd.DataFrame) -> Rewriting:
    """What of the record stays, what only ends on another day, what goes and what is new."""
    at = pd.MultiIndex.from_frame(recorded[["address_id", "since"]])
    position = at.get_indexer(pd.MultiIndex.from_frame(settled[["address_id", "since"]]))
    met = np.flatnonzero(position >= 0)
    alike = np.zeros(len(settled), dtype=np.bool_)
    alike[met] = same_content(recorded.iloc[position[met]], settled.iloc[met])
    kept = position[alike]
    moved = recorded["until"].to_numpy()[kept] != settled["until"].to_numpy()[alike]
    stays = np.zeros(len(recorded), dtype=np.bool_)
    stays[kept[~moved]] = True
    begun = settled[~alike].reset_index(drop=True)
    ended = pd.DataFrame({"id": recorded["id"].to_numpy()[kept], "until": settled["until"].to_numpy()[alike]})[moved]
    return Rewriting(
        removed=np.delete(recorded["id"].to_numpy(dtype=np.int64), kept),
        ended=ended,
        begun=begun,
        homes=np.union1d(_homes(recorded[~stays]), _homes(begun)),
    )


def _homes(rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    return np.unique(rows["home_area_id"].to_numpy(dtype=np.int64))
