"""What is done about rentals: keeping them, grading them by the rules, inspecting them, putting things right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record, trail_of
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.addresses.queries import address
from gis_service.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from gis_service.intake.by_hand import checked
from gis_service.intake.fields import Field, Kind
from gis_service.intake.person_fields import name_field, phone_field
from gis_service.registers.rentals.queries import rental_in_scope
from gis_service.registers.rentals.tables import Rectification, RentalInspection
from gis_service.registers.tables import Rental, RentalGrade
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.teams.scope import scope_of
from gis_service.texts import T

_FIELDS: Final = (
    Field("code", required=True, max_length=64),
    name_field("landlord_name", required=False),
    phone_field("landlord_phone"),
    Field("rooms", Kind.INTEGER, required=True, minimum=0, maximum=10_000),
    Field("beds", Kind.INTEGER, required=True, minimum=0, maximum=100_000),
    Field("usable_area_m2", Kind.NUMBER, minimum=0, maximum=1_000_000),
    Field("residents", Kind.INTEGER, required=True, minimum=0, maximum=100_000),
    Field("let_from", Kind.DAY, required=True),
    Field("let_to", Kind.DAY),
)


@dataclass(frozen=True)
class Dwelling:
    """A dwelling let to migrants, as somebody writes it down."""

    code: str
    address_id: int
    rooms: int
    beds: int
    residents: int
    let_from: date
    usable_area_m2: float | None = None
    landlord_name: str | None = None
    landlord_phone: str | None = None
    let_to: date | None = None


@dataclass(frozen=True)
class Remedy:
    """What is to be put right, and by when; None: as the settings say."""

    what: str
    due_on: date | None = None


def keep_rental(engine: Engine, viewer: Viewer, dwelling: Dwelling, *, today: date) -> int:
    """Write a rental down, or what is known about it now; its code names it. Returns its id.

    A new one is green until the rules are applied.

    Raises
    ------
    NotPermittedError, NotFoundError
        The role may not; the address, or the one where it was, is not in the viewer's part of the district.
    InvalidInputError
        A field is not acceptable.
    """
    viewer.require(Permission.KEEP_RENTALS)
    said: dict[str, Any] = dict(checked(_FIELDS, {field.name: getattr(dwelling, field.name) for field in _FIELDS}))
    if dwelling.let_to is not None and dwelling.let_to <= dwelling.let_from:
        message = T("{end} is not after {start}.", start="let_from", end="let_to")
        raise InvalidInputError(message, [Fault(message, field="let_to")])
    vault, code = trail_of(engine).vault, str(said.pop("code"))
    name, phone = said.pop("landlord_name"), said.pop("landlord_phone")
    with transaction(engine) as session:
        scope = scope_of(session, viewer, today)
        address(session, scope, dwelling.address_id)
        row = session.scalars(select(Rental).where(Rental.code == code).with_for_update()).first()
        if row is None:
            row = Rental(code=code, grade=RentalGrade.GREEN.value)
            session.add(row)
        else:
            address(session, scope, row.address_id)
        row.address_id = dwelling.address_id
        for field, value in said.items():
            setattr(row, field, value)
        row.landlord_name_sealed = vault.seal_many("rental", "landlord_name", [code], [name])[0]
        row.landlord_phone_sealed = vault.seal_many("rental", "landlord_phone", [code], [phone])[0]
        row.landlord_phone_index = vault.blind_index_many("phone", [phone])[0]
        session.flush()
        record(session, viewer, "keep_rental", "rental", code, after={**said, "address": dwelling.address_id})
        return row.id


def inspect(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    rental_id: int,
    day: date,
    *,
    today: date,
    findings: str | None = None,
    remedies: Sequence[Remedy] = (),
) -> int:
    """Write down a visit and what is to be put right; returns the id of the inspection.

    Raises
    ------
    NotFoundError
        There is no such rental in the viewer's part of the district.
    InvalidInputError
        The day lies in the future or before the letting, or a remedy is due before the visit.
    """
    viewer.require(Permission.KEEP_RENTALS)
    with transaction(engine) as session:
        row = _rental(session, viewer, rental_id, today)
        if not row.let_from <= day <= today:
            raise InvalidInputError(T("The visit lies in the future, or before the dwelling was let."))
        inspection = RentalInspection(
            rental_id=row.id, inspected_on=day, inspector=viewer.signature, findings=findings, grade=row.grade
        )
        session.add(inspection)
        session.flush()
        for remedy in remedies:
            due = remedy.due_on or day + timedelta(days=settings.rectification_due_days)
            if due < day:
                raise InvalidInputError(T("What is to be put right is due before the visit."))
            session.add(Rectification(inspection_id=inspection.id, rental_id=row.id, what=remedy.what, due_on=due))
        if row.inspected_on is None or row.inspected_on < day:
            row.inspected_on = day
        session.flush()
        after = {"day": day, "findings": findings, "remedies": len(remedies)}
        record(session, viewer, "inspect_rental", "rental", row.code, after=after)
        return inspection.id


def put_right(
    engine: Engine, viewer: Viewer, rectification_id: int, day: date, *, today: date, note: str | None = None
) -> None:
    """Say that something was put right on a day.

    Raises
    ------
    NotFoundError, ConflictError, InvalidInputError
        There is no such thing in the viewer's part of the district; it was done before; the day lies in the future.
    """
    viewer.require(Permission.KEEP_RENTALS)
    if day > today:
        raise InvalidInputError(T("The day lies in the future."))
    with transaction(engine) as session:
        row = session.get(Rectification, rectification_id, with_for_update=True)
        if row is None:
            raise NotFoundError(T("There is no such rental in your part of the district."))
        rental = _rental(session, viewer, row.rental_id, today)
        if row.done_on is not None:
            raise ConflictError(T("This was put right on {day}.", day=row.done_on))
        row.done_on, row.done_note = day, note
        session.flush()
        record(session, viewer, "put_right", "rental", rental.code, after={"what": row.what, "day": day})


def _rental(session: Session, viewer: Viewer, rental_id: int, today: date) -> Rental:
    query = rental_in_scope(scope_of(session, viewer, today)).add_columns(Rental).where(Rental.id == rental_id)
    row: Rental | None = session.scalars(query).first()
    if row is None:
        raise NotFoundError(T("There is no such rental in your part of the district."))
    return row
