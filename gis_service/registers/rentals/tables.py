"""The rules that grade rentals, the grades that came of them, inspections, and what is to be put right."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.rows import Row, RowId


class RentalRuleSet(Row):
    """One version of the rules; `number` counts from 1, the one with the highest number in force on a day counts."""

    __tablename__ = "rental_rule_set"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    valid_from: Mapped[date]
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    note: Mapped[str | None] = mapped_column(String(500))
    author: Mapped[str] = mapped_column(String(100))
    recorded_at: Mapped[datetime]


class RentalGrading(Row):
    """The grade that a rental got by a version of the rules (0: the rules that the service comes with), and why."""

    __tablename__ = "rental_grading"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    rental_id: Mapped[int] = mapped_column(ForeignKey("rental.id"), index=True)
    graded_on: Mapped[date]
    rule_set: Mapped[int]
    grade_before: Mapped[str] = mapped_column(String(16))
    grade: Mapped[str] = mapped_column(String(16))
    score: Mapped[int]
    #: `{"rule": label, "value": what was measured, "points": what it added}`, the rules that applied
    contributions: Mapped[list[Any]] = mapped_column(JSON)
    actor: Mapped[str] = mapped_column(String(100))


class RentalInspection(Row):
    """A visit to a rental: what was found."""

    __tablename__ = "rental_inspection"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    rental_id: Mapped[int] = mapped_column(ForeignKey("rental.id"), index=True)
    inspected_on: Mapped[date]
    inspector: Mapped[str] = mapped_column(String(100))
    findings: Mapped[str | None] = mapped_column(String(1000))
    grade: Mapped[str] = mapped_column(String(16))


class Rectification(Row):
    """Something to be put right by a day."""

    __tablename__ = "rectification"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    inspection_id: Mapped[int] = mapped_column(ForeignKey("rental_inspection.id"), index=True)
    rental_id: Mapped[int] = mapped_column(ForeignKey("rental.id"), index=True)
    what: Mapped[str] = mapped_column(String(300))
    due_on: Mapped[date] = mapped_column(index=True)
    done_on: Mapped[date | None]
    done_note: Mapped[str | None] = mapped_column(String(300))
