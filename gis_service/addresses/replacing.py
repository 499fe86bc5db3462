"""Placing some addresses again over a span of time, after the land or the beats changed beneath them."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import ColumnElement, or_, select, union
from sqlalchemy.orm import Session

from gis_service.addresses.ground import place_some
from gis_service.addresses.placements import apply_rewriting, as_content, batches, day_number, placements_of
from gis_service.addresses.queries import address_points
from gis_service.addresses.tables import Address
from gis_service.addresses.timeline import OPEN, Rewriting, settle
from gis_service.areas.tables import AreaVersion
from gis_service.storage.boxes import Box, in_box
from gis_service.storage.rows import Period
from gis_service.teams.tables import Beat, BeatPart

__all__ = ["place_again", "points_among", "points_of"]


def points_of(session: Session, address_ids: npt.NDArray[np.int64]) -> pd.DataFrame:
    """`queries.address_points` of some addresses."""
    parts = [address_points(session, Address.id.in_(ids)) for ids in batches(address_ids.tolist())]
    return pd.concat(parts).sort_index() if parts else address_points(session, Address.id.in_([]))


def points_among(session: Session, boxes: list[Box]) -> pd.DataFrame:
    """`queries.address_points` inside any of the boxes (degrees lon-lat)."""
    if not boxes:
        return address_points(session, Address.id.in_([]))
    conditions: list[ColumnElement[bool]] = [in_box(session, Address, box) for box in boxes]
    return address_points(session, or_(*conditions))


def place_again(
    session: Session, metric_crs: str, points: pd.DataFrame, since: date, until: date | None
) -> tuple[pd.DataFrame, Rewriting]:
    """Place addresses anew over `[since, until)`, with the land and the beats of each day, and write what differs.

    Only days on which an address had a placement are rewritten; overrides stay.

    Returns
    -------
    The rows on record before (`placements.placements_of`), and what was written.
    """
    recorded = placements_of(session, points.index.to_numpy(dtype=np.int64))
    if points.empty:
        return recorded, settle(recorded, _no_pieces(recorded))
    days = [since, *_turning_days(session, since, until)]
    ends = [*(day_number(day) for day in days[1:]), OPEN if until is None else day_number(until)]
    pieces = [
        as_content(place_some(session, points, day, metric_crs)).assign(since=day_number(day), until=end)
        for day, end in zip(days, ends, strict=True)
    ]
    laid = pd.concat(pieces, ignore_index=True).assign(forced=False)
    known_since = recorded.groupby("address_id")["since"].min()
    laid["since"] = np.maximum(laid["since"], laid["address_id"].map(known_since).fillna(OPEN).astype("int64"))
    rewriting = settle(recorded, laid[laid["since"] < laid["until"]])
    apply_rewriting(session, rewriting)
    return recorded, rewriting


def _turning_days(session: Session, since: date, until: date | None) -> list[date]:
    """Days after `since` and before `until` on which land or beats become something else."""
    tables: tuple[type[Period], ...] = (AreaVersion, Beat, BeatPart)
    before = date.max if until is None else until
    columns: list[Any] = [column for row in tables for column in (row.valid_from, row.valid_to)]
    days = union(*(select(column).where(column > since, column < before) for column in columns))
    return sorted(session.scalars(days))


def _no_pieces(recorded: pd.DataFrame) -> pd.DataFrame:
    return recorded.iloc[:0].drop(columns="id").assign(forced=np.array([], dtype=np.bool_))
