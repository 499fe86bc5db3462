"""What happened to a registration beyond its first and last day."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.rows import Row, RowId


class EventKind(StrEnum):
    """What happened."""

    REGISTERED = "registered"
    RENEWED = "renewed"
    MOVED = "moved"
    DEREGISTERED = "deregistered"
    NOTE = "note"


class RegistrationEvent(Row):
    """One act on a registration; imports leave none, their rows say it all.

    `other_id` is, for a move, the registration at the new address. `until` is the last day that a renewal covers.
    """

    __tablename__ = "registration_event"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    day: Mapped[date]
    until: Mapped[date | None]
    other_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"), index=True)
    note: Mapped[str | None] = mapped_column(String(200))
    actor: Mapped[str] = mapped_column(String(100))
    recorded_at: Mapped[datetime]
