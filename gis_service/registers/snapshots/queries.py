"""Reads of snapshots: those of the own part and side, one with its rows masked, which of them hold for a quarter."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import Select, select
from sqlalchemy import func as sql
from sqlalchemy.orm import Session

from gis_service.access.personal import Vault, mask_id_number, mask_name, mask_phone
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.areas.queries import area_names
from gis_service.areas.scope import area_in_scope
from gis_service.areas.tables import AreaVersion
from gis_service.errors import NotFoundError
from gis_service.registers.mismatches.states import Side, side_of
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.snapshots.tables import Origin, Snapshot, SnapshotRow
from gis_service.storage.frames import read_frame
from gis_service.texts import T

_MASKS = {"name": mask_name, "id_number": mask_id_number, "phone": mask_phone}
_LISTED = (
    "side", "area_id", "taken_on", "origin", "source", "file_name", "sha256", "row_count", "doubtful_count",
    "handed_in_by", "received_at",
)  # fmt: skip


def visible(scope: Scope, viewer: Viewer) -> Select[*tuple[Any, ...]]:
    """The snapshots of areas in scope; a side sees its own register only."""
    query = select(Snapshot).where(area_in_scope(scope, Snapshot.area_id), Snapshot.taken_on <= scope.day)
    side = side_of(viewer)
    return query if side is None else query.where(Snapshot.side == side.value)


def snapshots(
    session: Session,
    scope: Scope,
    viewer: Viewer,
    *,
    side: Side | None = None,
    area_id: int | None = None,
    offset: int = 0,
    limit: int = 100,
) -> tuple[pd.DataFrame, int]:
    """Snapshots of the viewer's part and side, newest first, with `area_name`; index `snapshot_id`; and how many."""
    query = visible(scope, viewer)
    if side is not None:
        query = query.where(Snapshot.side == side.value)
    if area_id is not None:
        query = query.where(Snapshot.area_id == area_id)
    wanted = query.with_only_columns(
        Snapshot.id.label("snapshot_id"), AreaVersion.name.label("area_name"), *(getattr(Snapshot, c) for c in _LISTED)
    ).outerjoin(AreaVersion, (AreaVersion.area_id == Snapshot.area_id) & AreaVersion.valid_on(scope.day))
    ordered = wanted.order_by(Snapshot.taken_on.desc(), Snapshot.id.desc()).offset(offset).limit(limit)
    total = session.scalar(query.with_only_columns(sql.count(Snapshot.id)).order_by(None)) or 0
    return read_frame(session, ordered, index="snapshot_id"), total


def snapshot(session: Session, scope: Scope, viewer: Viewer, snapshot_id: int) -> Snapshot:
    """One snapshot of the viewer's part and side.

    Raises
    ------
    NotFoundError
        There is none.
    """
    found: Snapshot | None = session.scalars(visible(scope, viewer).where(Snapshot.id == snapshot_id)).first()
    if found is None:
        raise NotFoundError(T("There is no such snapshot in your part of the district."))
    return found


def masked_rows(
    session: Session, vault: Vault, snapshot_id: int, *, doubtful: bool = False, offset: int = 0, limit: int = 100
) -> tuple[pd.DataFrame, int]:
    """Rows of a snapshot that the caller may see, in the order of the file, masked; index `row_id`; and how many."""
    query = select(SnapshotRow).where(SnapshotRow.snapshot_id == snapshot_id)
    if doubtful:
        query = query.where(SnapshotRow.doubts.is_not(None))
    total = session.scalar(select(sql.count()).select_from(query.subquery())) or 0
    page = query.order_by(SnapshotRow.row_number, SnapshotRow.id).offset(offset).limit(limit)
    return masked(opened(session, vault, page)), total


def masked(rows: pd.DataFrame) -> pd.DataFrame:
    """Opened rows as they may be shown."""
    shown = {field: rows[field].map(mask, na_action="ignore").astype("str") for field, mask in _MASKS.items()}
    return rows.assign(**shown)


def opened(session: Session, vault: Vault, query: Select[Any]) -> pd.DataFrame:
    """The rows of a query in clear, for computing with them; index `row_id`."""
    plain = [column for column in SnapshotRow.__table__.c if not column.name.endswith("_index")]
    frame = read_frame(
        session,
        query.with_only_columns(*plain),
        dtypes=dict.fromkeys(("sex", "dwelling", "address_text", "address_code", "doubts"), "str")
        | {"birth_year": "Int64"},
        index="id",
    ).rename_axis("row_id")
    keys = frame.pop("row_key").tolist()
    for field in _MASKS:
        sealed = [None if value is None else bytes(value) for value in frame.pop(f"{field}_sealed")]
        frame[field] = pd.Series(vault.open_many("snapshot_row", field, keys, sealed), index=frame.index, dtype="str")
    for day in ("arrived_on", "left_on"):
        frame[day] = pd.to_datetime(frame[day]).astype("datetime64[s]")
    return frame


def standing(session: Session, quarter: Quarter, villages: Collection[int], day: date) -> pd.DataFrame:
    """Which snapshot of each register holds for each village in a quarter: the newest of it or of what it lies in.

    The police registry that somebody handed in goes before the service's own.

    Returns
    -------
    On a plain index: `village_id`, `register`, `snapshot_id`, `area_id` (whose list it is), `taken_on`, `received_at`,
    `origin`; at most one row for each village and register.
    """
    above = _above(session, villages, day)
    query = (
        select(
            Snapshot.id.label("snapshot_id"),
            Snapshot.side.label("register"),
            Snapshot.area_id,
            Snapshot.taken_on,
            Snapshot.received_at,
            Snapshot.origin,
        )
        .where(
            Snapshot.area_id.in_(sorted(set(above["area_id"]))),
            Snapshot.taken_on >= quarter.first,
            Snapshot.taken_on <= min(day, quarter.last),
        )
        .order_by(Snapshot.taken_on, Snapshot.id)
    )
    found = above.merge(read_frame(session, query, dtypes={"area_id": "int64"}), on="area_id")
    found = found.assign(by_hand=found["origin"].ne(Origin.SERVICE.value))
    ordered = found.sort_values(["village_id", "register", "by_hand", "taken_on", "snapshot_id"], kind="stable")
    newest = ordered.drop_duplicates(["village_id", "register"], keep="last")
    return newest.drop(columns="by_hand").reset_index(drop=True)


def _above(session: Session, villages: Collection[int], day: date) -> pd.DataFrame:
    """Each village with itself and every area that it lies in: `village_id`, `area_id`."""
    parents = area_names(session, Scope(day, None))["parent_id"]
    pairs: list[tuple[int, int]] = []
    for village in villages:
        at: Any = village
        while not pd.isna(at):
            pairs.append((village, int(at)))
            at = parents.get(int(at))
            at = pd.NA if at is None else at
    return pd.DataFrame(pairs, columns=["village_id", "area_id"])
