"""Reads of rentals: with grade, suspicion and due days; one with its history; what is overdue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from gis_service.access.personal import Vault, mask_name, mask_phone
from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.scope import subtree
from gis_service.errors import NotFoundError
from gis_service.registers.days import check_day
from gis_service.registers.figures import let_on, suspected_group_rental
from gis_service.registers.rentals.tables import Rectification, RentalGrading, RentalInspection
from gis_service.registers.tables import Rental, RentalGrade
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame
from gis_service.texts import T
from layers.rental_grades import GroupRentalLimits, suspicion

_DTYPES = {"usable_area_m2": "Float64", "area_id": "Int64", "beat_id": "Int64"}


def inspection_due_days(settings: Settings) -> dict[str, int]:
    """Days from one inspection to the next, by grade."""
    return {
        RentalGrade.GREEN.value: settings.inspection_due_days_green,
        RentalGrade.YELLOW.value: settings.inspection_due_days_yellow,
        RentalGrade.ORANGE.value: settings.inspection_due_days_orange,
        RentalGrade.RED.value: settings.inspection_due_days_red,
    }


def limits_of(settings: Settings) -> GroupRentalLimits:
    """The limits of group rental in force."""
    return GroupRentalLimits(
        settings.group_rental_min_area_m2,
        settings.group_rental_max_persons_per_room,
        settings.group_rental_rooms,
        settings.group_rental_beds,
    )


def rental_in_scope(scope: Scope) -> Any:
    """Rentals let on the scope's day at addresses in scope, to select from: joined with address and placement."""
    return (
        select()
        .select_from(Rental)
        .join(Address, Address.id == Rental.address_id)
        .join(Placement, and_(Placement.address_id == Rental.address_id, Placement.valid_on(scope.day)))
        .where(let_on(scope.day), _at_addresses(scope, placement_in_scope(scope)))
    )


def _at_addresses(scope: Scope, placed: ColumnElement[bool]) -> ColumnElement[bool]:
    """Rentals at addresses that are so placed on the scope's day.

    The addresses are found first: SQLite would else look every rental up in every area of the part.
    """
    return Rental.address_id.in_(select(Placement.address_id).where(Placement.valid_on(scope.day), placed))


_COLUMNS = (
    Rental.id.label("rental_id"),
    Rental.code,
    Rental.address_id,
    Address.text.label("address"),
    Placement.home_area_id.label("area_id"),
    Placement.beat_id,
    Rental.rooms,
    Rental.beds,
    Rental.usable_area_m2,
    Rental.residents,
    Rental.grade,
    Rental.inspected_on,
    Rental.let_from,
)


def _overdue(settings: Settings, day: date) -> ColumnElement[bool]:
    check_day(day)
    last = func.coalesce(Rental.inspected_on, Rental.let_from)
    return or_(
        *(
            and_(Rental.grade == grade, last < day - timedelta(days=days))
            for grade, days in inspection_due_days(settings).items()
        )
    )


def rentals(
    session: Session,
    scope: Scope,
    settings: Settings,
    *,
    grades: Collection[RentalGrade] | None = None,
    suspected: bool = False,
    overdue: bool = False,
    area_id: int | None = None,
    offset: int = 0,
    limit: int = 100,
) -> tuple[pd.DataFrame, int]:
    """One page of the rentals let in scope, the worst grade first, and how many there are.

    Returns
    -------
    `_COLUMNS`, the columns of `layers.rental_grades.suspicion`, `due_on` (the next inspection) and `overdue_days` (0
    when it is not overdue); index `rental_id`.
    """
    conditions: list[ColumnElement[bool]] = []
    if grades is not None:
        conditions.append(Rental.grade.in_([grade.value for grade in grades]))
    if suspected:
        conditions.append(suspected_group_rental(settings))
    if overdue:
        conditions.append(_overdue(settings, scope.day))
    if area_id is not None:
        conditions.append(_at_addresses(scope, Placement.home_area_id.in_(subtree([area_id], scope.day))))
    base: Select[*tuple[Any, ...]] = rental_in_scope(scope).where(*conditions)
    total = session.scalar(base.add_columns(func.count())) or 0
    worst_first = [Rental.grade == grade.value for grade in reversed(RentalGrade)]
    last = func.coalesce(Rental.inspected_on, Rental.let_from)
    order = (last,) if overdue else tuple(condition.desc() for condition in worst_first)
    query = base.add_columns(*_COLUMNS).order_by(*order, Rental.code).offset(offset).limit(limit)
    return with_reasons(read_frame(session, query, dtypes=_DTYPES, index="rental_id"), settings, scope.day), total


