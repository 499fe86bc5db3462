"""`gis-service import …`: one command for each subject, with a dry run, progress and a readable list of faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text as Plain

from gis_service.errors import Fault, GridError, InvalidInputError
from gis_service.intake.actions import ImportOutcome, ImportPreview, apply_import, preview_import
from gis_service.intake.report import fault_cells, fault_headings, write_faults, write_rows
from gis_service.intake.subject import Action, ImportOptions, Mode, Subject
from gis_service.shell import Shell
from gis_service.texts import T, Text

FAULTS_SHOWN: Final = 20
EXIT_REFUSED: Final = 1
_ACTIONS: Final = {
    Action.NEW: T("new"),
    Action.CHANGED: T("changed"),
    Action.UNCHANGED: T("unchanged"),
    Action.REFUSED: T("refused"),
}

FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file to import.")]
CrsOption = Annotated[str | None, typer.Option("--crs", help="What coordinates mean: EPSG:<code>, GCJ-02 or BD-09.")]
MapOption = Annotated[list[str] | None, typer.Option("--map", help="Which column is which field: column=field.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="One value for all rows: field=value.")]
LayerOption = Annotated[
    list[str] | None, typer.Option("--layer", help="Layer or sheet to read; all layers by default.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and write nothing.")]
FaultsOption = Annotated[Path | None, typer.Option("--faults-out", help="Write all faults to this CSV file.")]
RowsOption = Annotated[Path | None, typer.Option("--rows-out", help="Write what happens to each row to this CSV file.")]
FromOption = Annotated[
    datetime | None,
    typer.Option("--valid-from", formats=["%Y-%m-%d"], help="First day on which the content holds; today by default."),
]
ModeOption = Annotated[
    Mode | None,
    typer.Option("--mode", help="Known areas that look different: a correction of the record, or a change from a day."),
]


def import_app(subjects: Iterable[Subject]) -> typer.Typer:
    """The commands under `gis-service import`, one for each of `subjects`."""
    app = typer.Typer(no_args_is_help=True, help="Import tables and layers: a dry run first, then all rows or none.")
    for subject in subjects:
        command = _dated_command(subject) if subject.dated else _plain_command(subject)
        fields = ", ".join(f"{field.name}*" if field.required else field.name for field in subject.fields)
        app.command(subject.name, help=f"{subject.title.render('en')}. Fields: {fields}")(command)
    return app


def _plain_command(subject: Subject) -> Callable[..., None]:
    def command(
        context: typer.Context,
        file: FileArgument,
        *,
        crs: CrsOption = None,
        columns: MapOption = None,
        constants: SetOption = None,
        layers: LayerOption = None,
        dry_run: DryRunOption = False,
        faults_out: FaultsOption = None,
        rows_out: RowsOption = None,
    ) -> None:
        options = ImportOptions(crs, _pairs(columns), _pairs(constants), layers or None)
        _run(cast("Shell", context.obj), subject, file, options, dry_run, faults_out, rows_out)

    return command


def _dated_command(subject: Subject) -> Callable[..., None]:
    def command(
        context: typer.Context,
        file: FileArgument,
        *,
        crs: CrsOption = None,
        columns: MapOption = None,
        constants: SetOption = None,
        layers: LayerOption = None,
        valid_from: FromOption = None,
        mode: ModeOption = None,
        dry_run: DryRunOption = False,
        faults_out: FaultsOption = None,
        rows_out: RowsOption = None,
    ) -> None:
        day: date | None = None if valid_from is None else valid_from.date()
        options = ImportOptions(crs, _pairs(columns), _pairs(constants), layers or None, day, mode)
        _run(cast("Shell", context.obj), subject, file, options, dry_run, faults_out, rows_out)

    return command


def _run(
    shell: Shell,
    subject: Subject,
    file: Path,
    options: ImportOptions,
    dry_run: bool,  # noqa: FBT001 - as the command line has it
    faults_out: Path | None,
    rows_out: Path | None,
) -> None:
    console = Console()
    place = (shell.engine, shell.settings, shell.viewer, subject, file, options)
    try:
        if not dry_run and faults_out is None and rows_out is None:
            show_outcome(console, _applied(console, shell, subject, file, options))
            return
        preview = preview_import(*place)
        show_preview(console, subject, preview)
        if faults_out is not None:
            write_faults(preview.faults, subject, faults_out)
        if rows_out is not None:
            write_rows(preview.rows, rows_out)
        if not preview.is_acceptable:
            raise typer.Exit(EXIT_REFUSED)
        if not dry_run:
            show_outcome(console, _applied(console, shell, subject, file, options))
    except GridError as error:
        console.print(Plain(str(error), style="bold red"))
        if isinstance(error, InvalidInputError):
            show_faults(console, subject, error.faults)
        raise typer.Exit(EXIT_REFUSED) from error


def _applied(console: Console, shell: Shell, subject: Subject, file: Path, options: ImportOptions) -> ImportOutcome:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn())
    shown = console.is_terminal  # elsewhere a bar leaves an empty line behind
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task(str(T("Reading and checking")), total=None)

        def advance(done: int, total: int, what: Text) -> None:
            bar.update(task, completed=done, total=total, description=str(what))

        return apply_import(shell.engine, shell.settings, shell.viewer, subject, file, options, advance)


def show_preview(console: Console, subject: Subject, preview: ImportPreview) -> None:
    """Print what an import would do."""
    _show_summary(console, T("Dry run of {file}: nothing is written.", file=preview.file_name), preview)
    if preview.diagnosis is not None:
        table = Table(title=str(T("Places in the district under each reading of the coordinates")))
        for heading in (T("Reading"), T("Places"), T("Inside"), T("Share")):
            table.add_column(str(heading))
        for name, row in preview.diagnosis.iterrows():
            table.add_row(str(T(str(name))), f"{row.features:.0f}", f"{row.inside:.0f}", f"{row.share_inside:.1%}")
        console.print(table)
    show_faults(console, subject, preview.faults.first(FAULTS_SHOWN), len(preview.faults))


def show_outcome(console: Console, outcome: ImportOutcome) -> None:
    """Print what an import did."""
    said = T("{file} is imported.") if outcome.run_id is not None else T("{file} changes nothing.")
    _show_summary(console, Text(said.msgid, {"file": outcome.file_name}), outcome)


def show_faults(console: Console, subject: Subject, faults: Iterable[Fault], total: int | None = None) -> None:
    """Print a table of faults: the first ones, and how many there are."""
    rows = list(faults)
    if not rows:
        return
    table = Table(*fault_headings(), title=str(T("Refused: {count}", count=total or len(rows))), show_lines=True)
    for fault in rows[:FAULTS_SHOWN]:
        table.add_row(*(Plain(cell) for cell in fault_cells(fault, subject)))
    console.print(table)
    if (total or len(rows)) > FAULTS_SHOWN:
        console.print(str(T("Only the first {count} are shown; --faults-out writes all.", count=FAULTS_SHOWN)))


def _show_summary(console: Console, title: Text, done: ImportPreview | ImportOutcome) -> None:
    console.print(Plain(str(title), style="bold"))
    console.print("  ".join(f"{text}: {done.counts[action]}" for action, text in _ACTIONS.items()))
    for warning in done.warnings:
        console.print(Plain(f"· {warning}"))
    if done.missing:
        named = ", ".join(done.missing[:FAULTS_SHOWN])
        console.print(
            Plain(
                str(T("In the database and not in the file: {count} ({named} …)", count=len(done.missing), named=named))
            )
        )


def _pairs(said: list[str] | None) -> dict[str, str]:
    """`left=right` arguments as a mapping."""
    pairs = [each.partition("=") for each in said or ()]
    if any(not separator for _, separator, _ in pairs):
        raise typer.BadParameter(str(T("Write it as left=right.")))
    return {left: right for left, _, right in pairs}
