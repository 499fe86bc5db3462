"""Areas and their versions: the land as it was known to be on any day."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.fence import LAND
from gis_service.storage.fence_rules import FENCE, one_of
from gis_service.storage.rows import Period, Row, RowId, geometry_column


class AreaLevel(StrEnum):
    """The four levels, from the top."""

    DISTRICT = "district"
    TOWNSHIP = "township"
    VILLAGE = "village"
    COMPOUND = "compound"

    @property
    def parent(self) -> AreaLevel | None:
        """The level above."""
        levels = list(AreaLevel)
        position = levels.index(self)
        return levels[position - 1] if position else None

    @property
    def child(self) -> AreaLevel | None:
        """The level below."""
        levels = list(AreaLevel)
        position = levels.index(self)
        return levels[position + 1] if position + 1 < len(levels) else None


class Area(Row):
    """The thing that persists while its name, code, border and parent change."""

    __tablename__ = "area"
    __table_args__ = {"info": {FENCE: one_of("id", LAND)}}  # noqa: RUF012 - SQLAlchemy's own form

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    level: Mapped[str] = mapped_column(String(16), index=True)


class AreaVersion(Period, Row):
    """What was true of an area over one period; without a border where a split came before its map."""

    __tablename__ = "area_version"
    __table_args__ = (
        Index("ix_area_version_area_id_valid_from", "area_id", "valid_from", unique=True),
        {"info": {FENCE: one_of("area_id", LAND)}},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    code: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str | None] = mapped_column(String(32))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), index=True)
    geom: Mapped[Any] = geometry_column("MULTIPOLYGON", nullable=True)
    source: Mapped[str] = mapped_column(String(200))
    note: Mapped[str | None] = mapped_column(String(500))
    recorded_at: Mapped[datetime]


class AreaAncestry(Row):
    """What became of an area: on `day` all or part of its ground went to another."""

    __tablename__ = "area_ancestry"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    from_area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), index=True)
    to_area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    day: Mapped[date]
    change_id: Mapped[int | None] = mapped_column(ForeignKey("land_change.id"), index=True)


class ChangeState(StrEnum):
    """Where a change of the land stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    APPLIED = "applied"
    DISCARDED = "discarded"
    REVERTED = "reverted"


class LandChange(Row):
    """A change of the land from its draft to its application, and what undoing it needs."""

    __tablename__ = "land_change"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    mode: Mapped[str] = mapped_column(String(16))
    day: Mapped[date]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    note: Mapped[str | None] = mapped_column(String(500))
    accepted_reason: Mapped[str | None] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(16), index=True)
    author: Mapped[str] = mapped_column(String(100))
    author_id: Mapped[int | None]
    drafted_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(String(100))
    decided_at: Mapped[datetime | None]
    undo: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
