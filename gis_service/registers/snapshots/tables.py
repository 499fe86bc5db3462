"""A register as it stood on a day, its rows with personal fields sealed, and how the tables of a source are read."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.fence import LAND, OWN
from gis_service.storage.fence_rules import FENCE, one_of
from gis_service.storage.rows import Row, RowId


class Origin(StrEnum):
    """How a snapshot came: as a file, as rows sent by another system, or from the service's own registrations."""

    FILE = "file"
    PUSHED = "pushed"
    SERVICE = "service"


class Snapshot(Row):
    """What one register said of an area on a day; once it is complete the database lets nobody change it.

    `sha256` is the fingerprint of the content, whatever the order of its rows.
    """

    __tablename__ = "snapshot"
    __table_args__ = (
        Index("ix_snapshot_area_id_side_taken_on", "area_id", "side", "taken_on"),
        # which list holds for a village may be one of what the village lies in; its rows are not for the village
        {"info": {FENCE: one_of("area_id", LAND)}},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    side: Mapped[str] = mapped_column(String(16))
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    taken_on: Mapped[date]
    origin: Mapped[str] = mapped_column(String(16))
    source: Mapped[str | None] = mapped_column(String(64))
    file_name: Mapped[str | None] = mapped_column(String(300))
    sha256: Mapped[str] = mapped_column(String(64))
    row_count: Mapped[int]
    #: rows of which something does not hold: a check digit, a phone, an address code
    doubtful_count: Mapped[int]
    handed_in_by: Mapped[str] = mapped_column(String(100))
    received_at: Mapped[datetime]
    is_complete: Mapped[bool]


class SnapshotRow(Row):
    """One person of a snapshot; personal fields are sealed under `row_key`, and like those only keys may change."""

    __tablename__ = "snapshot_row"
    __table_args__ = {  # noqa: RUF012 - SQLAlchemy's own form
        "info": {
            FENCE: "EXISTS (SELECT FROM snapshot WHERE snapshot.id = snapshot_row.snapshot_id"
            f" AND {one_of('snapshot.area_id', OWN)})"
        }
    }

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    snapshot_id: Mapped[int] = mapped_column(ForeignKey("snapshot.id"), index=True)
    row_key: Mapped[str] = mapped_column(String(40), unique=True)
    #: where the row stands in the file, as people count
    row_number: Mapped[int]
    source_key: Mapped[str] = mapped_column(String(64))
    name_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    id_number_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    birth_year: Mapped[int | None]
    sex: Mapped[str | None] = mapped_column(String(8))
    dwelling: Mapped[str | None] = mapped_column(String(16))
    address_text: Mapped[str | None] = mapped_column(String(300))
    address_code: Mapped[str | None] = mapped_column(String(64))
    arrived_on: Mapped[date | None]
    left_on: Mapped[date | None]
    #: names of the fields that do not hold, joined by commas
    doubts: Mapped[str | None] = mapped_column(String(100))


class RemovedSnapshot(Row):
    """What stays of a snapshot that was removed: whose list it was, its day, number of rows and fingerprint."""

    __tablename__ = "removed_snapshot"
    __table_args__ = {"info": {FENCE: one_of("area_id", LAND)}}  # noqa: RUF012 - SQLAlchemy's own form

    snapshot_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    side: Mapped[str] = mapped_column(String(16))
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    taken_on: Mapped[date]
    origin: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64))
    row_count: Mapped[int]
    received_at: Mapped[datetime]
    removed_by: Mapped[str] = mapped_column(String(100))
    removed_at: Mapped[datetime]


class SnapshotSource(Row):
    """A saved mapping: which column of the tables of a source is which field."""

    __tablename__ = "snapshot_source"
    __table_args__ = (
        Index("ix_snapshot_source_area_id_side_name", "area_id", "side", "name", unique=True),
        {"info": {FENCE: one_of("area_id", LAND)}},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    side: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(64))
    columns: Mapped[dict[str, str]] = mapped_column(JSON)
    saved_by: Mapped[str] = mapped_column(String(100))
    saved_at: Mapped[datetime]
