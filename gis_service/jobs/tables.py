"""Jobs: who asked for which computation, how far it is, and what came out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.access.tables import UtcDateTime
from gis_service.storage.rows import Row, RowId


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Say whether nothing more will happen."""
        return self not in (JobState.WAITING, JobState.RUNNING)


class Job(Row):
    """One computation. `said` and `fault` are messages as `{"msgid", "params"}`, put into words for each reader."""

    __tablename__ = "job"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    about: Mapped[str | None] = mapped_column(String(64), index=True)
    params: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16), index=True)
    asked_by: Mapped[int | None] = mapped_column(index=True)
    asked_name: Mapped[str] = mapped_column(String(100))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    beat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    worker: Mapped[str | None] = mapped_column(String(200))
    attempts: Mapped[int]
    cancel_asked: Mapped[bool]
    progress: Mapped[float]
    said: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    best: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    fault: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
