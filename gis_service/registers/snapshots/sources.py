"""Saved mappings: once said for a source, which column is which field need not be said again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.areas.scope import area_in_scope
from gis_service.registers.mismatches.states import Side, side_of
from gis_service.registers.snapshots.tables import SnapshotSource


def sources(session: Session, scope: Scope, viewer: Viewer) -> list[SnapshotSource]:
    """The saved mappings of the viewer's part of the district and side, by register and name."""
    query = select(SnapshotSource).where(area_in_scope(scope, SnapshotSource.area_id))
    if (side := side_of(viewer)) is not None:
        query = query.where(SnapshotSource.side == side.value)
    return list(session.scalars(query.order_by(SnapshotSource.side, SnapshotSource.name, SnapshotSource.id)))


def columns_of(session: Session, side: Side, area_id: int, name: str) -> dict[str, str]:
    """The mapping of a source, from its headings to fields; empty where none is saved."""
    found = _row(session, side, area_id, name)
    return {} if found is None else dict(found.columns)


def save_columns(
    session: Session, viewer: Viewer, side: Side, area_id: int, name: str, columns: Mapping[str, str]
) -> None:
    """Save the mapping of a source, within the transaction that used it."""
    row = _row(session, side, area_id, name)
    before = None if row is None else dict(row.columns)
    if before == dict(columns):
        return
    if row is None:
        row = SnapshotSource(area_id=area_id, side=side.value, name=name)
        session.add(row)
    row.columns, row.saved_by = dict(columns), viewer.name[:100]
    row.saved_at = datetime.now(UTC).replace(tzinfo=None)
    session.flush()
    record(session, viewer, "save_snapshot_source", "snapshot_source", row.id, before=before, after=dict(columns))


def _row(session: Session, side: Side, area_id: int, name: str) -> SnapshotSource | None:
    query = select(SnapshotSource).where(
        SnapshotSource.side == side.value, SnapshotSource.area_id == area_id, SnapshotSource.name == name
    )
    return session.scalars(query).first()
