"""Placements on record, as frames of plain columns: read by the hundred thousand, and rewritten where they differ."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import date
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sqlalchemy import ColumnElement, Date, Integer, Text, and_, cast, delete, func, or_, select, true, type_coerce
from sqlalchemy.orm import Session

from gis_service.addresses.tables import Placement
from gis_service.addresses.timeline import CONTENT, OPEN, Rewriting, settle
from gis_service.storage.bulk import update_frame
from gis_service.storage.bulk_load import load_frame
from gis_service.storage.columns import read_columns

_IDS: Final = ("area_id", "beat_id", "home_area_id", "suggested_area_id")
_PLAIN: Final = ("area_id", "beat_id", "home_area_id")
_TYPES: Final = {
    "id": pa.int64(),
    "address_id": pa.int64(),
    **dict.fromkeys(_IDS, pa.int64()),
    "unresolved": pa.string(),
    "candidate_area_ids": pa.string(),
    "suggested_distance_m": pa.float64(),
    "override_reason": pa.string(),
}
_EPOCH: Final = date(1970, 1, 1)
_AT_ONCE: Final = 10_000
"""Ids in one condition; for more than twice as many all rows are read and sifted here."""


def placements_on(session: Session, day: date) -> pd.DataFrame:
    """Every placement that holds on `day`, ordered by address: `address_id`, `timeline.CONTENT`.

    Nearly all say no more than a compound and its beat: of those only that is read.
    """
    says_more = or_(
        Placement.home_area_id.is_distinct_from(Placement.area_id),
        *(getattr(Placement, name).is_not(None) for name in CONTENT if name not in _PLAIN),
    )
    plain = select(Placement.address_id, Placement.area_id, func.coalesce(Placement.beat_id, -1))
    types = {name: pa.int64() for name in ("address_id", "area_id", "beat_id")}
    table = read_columns(session, plain.where(Placement.valid_on(day), ~says_more), types)
    columns = {name: table[name].to_numpy() for name in types}
    count = len(table)
    told = {
        "suggested_distance_m": np.full(count, np.nan),
        **{name: np.full(count, "", dtype=object) for name in ("unresolved", "candidate_area_ids", "override_reason")},
    }
    nowhere = np.full(count, -1, dtype=np.int64)
    few = pd.DataFrame({**columns, "home_area_id": columns["area_id"], "suggested_area_id": nowhere, **told})
    more = _read(session, and_(Placement.valid_on(day), says_more), with_periods=False).drop(columns="id")
    both = pd.concat([few[more.columns], more], ignore_index=True)
    return both.iloc[np.argsort(both["address_id"].to_numpy(), kind="stable")].reset_index(drop=True)


def placements_of(session: Session, address_ids: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Every placement that these addresses ever had: `id`, `address_id`, `since`, `until`, `timeline.CONTENT`."""
    if len(address_ids) > 2 * _AT_ONCE:
        rows = _read(session, true(), with_periods=True)
        return rows[rows["address_id"].isin(address_ids)].reset_index(drop=True)
    parts = [
        _read(session, Placement.address_id.in_(ids), with_periods=True) for ids in batches(address_ids.tolist())
    ] or [_read(session, Placement.address_id.in_([]), with_periods=True)]
    return pd.concat(parts, ignore_index=True)


def rewrite_placements(session: Session, pieces: pd.DataFrame) -> Rewriting:
    """Lay `pieces` (as `timeline.settle` takes them) over the record, and write what that changes."""
    recorded = placements_of(session, np.unique(pieces["address_id"].to_numpy(dtype=np.int64)))
    rewriting = settle(recorded, pieces)
    apply_rewriting(session, rewriting)
    return rewriting


def apply_rewriting(session: Session, rewriting: Rewriting) -> None:
    """Delete, end and insert rows."""
    for ids in batches(rewriting.removed.tolist()):
        session.execute(delete(Placement).where(Placement.id.in_(ids)))
    if len(rewriting.ended):
        ended = rewriting.ended
        update_frame(session, Placement, pd.DataFrame({"id": ended["id"], "valid_to": as_dates(ended["until"])}))
    if len(rewriting.begun):
        rows = _as_rows(rewriting.begun)
        # those that say more come last: of the others whole chunks are inserted without the columns that nobody fills
        says_more = rows[["unresolved", "suggested_area_id", "override_reason"]].notna().any(axis=1).to_numpy()
        load_frame(session, Placement, rows.iloc[np.argsort(says_more, kind="stable")])


