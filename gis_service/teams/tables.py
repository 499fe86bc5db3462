"""The hierarchy that holds the land: units, officers, postings and beats."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.rows import Period, Row, RowId, geometry_column


class EmploymentForm(StrEnum):
    """已过渡辅警 or 未过渡."""

    TRANSITIONED = "transitioned"
    NOT_TRANSITIONED = "not_transitioned"


class Side(StrEnum):
    """公安侧 or 社工侧."""

    POLICE = "police"
    SOCIAL = "social"


class PostRole(StrEnum):
    """What an officer is in the unit served."""

    LEADER = "leader"
    MEMBER = "member"


class Unit(Period, Row):
    """A brigade, squadron, squad or team; its kind follows from the level of the area that it holds."""

    __tablename__ = "unit"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), index=True)


class Officer(Row):
    """A 专管员. Identity number and phone are sealed; the badge number is the key that they are sealed under."""

    __tablename__ = "officer"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    badge_no: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    id_number_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    form: Mapped[str] = mapped_column(String(20))
    side: Mapped[str] = mapped_column(String(20))
    birth_date: Mapped[date | None]
    education: Mapped[str | None] = mapped_column(String(50))
    hired_on: Mapped[date | None]
    left_on: Mapped[date | None]
    exception_reason: Mapped[str | None] = mapped_column(String(500))


class Posting(Period, Row):
    """驻点: an officer serves a unit over a period with a full-time share."""

    __tablename__ = "posting"
    __table_args__ = (CheckConstraint("share > 0 AND share <= 1", name="share"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    share: Mapped[float]


class Beat(Period, Row):
    """责任区: what one officer answers for."""

    __tablename__ = "beat"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)


class BeatPart(Period, Row):
    """One compound of a beat, or a part of one very large compound: by buildings or by a sub-polygon."""

    __tablename__ = "beat_part"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    beat_id: Mapped[int] = mapped_column(ForeignKey("beat.id"), index=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), index=True)
    buildings: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    geom: Mapped[Any] = geometry_column("MULTIPOLYGON", nullable=True)


class BeatDuty(Period, Row):
    """Who answers for a beat over a period: handing a beat to another officer ends one row and begins one."""

    __tablename__ = "beat_duty"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    beat_id: Mapped[int] = mapped_column(ForeignKey("beat.id"), index=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"), index=True)
