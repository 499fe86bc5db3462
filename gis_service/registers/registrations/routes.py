"""Registrations over HTTP: the four acts, the history of an address and of a person, stock and flow."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from gis_service.access.http import ActingDep, ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.routes import VaultDep
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep, TodayDep
from gis_service.api.wire import Limit, Offset, Page, PlainText, RowKey, Withheld, items_of
from gis_service.areas.tables import AreaLevel
from gis_service.registers.registrations.actions import Person, deregister, move, register, renew
from gis_service.registers.registrations.history import due_for_renewal, history_of_address, history_of_person
from gis_service.registers.registrations.published import published_turnover
from gis_service.registers.tables import LeavingReason

router = APIRouter(prefix="/api/v1", tags=["registrations"], dependencies=[Depends(requires(Permission.SEE_REGISTERS))])
KEEP = [Depends(requires(Permission.KEEP_REGISTRATIONS))]


class Entry(BaseModel):
    """A person to be registered at an address; `source_key` makes sending it again harmless."""

    address_id: RowKey
    name: Annotated[PlainText, Field(max_length=100)]
    id_number: Annotated[PlainText | None, Field(max_length=40)] = None
    phone: Annotated[PlainText | None, Field(max_length=40)] = None
    registered_on: date
    source_key: Annotated[PlainText | None, Field(min_length=1, max_length=64)] = None


class Registered(BaseModel):
    """The registration that an act led to."""

    registration_id: int


class Renewal(BaseModel):
    """The day of a renewal."""

    day: date


class Renewed(BaseModel):
    """The last day that a renewal covers."""

    until: date


class Move(BaseModel):
    """Where somebody lives from a day on."""

    address_id: RowKey
    day: date


class Leaving(BaseModel):
    """Why a registration ends, and the first day on which it no longer holds."""

    reason: LeavingReason
    day: date
    note: Annotated[PlainText | None, Field(max_length=200)] = None


class WhoSought(BaseModel):
    """Whose history is asked for; in the body, so that it is in no log."""

    id_number: Annotated[PlainText | None, Field(max_length=40)] = None
    phone: Annotated[PlainText | None, Field(max_length=40)] = None


class Stay(BaseModel):
    """A registration over its time; personal fields are masked."""

    registration_id: int
    source_key: str
    address_id: int
    address_code: str
    address: str
    name: str
    id_number: str | None
    phone: str | None
    registered_on: date
    deregistered_on: date | None
    deregistration_reason: str | None
    renewed_until: date | None
    moved_to_id: int | None


class DueStay(Stay):
    """A registration that holds and is due for renewal."""

    covered_until: date


class TurnoverItem(BaseModel):
    """Stock and flow of one area in one month; `turnover` is arrivals and departures per person at its end."""

    area_id: int
    code: str
    name: str
    level: str
    parent_id: int | None
    month: date
    stock_start: int | None
    arrivals: int | None
    departures: int | None
    moved_within: int | None
    stock_end: int | None
    turnover: float | None
    withheld: Withheld


@router.post("/registrations", status_code=201, dependencies=KEEP)
def register_person(engine: EngineDep, acting: ActingDep, today: TodayDep, entry: Entry) -> Registered:
    """Register a person at an address in your part of the district."""
    person = Person(entry.name, entry.id_number, entry.phone)
    made = register(
        engine, acting, person, entry.address_id, entry.registered_on, today=today, source_key=entry.source_key
    )
    return Registered(registration_id=made)


@router.post("/registrations/{registration_id}/renewal", dependencies=KEEP)
def renew_registration(
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    today: TodayDep,
    registration_id: RowKey,
    order: Renewal,
) -> Renewed:
    """Renew a registration."""
    return Renewed(until=renew(engine, settings, acting, registration_id, order.day, today=today))


@router.post("/registrations/{registration_id}/move", status_code=201, dependencies=KEEP)
def move_registration(
    engine: EngineDep, acting: ActingDep, today: TodayDep, registration_id: RowKey, order: Move
) -> Registered:
    """Move a person to another address: the registration ends, another begins on the same day."""
    return Registered(registration_id=move(engine, acting, registration_id, order.address_id, order.day, today=today))


@router.post("/registrations/{registration_id}/deregistration", status_code=204, dependencies=KEEP)
def end_registration(
    engine: EngineDep, acting: ActingDep, today: TodayDep, registration_id: RowKey, order: Leaving
) -> None:
    """End a registration with a reason."""
    deregister(engine, acting, registration_id, order.reason, order.day, today=today, note=order.note)


@router.get("/addresses/{address_id}/registrations")
def list_registrations_of_address(
    session: ReadDep, scope: ScopeDep, vault: VaultDep, address_id: RowKey, offset: Offset = 0, limit: Limit = 100
) -> Page[Stay]:
    """List everybody who was ever registered at an address, the newest first."""
    frame = history_of_address(session, scope, vault, address_id)
    return Page(items=items_of(Stay, frame, offset, limit), total=len(frame), offset=offset, limit=limit)


@router.post("/registrations/search")
def find_registrations(session: ReadDep, scope: ScopeDep, vault: VaultDep, sought: WhoSought) -> list[Stay]:
    """Find the registrations of a person by identity number or phone, in your part of the district."""
    frame = history_of_person(session, scope, vault, id_number=sought.id_number, phone=sought.phone)
    return items_of(Stay, frame)


@router.get("/registrations/due")
def list_due(
    session: ReadDep,
    scope: ScopeDep,
    vault: VaultDep,
    settings: SettingsDep,
    until: Annotated[
        date | None, Query(description="Covered to this day at most; the day looked at by default.")
    ] = None,
    limit: Limit = 100,
) -> Page[DueStay]:
    """List registrations that are due for renewal, the longest overdue first."""
    valid = settings.registration_valid_days
    frame, total = due_for_renewal(session, scope, vault, valid_days=valid, until=until or scope.day, limit=limit)
    return Page(items=items_of(DueStay, frame), total=total, offset=0, limit=limit)


@router.get("/figures/turnover")
def list_turnover(
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    level: Annotated[AreaLevel, Query(description="The level to list.")],
    first: Annotated[date, Query(description="Any day of the first month.")],
    last: Annotated[date, Query(description="Any day of the last month.")],
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[TurnoverItem]:
    """List stock and flow per area of one level and month."""
    figures = published_turnover(session, scope, settings, first, last)
    rows = figures[figures["level"].eq(level)].set_index("area_id")
    return Page(items=items_of(TurnoverItem, rows, offset, limit), total=len(rows), offset=offset, limit=limit)
