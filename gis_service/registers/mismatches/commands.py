"""`gis-service mismatches …`: items and what is done about them, from a shell."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gis_service.access.audit import trail_of
from gis_service.access.scope import Scope
from gis_service.api.dependencies import today_here
from gis_service.registers.mismatches.actions import attach, comment, hand_over, set_state
from gis_service.registers.mismatches.queries import Wanted, count_states, mismatch, mismatches
from gis_service.registers.tables import MismatchClass, MismatchState
from gis_service.shell import Shell
from gis_service.storage.engine import reading
from gis_service.texts import T, _

mismatches_app = typer.Typer(help="Mismatches between the registers: list, show, settle.", no_args_is_help=True)
console = Console()

Number = Annotated[int, typer.Argument(help="Number of the mismatch.")]
Numbers = Annotated[list[int], typer.Argument(help="Numbers of mismatches.")]


@mismatches_app.command("list")
def list_them(
    context: typer.Context,
    *,
    state: Annotated[MismatchState | None, typer.Option(help="Only in this state.")] = None,
    mismatch_class: Annotated[MismatchClass | None, typer.Option("--class", help="Only of this class.")] = None,
    overdue: Annotated[bool, typer.Option(help="Only those whose day has passed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
) -> None:
    """List mismatches, those due first."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        scope = Scope(today_here(), None)
        wanted = Wanted(state=state, mismatch_class=mismatch_class, overdue=overdue)
        frame, total = mismatches(session, scope, shell.viewer, wanted, limit=limit)
        counts = count_states(session, scope, shell.viewer)
    columns = ["mismatch_class", "at_register", "state", "area_name", "address", "due_on"]
    headings = (_("No."), _("Class"), _("Register"), _("State"), _("Area"), _("Address"), _("Due on"))
    table = Table(*headings, caption=str(T("{total} mismatches", total=total)))
    for number, row in frame[columns].iterrows():
        table.add_row(str(number), *("" if value is None else str(value) for value in row))
    console.print(table)
    console.print("  ".join(f"{name}: {count}" for name, count in counts.items()))


@mismatches_app.command("show")
def show(context: typer.Context, number: Number) -> None:
    """Show what each register says and what was done."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        found = mismatch(session, Scope(today_here(), None), shell.viewer, trail_of(shell.engine).vault, number)
    table = Table(_("Field"), *found["sides"], title=f"{found['mismatch_class']} {found['state']}")
    for field in next(iter(found["sides"].values()), {}):
        mark = "*" if field in found["differing"] else ""
        table.add_row(field + mark, *(str(record.get(field) or "") for record in found["sides"].values()))
    console.print(table)
    for event in found["events"]:
        console.print(
            f"{event.at:%Y-%m-%d %H:%M} {event.actor} {event.kind} {event.state_after or ''} {event.text or ''}"
        )


@mismatches_app.command("settle")
def settle(
    context: typer.Context,
    numbers: Numbers,
    state: Annotated[MismatchState, typer.Option(help="The state that they get.")],
    reason: Annotated[str | None, typer.Option(help="Why; a rejection needs it.")] = None,
) -> None:
    """Take mismatches to a state, all or none."""
    shell: Shell = context.obj
    changed = set_state(shell.engine, shell.viewer, numbers, state, today=today_here(), reason=reason)
    console.print(str(T("{total} mismatches", total=changed)))


@mismatches_app.command("give")
def give(
    context: typer.Context,
    numbers: Numbers,
    owner: Annotated[str | None, typer.Option(help="Login of whoever is to settle them.")] = None,
    due: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="By when.")] = None,
) -> None:
    """Say whose mismatches are and by when they are due."""
    shell: Shell = context.obj
    day = None if due is None else due.date()
    changed = hand_over(shell.engine, shell.viewer, numbers, today=today_here(), owner=owner, due_on=day)
    console.print(str(T("{total} mismatches", total=changed)))


@mismatches_app.command("comment")
def comment_on(
    context: typer.Context, number: Number, text: Annotated[str, typer.Argument(help="What to say.")]
) -> None:
    """Add a comment."""
    shell: Shell = context.obj
    comment(shell.engine, shell.viewer, number, text, today=today_here())


@mismatches_app.command("attach")
def attach_file(
    context: typer.Context,
    number: Number,
    file: Annotated[Path, typer.Argument(help="A JPEG, PNG or PDF.", exists=True, dir_okay=False)],
) -> None:
    """Attach a picture or document."""
    shell: Shell = context.obj
    with file.open("rb") as opened:
        content = opened.read(shell.settings.attachment_max_bytes + 1)
    attach(shell.engine, shell.settings, shell.viewer, number, file.name, content, today=today_here())
