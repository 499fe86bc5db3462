"""Registering people in the browser: register at an address, renew, move, deregister; on a phone as well."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from gis_service.access.http import ActingDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.addresses.queries import address
from gis_service.addresses.search import search_addresses
from gis_service.addresses.search_store import SearchedPart
from gis_service.api.dependencies import EngineDep, SettingsDep
from gis_service.api.wire import PlainText, RowKey
from gis_service.errors import ConflictError, GridError, InvalidInputError
from gis_service.registers.registrations.actions import Person, deregister, move, register, renew
from gis_service.registers.registrations.history import stay
from gis_service.registers.tables import LeavingReason
from gis_service.storage.kept import Kept
from gis_service.web.desk import Desk, DeskDep
from gis_service.web.rendering import page, records
from gis_service.web.wording import code_name

router = APIRouter(
    include_in_schema=False,
    dependencies=[Depends(requires(Permission.SEE_REGISTERS)), Depends(requires(Permission.KEEP_REGISTRATIONS))],
)
CHOICES_MOST: Final = 20


class EntryForm(BaseModel):
    """Who is registered, as somebody types it."""

    name: Annotated[PlainText, Field(max_length=100)]
    id_number: Annotated[PlainText, Field(max_length=40)] = ""
    phone: Annotated[PlainText, Field(max_length=40)] = ""
    registered_on: date
    csrf_token: str = ""


class LeavingForm(BaseModel):
    """Why and when somebody is deregistered."""

    reason: LeavingReason
    day: date
    note: Annotated[PlainText, Field(max_length=200)] = ""
    csrf_token: str = ""


Day = Annotated[date, Form()]


@router.get("/addresses/{address_id}/registration")
def registration_form(desk: DeskDep, viewer: ViewerDep, address_id: RowKey) -> HTMLResponse:
    """Show the form to register somebody at an address."""
    return _form(desk, viewer, address_id)


@router.post("/addresses/{address_id}/registration")
def register_page(
    desk: DeskDep, engine: EngineDep, acting: ActingDep, address_id: RowKey, entry: Annotated[EntryForm, Form()]
) -> Response:
    """Register somebody; what is not acceptable is said beside the field."""
    who = Person(entry.name, entry.id_number or None, entry.phone or None)
    try:
        made = register(engine, acting, who, address_id, entry.registered_on, today=desk.today)
    except (InvalidInputError, ConflictError) as error:
        return _form(desk, acting, address_id, entry.model_dump(exclude={"csrf_token"}), error)
    return _done(made)


@router.get("/registrations/{registration_id}")
def registration_page(
    desk: DeskDep,
    viewer: ViewerDep,
    registration_id: RowKey,
    search: Annotated[str, Query(max_length=100)] = "",
) -> HTMLResponse:
    """Show one registration, masked, with its three acts; `search` looks for the address that the person moves to."""
    return _one(desk, viewer, registration_id, search=search)


@router.post("/registrations/{registration_id}/renewal")
def renew_page(
    desk: DeskDep, engine: EngineDep, settings: SettingsDep, acting: ActingDep, registration_id: RowKey, day: Day
) -> Response:
    """Renew a registration."""
    try:
        renew(engine, settings, acting, registration_id, day, today=desk.today)
    except (InvalidInputError, ConflictError) as error:
        return _one(desk, acting, registration_id, error=error)
    return _done(registration_id)


@router.post("/registrations/{registration_id}/move")
def move_page(
    desk: DeskDep,
    engine: EngineDep,
    acting: ActingDep,
    registration_id: RowKey,
    address_id: Annotated[RowKey, Form()],
    day: Day,
) -> Response:
    """Move somebody to another address; shows the new registration."""
    try:
        made = move(engine, acting, registration_id, address_id, day, today=desk.today)
    except (InvalidInputError, ConflictError) as error:
        return _one(desk, acting, registration_id, error=error)
    return _done(made)


@router.post("/registrations/{registration_id}/deregistration")
def deregister_page(
    desk: DeskDep, engine: EngineDep, acting: ActingDep, registration_id: RowKey, said: Annotated[LeavingForm, Form()]
) -> Response:
    """End a registration, with the reason."""
    try:
        deregister(engine, acting, registration_id, said.reason, said.day, today=desk.today, note=said.note or None)
    except (InvalidInputError, ConflictError) as error:
        return _one(desk, acting, registration_id, error=error)
    return _done(registration_id)


def _done(registration_id: int) -> Response:
    return RedirectResponse(f"/registrations/{registration_id}", status_code=303)


def _form(
    desk: Desk, viewer: Viewer, address_id: int, typed: dict[str, Any] | None = None, error: GridError | None = None
) -> HTMLResponse:
    faults = error.faults if isinstance(error, InvalidInputError) else ()
    return page(
        desk.request,
        "registration_form.html",
        viewer,
        status=200 if error is None else 422,
        place=address(desk.session, desk.scope, address_id),
        typed=typed or {},
        faults={fault.field or "": fault for fault in faults},
        detail="" if error is None else str(error),
        today=desk.today,
        day=desk.scope.day,
    )


def _one(
    desk: Desk, viewer: Viewer, registration_id: int, *, search: str = "", error: GridError | None = None
) -> HTMLResponse:
    row = stay(desk.session, desk.scope, desk.vault, registration_id)
    wanted = search.strip()
    kept: Kept[SearchedPart] = desk.request.app.state.search_store
    nearest = search_addresses(desk.session, desk.scope, wanted, CHOICES_MOST, kept=kept)
    return page(
        desk.request,
        "registration.html",
        viewer,
        status=200 if error is None else 422,
        row=row,
        search=search,
        choices=[each for each in records(nearest) if each["address_id"] != row["address_id"]],
        reasons=[(reason.value, code_name(f"left_{reason.value}")) for reason in LeavingReason],
        detail="" if error is None else str(error),
        today=desk.today,
        day=desk.scope.day,
    )
