"""`gis-service land …`: changes of the land from a shell."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from gis_service.access.scope import Scope
from gis_service.areas.land_record import heirs_of
from gis_service.areas.queries import area_by_code
from gis_service.changes.actions import (
    apply_change,
    approve_change,
    discard_change,
    draft_change,
    land_changes,
    revert_change,
)
from gis_service.changes.carrying_out import CarriedOut
from gis_service.changes.comparing import Found, compare_layer
from gis_service.changes.published import published_impact_of, withheld_store
from gis_service.changes.reimporting import draft_reimport
from gis_service.errors import InvalidInputError
from gis_service.intake.subject import ImportOptions, Mode
from gis_service.shell import Shell
from gis_service.storage.engine import reading
from gis_service.texts import T, _

land_app = typer.Typer(help="Changes of the land: draft, impact, approve, apply, revert.", no_args_is_help=True)
console = Console()
SHOWN = 40

Number = Annotated[int, typer.Argument(help="Number of the change.")]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The effective day.")]


@land_app.command("draft")
def draft(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help='JSON: {"kind": "rename", "area_id": 7, "name": …}.', exists=True)],
    day: Day,
    mode: Annotated[Mode, typer.Option(help="The world changed, or the record was wrong.")] = Mode.CHANGE,
    note: Annotated[str | None, typer.Option(help="A note kept with the new versions.")] = None,
) -> None:
    """Put down a change; nothing happens before it is approved and applied."""
    shell: Shell = context.obj
    try:
        payload: Any = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInputError(T("{file} is not JSON.", file=file)) from error
    change = draft_change(shell.engine, shell.viewer, payload, mode, day.date(), note=note)
    console.print(str(T("Change {number}: {kind}, {state}.", number=change.id, kind=change.kind, state=change.state)))


Since = Annotated[datetime, typer.Option("--day", formats=["%Y-%m-%d"], help="The day that the layer shows.")]
File = Annotated[Path, typer.Argument(help="Layer of areas, as for `import areas`.", exists=True, dir_okay=False)]
Crs = Annotated[str | None, typer.Option(help="EPSG:<code>, GCJ-02 or BD-09; none when the file says it.")]
Why = Annotated[Mode | None, typer.Option("--mode", help="Why areas differ; absent: each as is likely.")]
LayerNames = Annotated[list[str] | None, typer.Option("--layer", help="Layer to read; repeat for several.")]


@land_app.command("compare")
def compare(
    context: typer.Context,
    file: File,
    day: Since,
    *,
    mode: Why = None,
    crs: Crs = None,
    layers: LayerNames = None,
    out: Annotated[Path | None, typer.Option(help="Also write the table of all areas: .csv.")] = None,
) -> None:
    """Compare a layer of areas with the record: unchanged, corrected, changed, new, missing; writes nothing."""
    shell: Shell = context.obj
    options = ImportOptions(crs=crs, layers=layers or None, valid_from=day.date(), mode=mode)
    found = compare_layer(shell.engine, shell.settings, shell.viewer, file, options)
    _count(found.counts)
    differs = found.table[found.table["found"].ne(Found.UNCHANGED.value)]
    shown = ["found", "level", "old_code", "code", "old_name", "name", "fields", "difference_m2", "difference_share"]
    _show(differs[shown].head(SHOWN).round({"difference_m2": 1, "difference_share": 4}))
    for fault in found.faults[:SHOWN]:
        console.print(f"{fault.row}: {fault.field} {fault.value or ''} {fault.message}", style="red", markup=False)
    if out is not None:
        found.table.to_csv(out)
        console.print(str(T("Written: {path}", path=out)))


@land_app.command("reimport")
def reimport(
    context: typer.Context,
    file: File,
    day: Since,
    *,
    mode: Why = None,
    crs: Crs = None,
    layers: LayerNames = None,
    end_missing: Annotated[bool, typer.Option(help="Areas that the file does not have end on the day.")] = False,
    note: Annotated[str | None, typer.Option(help="A note kept with the new versions.")] = None,
) -> None:
    """Draft the one change that makes the land what a file shows; approve and apply it as any other."""
    shell: Shell = context.obj
    options = ImportOptions(crs=crs, layers=layers or None, valid_from=day.date(), mode=mode)
    made = draft_reimport(shell.engine, shell.settings, shell.viewer, file, options, end_missing=end_missing, note=note)
    _count(made.comparison.counts)
    if made.change is None:
        console.print(str(T("{file} changes nothing.", file=file)))
        return
    change = made.change
    console.print(str(T("Change {number}: {kind}, {state}.", number=change.id, kind=change.kind, state=change.state)))


def _count(counts: dict[str, int]) -> None:
    console.print("  ".join(f"{found}: {count}" for found, count in counts.items()))


@land_app.command("list")
def list_changes(context: typer.Context) -> None:
    """List the changes of the land, the newest first."""
    shell: Shell = context.obj
    table = Table(_("No."), _("Kind"), _("Mode"), _("Day"), _("State"), _("Author"), _("Approved by"), _("Note"))
    with reading(shell.engine) as session:
        for change in land_changes(session, shell.viewer):
            said = (change.id, change.kind, change.mode, change.day, change.state, change.author, change.approved_by)
            table.add_row(*(str(value or "") for value in (*said, change.note)))
    console.print(table)


@land_app.command("impact")
def impact(context: typer.Context, number: Number) -> None:
    """Tell whom and what a change would move; writes nothing."""
    shell: Shell = context.obj
    found = published_impact_of(shell.engine, shell.settings, shell.viewer, number, withheld_store())
    summary = T(
        "{written} addresses would be written; {faults} topology faults.",
        written=found.written,
        faults=len(found.faults),
    )
    console.print(str(summary))
    _show(found.flows)
    _show(found.officers.reset_index())
    _show(found.units.reset_index())
    _show(found.coverage.reset_index())


@land_app.command("approve")
def approve(
    context: typer.Context,
    number: Number,
    accept_faults: Annotated[str | None, typer.Option(help="Reason to accept the topology faults.")] = None,
) -> None:
    """Agree to a draft."""
    shell: Shell = context.obj
    change = approve_change(shell.engine, shell.viewer, number, accepted_reason=accept_faults)
    console.print(str(T("Change {number}: {kind}, {state}.", number=change.id, kind=change.kind, state=change.state)))


@land_app.command("discard")
def discard(context: typer.Context, number: Number) -> None:
    """Drop a change that is not applied."""
    shell: Shell = context.obj
    change = discard_change(shell.engine, shell.viewer, number)
    console.print(str(T("Change {number}: {kind}, {state}.", number=change.id, kind=change.kind, state=change.state)))


@land_app.command("apply")
def apply(context: typer.Context, number: Number) -> None:
    """Carry an approved change out, all of it or nothing."""
    shell: Shell = context.obj
    _tell(apply_change(shell.engine, shell.settings, shell.viewer, number))


@land_app.command("revert")
def revert(
    context: typer.Context, number: Number, reason: Annotated[str, typer.Option(help="Why it is taken back.")]
) -> None:
    """Take an applied change back, as if it had never been."""
    shell: Shell = context.obj
    _tell(revert_change(shell.engine, shell.settings, shell.viewer, number, reason))


@land_app.command("ancestry")
def ancestry(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Code of the area.")],
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="A day on which it had that code.")],
) -> None:
    """Tell what became of an area."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        steps = heirs_of(session, area_by_code(session, Scope(day.date(), None), code))
    _show(pd.DataFrame(steps))


def _tell(done: CarriedOut) -> None:
    written = done.rewriting.written
    console.print(str(T("Written: {areas} areas, {addresses} addresses.", areas=len(done.after), addresses=written)))


def _show(frame: pd.DataFrame) -> None:
    if frame.empty:
        return
    frame = frame.drop(columns=["withheld", "withheld_mark"], errors="ignore")
    table = Table(*(str(column) for column in frame.columns))
    for row in frame.itertuples(index=False):
        table.add_row(*("" if not isinstance(value, list) and pd.isna(value) else str(value) for value in row))
    console.print(table)
