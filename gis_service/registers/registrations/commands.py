"""`gis-service registrations …`: registering, moving and deregistering people from a shell; stock and flow."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gis_service.access.audit import trail_of
from gis_service.access.scope import Scope
from gis_service.addresses.queries import address_by_code
from gis_service.api.dependencies import today_here
from gis_service.areas.tables import AreaLevel
from gis_service.registers.registrations.actions import Person, deregister, move, register, renew
from gis_service.registers.registrations.history import history_of_address, history_of_person
from gis_service.registers.registrations.published import published_turnover
from gis_service.registers.tables import LeavingReason
from gis_service.shell import Shell
from gis_service.storage.engine import reading
from gis_service.texts import T, _

registrations_app = typer.Typer(help="Registrations: the acts, the history, stock and flow.", no_args_is_help=True)
console = Console()

Number = Annotated[int, typer.Argument(help="Number of the registration.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; today when absent.")]
AddressCode = Annotated[str, typer.Argument(help="Code of the address.")]


@registrations_app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name.")],
    address: AddressCode,
    *,
    id_number: Annotated[str | None, typer.Option(help="Identity number.")] = None,
    phone: Annotated[str | None, typer.Option(help="Phone.")] = None,
    day: Day = None,
) -> None:
    """Register a person at an address."""
    shell: Shell = context.obj
    made = register(
        shell.engine, shell.viewer, Person(name, id_number, phone), _address(shell, address), _day(day),
        today=today_here(),
    )  # fmt: skip
    console.print(str(T("Registration {number}.", number=made)))


@registrations_app.command("renew")
def renew_one(context: typer.Context, number: Number, day: Day = None) -> None:
    """Renew a registration."""
    shell: Shell = context.obj
    until = renew(shell.engine, shell.settings, shell.viewer, number, _day(day), today=today_here())
    console.print(str(T("Covered to {day}.", day=until)))


@registrations_app.command("move")
def move_one(context: typer.Context, number: Number, address: AddressCode, day: Day = None) -> None:
    """Move a person to another address."""
    shell: Shell = context.obj
    made = move(shell.engine, shell.viewer, number, _address(shell, address), _day(day), today=today_here())
    console.print(str(T("Registration {number}.", number=made)))


@registrations_app.command("end")
def end_one(
    context: typer.Context,
    number: Number,
    reason: Annotated[LeavingReason, typer.Option(help="Why.")],
    day: Day = None,
    note: Annotated[str | None, typer.Option(help="A note; the reason `other` needs one.")] = None,
) -> None:
    """Deregister a person."""
    shell: Shell = context.obj
    deregister(shell.engine, shell.viewer, number, reason, _day(day), today=today_here(), note=note)
    console.print(str(T("Registration {number} has ended.", number=number)))


@registrations_app.command("history")
def history(
    context: typer.Context,
    *,
    address: Annotated[str | None, typer.Option(help="Code of the address.")] = None,
    id_number: Annotated[str | None, typer.Option(help="Identity number.")] = None,
    phone: Annotated[str | None, typer.Option(help="Phone.")] = None,
) -> None:
    """Show the history of an address or of a person; personal fields are masked."""
    shell: Shell = context.obj
    vault, scope = trail_of(shell.engine).vault, Scope(today_here(), None)
    with reading(shell.engine) as session:
        if address is not None:
            frame = history_of_address(session, scope, vault, address_by_code(session, scope, address))
        else:
            frame = history_of_person(session, scope, vault, id_number=id_number, phone=phone)
    columns = ["registration_id", "name", "id_number", "address", "registered_on", "deregistered_on"]
    headings = (_("No."), _("Name"), _("Identity number"), _("Address"), _("Registered"), _("Left"), _("Reason"))
    table = Table(*headings)
    for row in frame[[*columns, "deregistration_reason"]].itertuples(index=False):
        table.add_row(*("" if value is None else str(value) for value in row))
    console.print(table)


@registrations_app.command("turnover")
def turnover(
    context: typer.Context,
    first: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="First month.")],
    last: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="Last month.")],
    level: Annotated[AreaLevel, typer.Option(help="Level of the areas.")] = AreaLevel.TOWNSHIP,
) -> None:
    """Show stock and flow per area and month."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        frame = published_turnover(session, Scope(today_here(), None), shell.settings, first.date(), last.date())
    columns = ["code", "name", "month", "stock_start", "arrivals", "departures", "moved_within", "stock_end"]
    headings = (_("Code"), _("Name"), _("Month"), _("Stock at start"), _("Arrivals"), _("Departures"))
    table = Table(*headings, _("Of them moved within"), _("Stock at end"))
    for row in frame.loc[frame["level"].eq(level), columns].itertuples(index=False):
        table.add_row(*(str(value) for value in row))
    console.print(table)


def _address(shell: Shell, code: str) -> int:
    with reading(shell.engine) as session:
        return address_by_code(session, Scope(today_here(), None), code)


def _day(day: datetime | None) -> date:
    return today_here() if day is None else day.date()
