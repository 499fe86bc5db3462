"""A village's quarter, who was found to be who in it, and the mismatches as they stood when it was closed."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.fence import LAND
from gis_service.storage.fence_rules import FENCE, one_of, through
from gis_service.storage.rows import Row, RowId


class QuarterState(StrEnum):
    """How far a village has come, in this order."""

    OPEN = "open"
    MATCHED = "matched"
    WORKED = "worked"
    SIGNED = "signed"
    CLOSED = "closed"


class Reconciliation(Row):
    """A village's quarter; once closed the database lets nobody change it."""

    __tablename__ = "reconciliation"
    __table_args__ = (
        Index("ix_reconciliation_village_id_quarter", "village_id", "quarter", unique=True),
        {"info": {FENCE: through("reconciliation", one_of("village_id", LAND))}},  # an officer sees that of the village
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    village_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    quarter: Mapped[str] = mapped_column(String(8), index=True)
    state: Mapped[str] = mapped_column(String(16))
    opened_by: Mapped[str] = mapped_column(String(100))
    opened_at: Mapped[datetime]
    due_on: Mapped[date]
    matched_at: Mapped[datetime | None]
    #: what the matching gave: rows of each register, links, mismatches by class
    figures: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    worked_at: Mapped[datetime | None]
    police_signed_by: Mapped[str | None] = mapped_column(String(100))
    police_signed_at: Mapped[datetime | None]
    village_signed_by: Mapped[str | None] = mapped_column(String(100))
    village_signed_at: Mapped[datetime | None]
    #: fingerprint of the mismatches that the first signature was given to
    signed_digest: Mapped[str | None] = mapped_column(String(64))
    closed_by: Mapped[str | None] = mapped_column(String(100))
    closed_at: Mapped[datetime | None]
    certificate: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    certificate_sha256: Mapped[str | None] = mapped_column(String(64))


class ReconciledItem(Row):
    """A mismatch as it stood when the quarter was closed."""

    __tablename__ = "reconciled_item"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    reconciliation_id: Mapped[int] = mapped_column(ForeignKey("reconciliation.id"), index=True)
    source_key: Mapped[str] = mapped_column(String(64))
    mismatch_class: Mapped[str] = mapped_column(String(32))
    at_register: Mapped[str | None] = mapped_column(String(16))
    field: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(24))
    address: Mapped[str | None] = mapped_column(String(300))
    found_on: Mapped[date]
    due_on: Mapped[date | None]


class LinkKind(StrEnum):
    """What two records were found to be: one person of two registers, one person twice in one, or refused as such."""

    LINK = "link"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class PersonLink(Row):
    """Two records of snapshots that are one person: how that was found, how sure it is, and how well each field agrees.

    Links of a closed quarter do not change. `score` is in log2 odds.
    """

    __tablename__ = "person_link"
    __table_args__ = (
        Index("ix_person_link_village_id_quarter", "village_id", "quarter"),
        {"info": {FENCE: one_of("village_id", LAND)}},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    quarter: Mapped[str] = mapped_column(String(8))
    village_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    kind: Mapped[str] = mapped_column(String(16))
    left_row_id: Mapped[int] = mapped_column(ForeignKey("snapshot_row.id"), index=True)
    right_row_id: Mapped[int] = mapped_column(ForeignKey("snapshot_row.id"), index=True)
    left_side: Mapped[str] = mapped_column(String(16))
    right_side: Mapped[str] = mapped_column(String(16))
    level: Mapped[str] = mapped_column(String(24))
    score: Mapped[float]
    name: Mapped[str] = mapped_column(String(16))
    id_number: Mapped[str] = mapped_column(String(16))
    phone: Mapped[str] = mapped_column(String(16))
    birth_year: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(16))
