"""Old snapshots are removed: people whom nobody needs to look up any more, and never what a quarter stands on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine, delete, exists, or_, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.viewer import Viewer
from gis_service.errors import InvalidInputError, NotPermittedError
from gis_service.registers.quarters.tables import PersonLink, Reconciliation
from gis_service.registers.snapshots.tables import RemovedSnapshot, Snapshot, SnapshotRow
from gis_service.settings import Settings
from gis_service.storage.bulk import hold_alone
from gis_service.storage.engine import reading, transaction
from gis_service.texts import T


@dataclass(frozen=True)
class Old:
    """A snapshot that is old enough to go: whose, of which day, how many rows."""

    snapshot_id: int
    side: str
    area_id: int
    taken_on: date
    row_count: int


def remove_old_snapshots(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    *,
    today: date,
    keep_days: int | None = None,
    rehearse: bool = False,
) -> list[Old]:
    """Remove snapshots older than `keep_days` that no quarter stands on, in one transaction; returns them.

    A quarter stands on the snapshots that it was matched with, and on those of which a record is linked in it. Whose
    list it was, its day, number of rows and fingerprint stay on record; its people go.

    Parameters
    ----------
    keep_days
        `settings.snapshot_retention_days` when None, and never less.
    rehearse
        Only say what would go.

    Raises
    ------
    NotPermittedError
        Only whoever runs the service removes.
    InvalidInputError
        Fewer days than the setting.
    """
    if not viewer.everything:
        raise NotPermittedError(T("Old registers are removed on the server."))
    days = settings.snapshot_retention_days if keep_days is None else keep_days
    if days < settings.snapshot_retention_days:
        least = settings.snapshot_retention_days
        raise InvalidInputError(T("Registers are kept at least {days} days (GIS_SNAPSHOT_RETENTION_DAYS).", days=least))
    before = today - timedelta(days=days)
    if rehearse:
        with reading(engine) as session:
            return [_told(each) for each in _old(session, before)]
    with transaction(engine) as session:
        hold_alone(session, "snapshot")
        old = _old(session, before)
        for each in old:
            _remove(session, viewer, each)
        return [_told(each) for each in old]


def _old(session: Session, before: date) -> list[Snapshot]:
    """Complete snapshots of before a day that no quarter was matched with and no link refers to, oldest first."""
    figures = session.scalars(select(Reconciliation.figures).where(Reconciliation.figures.is_not(None)))
    named = {int(each) for said in figures if said for each in said.get("snapshots", {}).values()}
    linked = exists().where(
        SnapshotRow.snapshot_id == Snapshot.id,
        or_(
            exists().where(PersonLink.left_row_id == SnapshotRow.id),
            exists().where(PersonLink.right_row_id == SnapshotRow.id),
        ),
    )
    midnight = datetime.combine(before, datetime.min.time())
    query = select(Snapshot).where(
        Snapshot.taken_on < before, Snapshot.received_at < midnight, Snapshot.is_complete, ~linked
    )
    return [each for each in session.scalars(query.order_by(Snapshot.taken_on, Snapshot.id)) if each.id not in named]


def _remove(session: Session, viewer: Viewer, each: Snapshot) -> None:
    kept = {name: getattr(each, name) for name in ("side", "area_id", "taken_on", "origin", "sha256", "row_count")}
    now = datetime.now(UTC).replace(tzinfo=None)
    # the database lets a snapshot go only when its removal is on record
    session.add(
        RemovedSnapshot(
            snapshot_id=each.id, received_at=each.received_at, removed_by=viewer.name[:100], removed_at=now, **kept
        )
    )
    session.flush()
    session.execute(delete(SnapshotRow).where(SnapshotRow.snapshot_id == each.id))
    session.execute(delete(Snapshot).where(Snapshot.id == each.id))
    before = {name: str(value) if isinstance(value, date) else value for name, value in kept.items()}
    record(session, viewer, "remove_snapshot", "snapshot", each.id, before=before)


def _told(each: Snapshot) -> Old:
    return Old(each.id, each.side, each.area_id, each.taken_on, each.row_count)