def with_reasons(frame: pd.DataFrame, settings: Settings, day: date) -> pd.DataFrame:
    """Rentals with why group rental is suspected and when the next inspection is due."""
    found = frame.join(suspicion(frame, limits_of(settings)))
    periods = inspection_due_days(settings)
    last = [inspected or let for inspected, let in zip(frame["inspected_on"], frame["let_from"], strict=True)]
    due = [day_ + timedelta(days=periods[grade]) for day_, grade in zip(last, frame["grade"], strict=True)]
    found["due_on"] = pd.Series(due, index=frame.index, dtype="object")
    found["overdue_days"] = pd.Series([max((day - each).days, 0) for each in due], index=frame.index, dtype="int64")
    return found


def rental(session: Session, scope: Scope, settings: Settings, vault: Vault, rental_id: int) -> dict[str, Any]:
    """One rental with landlord (masked), reasons, gradings, inspections and rectifications.

    Raises
    ------
    NotFoundError
        There is none in scope.
    """
    query = rental_in_scope(scope).add_columns(*_COLUMNS).where(Rental.id == rental_id)
    frame = read_frame(session, query, dtypes=_DTYPES, index="rental_id")
    row = session.get(Rental, rental_id)
    if frame.empty or row is None:
        raise NotFoundError(T("There is no such rental in your part of the district."))
    opened = {
        name: vault.open_many("rental", name, [row.code], [None if sealed is None else bytes(sealed)])[0]
        for name, sealed in (
            ("landlord_name", row.landlord_name_sealed),
            ("landlord_phone", row.landlord_phone_sealed),
        )
    }
    shown = with_reasons(frame, settings, scope.day).reset_index().astype(object).iloc[0]
    return {
        **{str(name): None if pd.isna(value) else value for name, value in shown.items()},
        "landlord_name": mask_name(opened["landlord_name"]),
        "landlord_phone": mask_phone(opened["landlord_phone"]),
        "gradings": list(
            session.scalars(
                select(RentalGrading).where(RentalGrading.rental_id == rental_id).order_by(RentalGrading.id.desc())
            )
        ),
        "inspections": list(
            session.scalars(
                select(RentalInspection)
                .where(RentalInspection.rental_id == rental_id)
                .order_by(RentalInspection.inspected_on.desc(), RentalInspection.id.desc())
            )
        ),
        "rectifications": list(
            session.scalars(
                select(Rectification).where(Rectification.rental_id == rental_id).order_by(Rectification.due_on)
            )
        ),
    }


def overdue_rectifications(session: Session, scope: Scope, limit: int = 1000) -> tuple[pd.DataFrame, int]:
    """What should have been put right before the scope's day and is not, the longest overdue first; and how much."""
    base = (
        rental_in_scope(scope)
        .join(Rectification, Rectification.rental_id == Rental.id)
        .where(Rectification.done_on.is_(None), Rectification.due_on < scope.day)
    )
    total = session.scalar(base.add_columns(func.count())) or 0
    query = base.add_columns(
        Rectification.id.label("rectification_id"),
        Rental.id.label("rental_id"),
        Rental.code,
        Rental.address_id,
        Address.text.label("address"),
        Rental.grade,
        Rectification.what,
        Rectification.due_on,
    ).order_by(Rectification.due_on, Rectification.id)
    return read_frame(session, query.limit(limit), index="rectification_id"), total


def rectification_counts(session: Session, scope: Scope) -> pd.DataFrame:
    """Open and overdue rectifications of the rentals in scope that have any: index `rental_id`, both int64."""
    base = rental_in_scope(scope).join(Rectification, Rectification.rental_id == Rental.id)
    query = base.add_columns(Rental.id.label("rental_id"), Rectification.due_on).where(Rectification.done_on.is_(None))
    frame = read_frame(session, query, dtypes={"rental_id": "int64"})
    late = pd.Series([day < scope.day for day in frame["due_on"]], index=frame.index, dtype="int64")
    grouped = frame.assign(open_rectifications=1, overdue_rectifications=late).groupby("rental_id")
    return grouped[["open_rectifications", "overdue_rectifications"]].sum().astype("int64")
