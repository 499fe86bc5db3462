"""Scenarios: a named copy of a day, what people changed in it, what they said of it, and what its publication did."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.access.tables import UtcDateTime
from gis_service.storage.rows import Row, RowId


class ScenarioState(StrEnum):
    """Where a scenario stands."""

    DRAFT = "draft"
    FROZEN = "frozen"
    APPROVED = "approved"
    PUBLISHED = "published"
    REVERTED = "reverted"
    DISCARDED = "discarded"


class Scenario(Row):
    """A plan in the making. `inputs` never change: a packed copy of the day, with its hash."""

    __tablename__ = "scenario"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), index=True)
    day: Mapped[date]
    seed: Mapped[int]
    inputs: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    inputs_sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), index=True)
    shared: Mapped[bool]
    author: Mapped[str] = mapped_column(String(100))
    author_id: Mapped[int | None]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approved_by: Mapped[str | None] = mapped_column(String(100))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    publish_on: Mapped[date | None]
    undo: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)


class ScenarioEdit(Row):
    """One step of a scenario, in order; the last one can be taken back."""

    __tablename__ = "scenario_edit"
    __table_args__ = (Index("ix_scenario_edit_scenario_id_step", "scenario_id", "step", unique=True),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    scenario_id: Mapped[int] = mapped_column(ForeignKey("scenario.id"))
    step: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    said: Mapped[dict[str, Any]] = mapped_column(JSON)
    author: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ScenarioComment(Row):
    """What somebody said of a scenario."""

    __tablename__ = "scenario_comment"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    scenario_id: Mapped[int] = mapped_column(ForeignKey("scenario.id"), index=True)
    text: Mapped[str] = mapped_column(String(2000))
    author: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Notice(Row):
    """Word to an officer or to the people of an area that something about their work changes on a day."""

    __tablename__ = "notice"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    scenario_id: Mapped[int] = mapped_column(ForeignKey("scenario.id"), index=True)
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("officer.id"), index=True)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), index=True)
    message: Mapped[dict[str, Any]] = mapped_column(JSON)
    day: Mapped[date]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NoticeRead(Row):
    """An account has read a notice."""

    __tablename__ = "notice_read"

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True, index=True)
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)
