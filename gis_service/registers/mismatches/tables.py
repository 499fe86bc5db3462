"""What happened to a mismatch, and the files that somebody attached to it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.rows import Row, RowId


class EventKind(StrEnum):
    """What happened."""

    FOUND = "found"
    FOUND_AGAIN = "found_again"
    GONE = "gone"
    STATE = "state"
    ASSIGNED = "assigned"
    COMMENT = "comment"
    ATTACHED = "attached"


class MismatchEvent(Row):
    """One step in the life of a mismatch: who, from which side, what and why."""

    __tablename__ = "mismatch_event"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    mismatch_id: Mapped[int] = mapped_column(ForeignKey("mismatch.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(100))
    side: Mapped[str | None] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    state_before: Mapped[str | None] = mapped_column(String(24))
    state_after: Mapped[str | None] = mapped_column(String(24))
    text: Mapped[str | None] = mapped_column(String(1000))


class MismatchAttachment(Row):
    """A picture or document, sealed under `key`: it may show a card or a face."""

    __tablename__ = "mismatch_attachment"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    mismatch_id: Mapped[int] = mapped_column(ForeignKey("mismatch.id"), index=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(40))
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    actor: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]
