"""Visits to addresses, as officers record them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.rows import Row, RowId


class VisitKind(StrEnum):
    """What a visit is for (domain.md, Registrations, rentals, visits)."""

    REGISTRATION = "registration"
    ACTUAL_STATE = "actual_state"
    DWELLING_CHECK = "dwelling_check"
    RENTAL_INSPECTION = "rental_inspection"
    PUBLICITY = "publicity"


class VisitOutcome(StrEnum):
    """How a visit ended."""

    DONE = "done"
    TO_FOLLOW_UP = "to_follow_up"
    NOBODY_HOME = "nobody_home"
    REFUSED = "refused"
    NO_SUCH_PLACE = "no_such_place"


#: outcomes after which the visit is not due any more; after the others somebody goes again
SETTLING = (VisitOutcome.DONE, VisitOutcome.TO_FOLLOW_UP, VisitOutcome.NO_SUCH_PLACE)


class Visit(Row):
    """One visit. `receipt_key` is made by the device, so that a record sent twice is one visit.

    `beat_id` is the beat under which it was made; `conflict` says what somebody has to look at (the address has another
    officer now, two records under one key).
    """

    __tablename__ = "visit"
    __table_args__ = (Index("ix_visit_address_id_made_at", "address_id", "made_at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    receipt_key: Mapped[str] = mapped_column(String(64), unique=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"), index=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id"))
    beat_id: Mapped[int | None] = mapped_column(ForeignKey("beat.id"))
    kind: Mapped[str] = mapped_column(String(24))
    outcome: Mapped[str] = mapped_column(String(24))
    #: instants in UTC, without a zone
    made_at: Mapped[datetime]
    received_at: Mapped[datetime]
    conflict: Mapped[str | None] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(String(500))
    #: figures of a rental checklist: rooms, beds, residents, usable_area_m2
    figures: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class VisitPhoto(Row):
    """A photo taken on a visit, sealed under `key` (the visit's receipt key and what the photo is)."""

    __tablename__ = "visit_photo"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    media_type: Mapped[str] = mapped_column(String(40))
    size_bytes: Mapped[int]
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
