"""`gis-service quarters …`: the steps of a quarter from a shell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress as ProgressBars
from rich.table import Table

from gis_service.access.scope import Scope
from gis_service.api.dependencies import today_here
from gis_service.areas.queries import area_by_code
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.actions import (
    close,
    finish_work,
    open_quarter,
    printed_certificate,
    sign,
    take_back,
)
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.matching import match_quarter
from gis_service.registers.quarters.published import published_progress
from gis_service.shell import Shell
from gis_service.storage.engine import reading
from gis_service.texts import T, Text, _

quarters_app = typer.Typer(help="The quarterly reconciliation: open, match, finish, sign, close.", no_args_is_help=True)
console = Console()

QuarterText = Annotated[str, typer.Argument(help="The quarter, like 2026-Q4.")]
AreaOption = Annotated[str | None, typer.Option("--area", help="Code of an area; the whole district by default.")]
Number = Annotated[int, typer.Argument(help="Number of the village's quarter.")]


class _Bar(ProgressBars):
    """A bar on the terminal; Ctrl-C stops the work, and the townships that were written stay."""

    def __init__(self) -> None:
        terminal = Console(stderr=True)
        super().__init__(console=terminal, transient=True, disable=not terminal.is_terminal)
        self._bar = self.add_task("", total=1.0)

    def report(self, done: float, said: Text | None = None, best: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002 - a watch is told
        """Show how far it is."""
        self.update(self._bar, completed=done, description=str(said or ""))

    def cancelled(self) -> bool:
        """Never: whoever presses Ctrl-C interrupts."""
        return False


@quarters_app.command("open")
def open_villages(context: typer.Context, quarter: QuarterText, area: AreaOption = None) -> None:
    """Open a quarter in every village that has it not."""
    shell: Shell = context.obj
    made = open_quarter(
        shell.engine, shell.viewer, Quarter.parse(quarter), today=today_here(), area_id=_area(shell, area)
    )
    console.print(str(T("Opened in {villages} villages.", villages=len(made))))


@quarters_app.command("match")
def match(
    context: typer.Context,
    quarter: QuarterText,
    area: AreaOption = None,
) -> None:
    """Match the snapshots of every village of an area; what differs becomes items."""
    shell: Shell = context.obj
    with _Bar() as bar:
        done = match_quarter(
            shell.engine,
            shell.settings,
            shell.viewer,
            Quarter.parse(quarter),
            today=today_here(),
            area_id=_area(shell, area),
            watch=bar,
        )
    for each in done.waiting:
        lacks = ", ".join(side.value for side in each.registers)
        console.print(str(T("{village} waits for: {registers}", village=each.name, registers=lacks)))
    table = Table(_("New"), _("Open still"), _("Opened again"), _("Settled still"), _("Gone"))
    table.add_row(*(str(count) for count in asdict(done.recorded).values()))
    console.print(table)


@quarters_app.command("progress")
def show_progress(context: typer.Context, quarter: QuarterText, area: AreaOption = None) -> None:
    """Show how far each village is."""
    shell: Shell = context.obj
    area_id = _area(shell, area)
    with reading(shell.engine) as session:
        frame = published_progress(session, Scope(today_here(), None), shell.settings, Quarter.parse(quarter), area_id)
    headings = (_("No."), _("Code"), _("Village"), _("State"), _("Found"), _("Settled"), _("Quarter before"))
    table = Table(*headings)
    for row in frame.itertuples():
        said = (row.reconciliation_id, row.code, row.name, row.state, row.found, row.settled, row.previous_found)
        table.add_row(*("" if value is None else str(value) for value in map(_plain, said)))
    console.print(table)


@quarters_app.command("finish")
def finish(context: typer.Context, number: Number) -> None:
    """Say that every mismatch of the village has been judged."""
    shell: Shell = context.obj
    finish_work(shell.engine, shell.viewer, number, today=today_here())


@quarters_app.command("take-back")
def take_back_one(context: typer.Context, number: Number) -> None:
    """Take a worked or signed quarter back to work."""
    shell: Shell = context.obj
    take_back(shell.engine, shell.viewer, number, today=today_here())


@quarters_app.command("sign")
def sign_one(
    context: typer.Context, number: Number, side: Annotated[Side, typer.Option(help="police or village.")]
) -> None:
    """Sign for a side."""
    shell: Shell = context.obj
    console.print(sign(shell.engine, shell.viewer, number, today=today_here(), side=side))


@quarters_app.command("close")
def close_one(context: typer.Context, number: Number) -> None:
    """Close a signed quarter for good."""
    shell: Shell = context.obj
    close(shell.engine, shell.settings, shell.viewer, number, today=today_here())


@quarters_app.command("certificate")
def print_certificate(
    context: typer.Context, number: Number, out: Annotated[Path, typer.Option(help="HTML file to write.")]
) -> None:
    """Write the certificate sheet."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        out.write_bytes(printed_certificate(session, Scope(today_here(), None), number))
    console.print(str(T("Written: {path}", path=out)))


def _area(shell: Shell, code: str | None) -> int | None:
    if code is None:
        return None
    with reading(shell.engine) as session:
        return area_by_code(session, Scope(today_here(), None), code)


def _plain(value: object) -> object:
    return None if str(value) in ("<NA>", "nan", "None") else value
