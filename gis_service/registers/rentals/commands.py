"""`gis-service rentals …`: grading, rules, inspections and what is overdue from a shell."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from gis_service.access.scope import Scope
from gis_service.api.dependencies import today_here
from gis_service.errors import InvalidInputError
from gis_service.registers.rentals.actions import Remedy, inspect, put_right
from gis_service.registers.rentals.grading import grade_rentals
from gis_service.registers.rentals.queries import overdue_rectifications, rentals
from gis_service.registers.rentals.rule_sets import RulesSaid, publish_rule_set, rules_on
from gis_service.registers.tables import RentalGrade
from gis_service.shell import Shell
from gis_service.storage.engine import reading
from gis_service.texts import T, _

rentals_app = typer.Typer(help="Rentals: grades and their rules, inspections, what is overdue.", no_args_is_help=True)
console = Console()

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; today when absent.")]
Number = Annotated[int, typer.Argument(help="Number of the rental.")]


@rentals_app.command("list")
def list_them(
    context: typer.Context,
    *,
    grade: Annotated[list[RentalGrade] | None, typer.Option(help="Only of this grade; may be repeated.")] = None,
    suspected: Annotated[bool, typer.Option(help="Only suspected group rentals.")] = False,
    overdue: Annotated[bool, typer.Option(help="Only those whose inspection is overdue.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
) -> None:
    """List rentals, the worst grade first."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        frame, total = rentals(
            session,
            Scope(today_here(), None),
            shell.settings,
            grades=grade,
            suspected=suspected,
            overdue=overdue,
            limit=limit,
        )
    columns = ["code", "address", "grade", "area_per_person_m2", "persons_per_room", "rooms", "beds", "due_on"]
    headings = (_("No."), _("Code"), _("Address"), _("Grade"), _("m² per person"), _("Persons per room"))
    caption = str(T("{total} rentals", total=total))
    table = Table(*headings, _("Rooms"), _("Beds"), _("Next inspection"), caption=caption)
    for number, row in frame[columns].iterrows():
        table.add_row(str(number), *(f"{value:.1f}" if isinstance(value, float) else str(value) for value in row))
    console.print(table)


@rentals_app.command("grade")
def grade_all(context: typer.Context) -> None:
    """Grade every rental by the rules in force."""
    shell: Shell = context.obj
    outcome = grade_rentals(shell.engine, shell.viewer, today=today_here())
    table = Table(_("Green"), _("Yellow"), _("Orange"), _("Red"), _("Changed"))
    table.add_row(*(f"{count:,}" for count in outcome.values()))
    console.print(table)


@rentals_app.command("rules")
def show_rules(context: typer.Context) -> None:
    """Print the rules in force as JSON."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        _number, rules = rules_on(session, today_here())
    console.print_json(rules.model_dump_json())


@rentals_app.command("publish-rules")
def publish_rules(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON as `rules` prints it.", exists=True, dir_okay=False)],
    day: Day = None,
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
) -> None:
    """Publish another version of the rules."""
    shell: Shell = context.obj
    try:
        rules = RulesSaid.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except (ValidationError, ValueError) as error:
        raise InvalidInputError(T("{file}: {problem}", file=file.name, problem=str(error))) from error
    valid_from = today_here() if day is None else day.date()
    number = publish_rule_set(shell.engine, shell.viewer, rules, valid_from, note=note)
    console.print(str(T("Version {number} of the rules holds from {day}.", number=number, day=valid_from)))


@rentals_app.command("inspect")
def inspect_one(
    context: typer.Context,
    number: Number,
    *,
    day: Day = None,
    findings: Annotated[str | None, typer.Option(help="What was found.")] = None,
    remedy: Annotated[list[str] | None, typer.Option(help="What is to be put right; may be repeated.")] = None,
) -> None:
    """Write down a visit and what is to be put right."""
    shell: Shell = context.obj
    today = today_here()
    made = inspect(
        shell.engine,
        shell.settings,
        shell.viewer,
        number,
        today if day is None else day.date(),
        today=today,
        findings=findings,
        remedies=[Remedy(what) for what in remedy or ()],
    )
    console.print(str(T("Inspection {number}.", number=made)))


@rentals_app.command("put-right")
def put_right_one(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Number of what was to be put right.")],
    day: Day = None,
    note: Annotated[str | None, typer.Option(help="A note.")] = None,
) -> None:
    """Say that something was put right."""
    shell: Shell = context.obj
    today = today_here()
    put_right(shell.engine, shell.viewer, number, today if day is None else day.date(), today=today, note=note)


@rentals_app.command("overdue")
def overdue_ones(context: typer.Context) -> None:
    """List what should have been put right by now."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        frame, total = overdue_rectifications(session, Scope(today_here(), None))
    table = Table(_("No."), _("Code"), _("Address"), _("To be put right"), _("Due on"), caption=str(total))
    for number, row in frame.iterrows():
        table.add_row(str(number), row["code"], row["address"], row["what"], str(row["due_on"]))
    console.print(table)