def day_number(day: date) -> int:
    """One date as a whole number."""
    return (day - _EPOCH).days


def as_dates(days: pd.Series) -> pd.Series:
    """Whole numbers as dates, NaT for never."""
    values = days.to_numpy(dtype=np.int64)
    dates = np.where(values == OPEN, 0, values).astype("datetime64[D]").astype("datetime64[s]")
    return pd.Series(dates, index=days.index).mask(values == OPEN)


def as_content(placed: pd.DataFrame) -> pd.DataFrame:
    """Placements as `placing.place` makes them (index `address_id`), in the plain columns of `timeline.CONTENT`."""
    content = pd.DataFrame({"address_id": placed.index.to_numpy(dtype=np.int64)})
    for name in _IDS:
        content[name] = placed[name].to_numpy(dtype=np.int64, na_value=-1)
    content["unresolved"] = placed["unresolved"].fillna("").to_numpy(dtype=object)
    several = np.full(len(placed), "", dtype=object)
    given = np.flatnonzero(placed["candidate_area_ids"].notna().to_numpy())
    several[given] = [json.dumps(placed["candidate_area_ids"].iloc[position]) for position in given]
    content["candidate_area_ids"] = several
    content["suggested_distance_m"] = placed["suggested_distance_m"].to_numpy(dtype=np.float64, na_value=np.nan)
    content["override_reason"] = np.full(len(placed), "", dtype=object)
    return content


def batches(ids: Collection[int], size: int = _AT_ONCE) -> Iterator[list[int]]:
    """Ids in lists that a condition can hold."""
    rest = iter(ids)
    while batch := list(islice(rest, size)):
        yield batch


def _read(session: Session, condition: ColumnElement[bool], *, with_periods: bool) -> pd.DataFrame:
    columns: list[Any] = [Placement.id, Placement.address_id, *(getattr(Placement, name) for name in _IDS)]
    as_text: Any = cast(Placement.candidate_area_ids, Text)
    if session.get_bind().dialect.name == "sqlite":  # there JSON is text already
        as_text = type_coerce(Placement.candidate_area_ids, Text)
    columns += [Placement.unresolved, as_text, Placement.suggested_distance_m, Placement.override_reason]
    types = dict(_TYPES)
    if with_periods:
        columns += [_day_of(session, Placement.valid_from), _day_of(session, Placement.valid_to)]
        types |= {"since": pa.int64(), "until": pa.int64()}
    table = read_columns(session, select(*columns).where(condition).order_by(Placement.address_id), types)
    frame = {name: _plain(table[name]) for name in types if name != "until"}
    if with_periods:
        frame["until"] = table["until"].fill_null(OPEN).to_numpy()
    return pd.DataFrame(frame)


def _day_of(session: Session, column: Any) -> Any:
    """A date in the database as days since 1970-01-01."""
    if session.get_bind().dialect.name == "sqlite":
        return cast(func.julianday(column) - 2440587.5, Integer)
    return type_coerce(column, Date) - _EPOCH


def _plain(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """Ids with -1, texts with "", metres with NaN where the database has NULL."""
    if not pa.types.is_floating(column.type):
        column = column.fill_null("" if pa.types.is_string(column.type) else -1)
    values: npt.NDArray[Any] = column.to_numpy()
    return values


def _as_rows(begun: pd.DataFrame) -> pd.DataFrame:
    """Plain columns as the table has them."""
    rows = pd.DataFrame({"address_id": begun["address_id"], "valid_from": as_dates(begun["since"])})
    rows["valid_to"] = as_dates(begun["until"])
    for name in _IDS:
        values = begun[name].to_numpy(dtype=np.int64)
        rows[name] = pd.arrays.IntegerArray(values, values < 0)
    for name in ("unresolved", "override_reason"):
        rows[name] = begun[name].where(begun[name].ne(""), None)
    several = np.full(len(begun), None, dtype=object)
    given = np.flatnonzero(begun["candidate_area_ids"].ne("").to_numpy())
    several[given] = [json.loads(begun["candidate_area_ids"].iloc[position]) for position in given]
    rows["candidate_area_ids"] = pd.Series(several, index=begun.index, dtype="object")
    rows["suggested_distance_m"] = begun["suggested_distance_m"]
    return rows
