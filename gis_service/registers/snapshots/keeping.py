"""Writing snapshots: the rows sealed, the whole closed for good when it is complete."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.personal import Vault
from gis_service.access.same_value import IndexKind
from gis_service.access.viewer import Viewer
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.snapshots.fields import COLUMNS, fingerprint
from gis_service.registers.snapshots.tables import Origin, Snapshot, SnapshotRow
from gis_service.storage.bulk import hold_alone, insert_frame

_SEALED: Final[dict[str, IndexKind | None]] = {"name": None, "id_number": "id_number", "phone": "phone"}


@dataclass(frozen=True)
class Content:
    """What is to be kept: rows (`COLUMNS`, `doubts`; index: the row as people count), and where they come from."""

    side: Side
    area_id: int
    taken_on: date
    rows: pd.DataFrame
    origin: Origin
    source: str | None = None
    file_name: str | None = None


def keep(session: Session, viewer: Viewer, vault: Vault, contents: Sequence[Content]) -> list[tuple[Snapshot, bool]]:
    """Keep contents as snapshots, in the caller's transaction; for each its snapshot, and whether that is a new one.

    The content that an area's register is known to have in that quarter already is the snapshot that is there: the same
    handed in twice is one.
    """
    hold_alone(session, "snapshot")
    kept: list[tuple[Snapshot, bool]] = []
    frames: list[pd.DataFrame] = []
    for content in contents:
        sha256 = fingerprint(content.rows)
        known = _standing(session, content)
        if known is not None and known.sha256 == sha256:
            kept.append((known, False))
            continue
        snapshot = _laid(session, viewer, content, sha256)
        kept.append((snapshot, True))
        frames.append(_sealed(vault, snapshot.id, content.rows))
    rows = [frame for frame in frames if len(frame)]
    if rows:
        insert_frame(session, SnapshotRow, pd.concat(rows, ignore_index=True))
    for snapshot, is_new in kept:
        if is_new:
            snapshot.is_complete = True
            session.flush()
            after = {
                "side": snapshot.side,
                "area_id": snapshot.area_id,
                "origin": snapshot.origin,
                "rows": snapshot.row_count,
                "sha256": snapshot.sha256,
            }
            record(session, viewer, "keep_snapshot", "snapshot", snapshot.id, after=after)
    return kept


def _standing(session: Session, content: Content) -> Snapshot | None:
    """What the register is known to have said of the area by that day, in that quarter."""
    query = select(Snapshot).where(
        Snapshot.side == content.side.value,
        Snapshot.area_id == content.area_id,
        Snapshot.taken_on >= Quarter.of(content.taken_on).first,
        Snapshot.taken_on <= content.taken_on,
    )
    return session.scalars(query.order_by(Snapshot.taken_on.desc(), Snapshot.id.desc()).limit(1)).first()


def _laid(session: Session, viewer: Viewer, content: Content, sha256: str) -> Snapshot:
    snapshot = Snapshot(
        side=content.side.value,
        area_id=content.area_id,
        taken_on=content.taken_on,
        origin=content.origin.value,
        source=content.source,
        file_name=None if content.file_name is None else content.file_name[:300],
        sha256=sha256,
        row_count=len(content.rows),
        doubtful_count=int(content.rows["doubts"].notna().sum()),
        handed_in_by=viewer.name[:100],
        received_at=datetime.now(UTC).replace(tzinfo=None),
        is_complete=False,
    )
    session.add(snapshot)
    session.flush()
    return snapshot


def _sealed(vault: Vault, snapshot_id: int, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as the table has them: personal fields sealed under a key of their own."""
    stem = secrets.token_hex(10)
    keys = [f"{stem}-{number}" for number in range(len(rows))]
    frame = rows[[*COLUMNS, "doubts"]].reset_index(drop=True)
    frame = frame.assign(snapshot_id=snapshot_id, row_key=keys, row_number=rows.index.to_numpy(dtype="int64"))
    for field, kind in _SEALED.items():
        column = frame.pop(field)
        values = column.astype(object).where(column.notna(), None).tolist()
        frame[f"{field}_sealed"] = _objects(vault.seal_many("snapshot_row", field, keys, values))
        if kind is not None:
            frame[f"{field}_index"] = _objects(vault.blind_index_many(kind, values))
    return frame


def _objects(values: list[Any]) -> Any:
    held = np.empty(len(values), dtype=object)
    held[:] = values
    return held
