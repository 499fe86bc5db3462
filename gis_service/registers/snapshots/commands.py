"""`gis-service snapshots …`: registers handed in and listed from a shell."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text as Plain

from gis_service.access.scope import Scope
from gis_service.api.dependencies import today_here
from gis_service.areas.queries import area_by_code
from gis_service.errors import Fault, InvalidInputError
from gis_service.intake.report import fault_cells, fault_headings
from gis_service.registers.mismatches.states import Side
from gis_service.registers.snapshots.actions import Handing, hand_in
from gis_service.registers.snapshots.handed import table_of_file
from gis_service.registers.snapshots.queries import snapshots
from gis_service.registers.snapshots.retention import remove_old_snapshots
from gis_service.registers.snapshots.sources import sources
from gis_service.shell import Shell
from gis_service.storage.engine import reading
from gis_service.texts import T, _

snapshots_app = typer.Typer(help="The registers as they stood: hand in, list, remove old ones.", no_args_is_help=True)
console = Console()
_FAULTS_SHOWN = 20


@snapshots_app.command("hand-in")
def hand_in_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The register: CSV or Excel.")],
    *,
    side: Annotated[Side, typer.Option(help="Whose register: police, village or grid.")],
    area: Annotated[str, typer.Option(help="Code of the village, township or district whose people it lists.")],
    taken_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which it stood so; today by default.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Where it comes from; its columns are saved by this name.")] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--map", help="Which column is which field: column=field.")
    ] = None,
    strict: Annotated[bool, typer.Option(help="Refuse the whole where a value is doubtful.")] = False,
) -> None:
    """Check a register and keep it for good; the same content twice is one snapshot."""
    shell: Shell = context.obj
    pairs = [each.partition("=") for each in columns or ()]
    if any(not separator for _left, separator, _right in pairs):
        raise typer.BadParameter(str(T("Write it as left=right.")))
    with reading(shell.engine) as session:
        area_id = area_by_code(session, Scope(today_here(), None), area)
    day = None if taken_on is None else taken_on.date()
    mapping = {left: right for left, _separator, right in pairs}
    said = Handing(side, area_id, day, source, mapping, strict)
    try:
        done = hand_in(shell.engine, shell.viewer, table_of_file(shell.settings, file), said, today=today_here())
    except InvalidInputError as error:
        console.print(Plain(str(error), style="bold red"))
        _show(error.faults, len(error.faults))
        raise typer.Exit(1) from error
    told = (
        T("Kept as snapshot {number}: {rows} rows.") if done.is_new else T("Known as snapshot {number}: {rows} rows.")
    )
    console.print(str(told).format(number=done.snapshot_id, rows=done.row_count))
    _show(done.doubts, done.doubt_count)


@snapshots_app.command("list")
def list_them(
    context: typer.Context,
    *,
    side: Annotated[Side | None, typer.Option(help="Only of this register.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
) -> None:
    """List the snapshots that were kept, newest first."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        frame, total = snapshots(session, Scope(today_here(), None), shell.viewer, side=side, limit=limit)
    headings = (_("No."), _("Register"), _("Area"), _("As of"), _("Origin"), _("Rows"), _("Doubtful"), "SHA-256")
    table = Table(*headings, caption=str(T("{total} snapshots", total=total)))
    for number, row in frame.iterrows():
        cells = [row[name] for name in ("side", "area_name", "taken_on", "origin", "row_count", "doubtful_count")]
        table.add_row(str(number), *(str(cell) for cell in cells), str(row["sha256"])[:12])
    console.print(table)


@snapshots_app.command("prune")
def prune(
    context: typer.Context,
    *,
    keep_days: Annotated[
        int | None, typer.Option(help="Days to keep; the setting when absent, and never less.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only show what would go.")] = False,
) -> None:
    """Remove old registers that no quarter stands on; their fingerprints stay on record."""
    shell: Shell = context.obj
    old = remove_old_snapshots(
        shell.engine, shell.settings, shell.viewer, today=today_here(), keep_days=keep_days, rehearse=dry_run
    )
    for each in old:
        console.print(f"{each.snapshot_id}  {each.side}  {each.taken_on}  {each.row_count}", highlight=False)
    told = T("{count} registers would go.") if dry_run else T("{count} registers removed.")
    console.print(str(told).format(count=len(old)))


@snapshots_app.command("sources")
def list_sources(context: typer.Context) -> None:
    """List the saved mappings of sources."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        for each in sources(session, Scope(today_here(), None), shell.viewer):
            pairs = "  ".join(f"{left}={right}" for left, right in each.columns.items())
            console.print(Plain(f"{each.side} {each.name}: {pairs}"))


def _show(faults: tuple[Fault, ...], total: int) -> None:
    if not faults:
        return
    table = Table(*fault_headings(), title=str(T("Doubtful values: {count}", count=total)), show_lines=True)
    for fault in faults[:_FAULTS_SHOWN]:
        table.add_row(*(Plain(cell) for cell in fault_cells(fault)))
    console.print(table)
