"""The same use cases from a shell. Every command works on the database that the settings (`GIS_…`) name."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.command_rooms import ROOMS, group_of
from gis_service.errors import GridError
from gis_service.texts import T, Text, _, use_locale
from gis_service.web.export_kinds import ExportKind
from gis_service.web.map_kinds import MapKind

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gis_service.addresses.actions import Progress
    from gis_service.settings import Settings
    from gis_service.shell import Shell

app = typer.Typer(
    name="gis-service",
    help="Grid management of one district: land, teams, addresses, officers, maps.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
db_app = typer.Typer(help="The database and its schema.", no_args_is_help=True)
app.add_typer(db_app, name="db")
for name, (module, found, help_text) in ROOMS.items():
    app.add_typer(group_of(module, found, help_text), name=name)

console = Console()
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day to look at; today when absent.")]


@app.callback()
def prepare(
    context: typer.Context,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the embedded database; overrides GIS_DATA_DIR.")
    ] = None,
    database_url: Annotated[str | None, typer.Option(help="Database URL; overrides GIS_DATABASE_URL.")] = None,
    metric_crs: Annotated[
        str | None, typer.Option(help="CRS for measuring, in metres; overrides GIS_METRIC_CRS.")
    ] = None,
    locale: Annotated[str | None, typer.Option(help="Language: zh_CN or en; overrides GIS_LOCALE.")] = None,
) -> None:
    """Open the database that the options or the environment name."""
    import gis_service.tables  # noqa: F401 - a command sees every table, whichever of them it imports
    from gis_service.access.audit import attach_audit
    from gis_service.access.personal import Vault
    from gis_service.settings import Settings
    from gis_service.shell import Shell
    from gis_service.storage.engine import open_engine

    given = {"data_dir": data_dir, "database_url": database_url, "metric_crs": metric_crs, "locale": locale}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # a mapping by name
    use_locale(settings.locale)
    engine = open_engine(settings)
    attach_audit(engine, Vault.load_or_create(settings), settings)
    context.obj = Shell(settings, engine, SHELL)
    context.call_on_close(engine.dispose)


@db_app.command("upgrade")
def upgrade(context: typer.Context) -> None:
    """Create the schema, or bring it up to date; keeps all data."""
    from gis_service.storage.schema import newest_revision, upgrade_schema

    shell: Shell = context.obj
    upgrade_schema(shell.engine)
    console.print(str(T("The schema is current: revision {revision}.", revision=newest_revision())))
    _tell_of_fence(shell.engine)


@db_app.command("status")
def status(context: typer.Context) -> None:
    """Say which revision the database has and which one the code expects."""
    from gis_service.storage.schema import newest_revision, schema_revision

    shell: Shell = context.obj
    console.print(f"{schema_revision(shell.engine)} / {newest_revision()} ({shell.engine.dialect.name})")
    _tell_of_fence(shell.engine)


def _tell_of_fence(engine: Engine) -> None:
    from gis_service.storage.fence_standing import fence_faults

    for fault in fence_faults(engine):
        console.print(str(fault), markup=False)


@app.command()
def demo(
    context: typer.Context,
    *,
    port: Annotated[int, typer.Option(help="Port to serve on.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    size: Annotated[
        str, typer.Option(help="full (a district), small (two townships) or township (one, with 26 officers).")
    ] = "full",
    seed: Annotated[int, typer.Option(help="Seed of the generated district.")] = 2026,
    fresh: Annotated[bool, typer.Option(help="Begin anew even when the demo is there.")] = False,
    serve_site: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the site afterwards.")] = True,
) -> None:
    """Generate the demo district, run the main job on it and serve the site."""
    from gis_service.demo.district import build_demo
    from gis_service.web.wording import code_name

    shell: Shell = context.obj
    with progress_bars() as report:
        outcome = build_demo(shell, size=size, seed=seed, fresh=fresh, progress=report)
    title = T("Demo accounts (all in {path})", path=outcome.logins_path)
    table = Table(_("Account"), _("Password"), _("Role"), title=str(title))
    for login in outcome.logins:
        table.add_row(login.login, login.password, code_name(login.role))
    console.print(table)
    console.print(str(T("{assigned} of {total} addresses have one officer each.", **outcome.counts)))
    if serve_site:
        # people who try the demo sign in with what it prints, on this machine
        _serve(shell.settings.model_copy(update={"cookie_secure": False, "second_factor_roles": ()}), host, port)


@app.command("synthesise")
def synthesise_files(
    context: typer.Context,
    *,
    out: Annotated[Path, typer.Option(help="Folder for the import files.")],
    officers: Annotated[int, typer.Option(min=2, help="Officers on duty.")],
    migrants: Annotated[int, typer.Option(min=1, help="Migrants registered today.")],
    seed: Annotated[int, typer.Option(help="Seed: the same land, day and seed give the same files.")] = 2026,
) -> None:
    """Invent teams and people over the land and addresses of the database: import files for a trial."""
    from gis_service.demo.anywhere import synthesise
    from gis_service.demo.generation import FILES
    from gis_service.storage.engine import reading

    shell: Shell = context.obj
    with reading(shell.engine) as session:
        made = synthesise(
            session, shell.settings, out, officers=officers, migrants=migrants, seed=seed, today=_day(None)
        )
    table = Table(_("File"), _("Rows"), title=str(T("Written: {path}", path=out)))
    for subject, rows in made.rows.items():
        table.add_row(FILES[subject], f"{rows:,}")
    console.print(table)


@app.command()
def serve(
    context: typer.Context,
    *,
    port: Annotated[int, typer.Option(help="Port.")] = 8080,
    host: Annotated[str, typer.Option(help="Address.")] = "127.0.0.1",
) -> None:
    """Serve the site and the API."""
    shell: Shell = context.obj
    _serve(shell.settings, host, port)


@app.command()
def worker(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option(help="Run what waits now, and end.")] = False,
    with_parent: Annotated[bool, typer.Option(help="End when the standard input ends.")] = False,
) -> None:
    """Run long computations; `serve` and `demo` start one by themselves."""
    from gis_service.job_kinds import JOB_KINDS
    from gis_service.jobs.queue import JobQueue
    from gis_service.jobs.worker import end_with_parent, serve_jobs, work_off

    shell: Shell = context.obj
    if with_parent:
        end_with_parent()
    if once:
        work_off(shell.engine, shell.settings, JOB_KINDS, JobQueue(shell.settings))
    else:
        serve_jobs(shell.engine, shell.settings, JOB_KINDS)


def _serve(settings: Settings, host: str, port: int) -> None:
    import uvicorn

    from gis_service.app import create_app
    from gis_service.jobs.worker import worker_beside
    from gis_service.web.warming import warm_up_beside

    app = create_app(settings)
    warm_up_beside(app)
    console.print(str(T("Serving at {address} (stop with Ctrl+C)", address=f"http://{host}:{port}/")))
    with worker_beside(settings):
        uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False)


@app.command("check-topology")
def check(
    context: typer.Context,
    day: Day = None,
    out: Annotated[Path | None, typer.Option(help="Also write the findings: .gpkg, .geojson or .csv.")] = None,
) -> None:
    """Report invalid rings, overlaps, gaps, children outside parents and odd parts, with the addresses touched."""
    from gis_service.addresses.topology import topology_findings
    from gis_service.storage.engine import reading
    from gis_service.web.wording import code_name

    shell: Shell = context.obj
    with reading(shell.engine) as session:
        findings = topology_findings(session, Scope(_day(day), None), shell.settings)
    summary = findings.groupby(["finding", "severity", "level"], observed=True).agg(
        count=("area_m2", "size"), pieces=("pieces", "sum"), area_m2=("area_m2", "sum"), addresses=("addresses", "sum")
    )
    headings = (_("Finding"), _("Severity"), _("Level"), _("Count"), _("Pieces"), "m²", _("Addresses"))
    table = Table(*headings, title=str(T("Topology report")))
    for key, row in summary.iterrows():
        table.add_row(
            *(code_name(part) for part in key),
            str(row["count"]),
            str(row["pieces"]),
            f"{row['area_m2']:.2f}",
            str(row["addresses"]),
        )
    console.print(table)
    if out is not None:
        if out.suffix == ".csv":
            findings.drop(columns="geometry").to_csv(out, index=False)
        else:
            findings.to_file(out)
        console.print(str(T("Written: {path}", path=out)))


@app.command()
def assign(context: typer.Context, day: Day = None) -> None:
    """Place every address in its compound and beat; write only what differs."""
    from gis_service.addresses.actions import assign_addresses
    from gis_service.web.wording import code_name

    shell: Shell = context.obj
    with progress_bars() as report:
        outcome = assign_addresses(shell.engine, shell.settings, shell.viewer, _day(day), report)
    table = Table("", "", title=str(T("Addresses on {day}", day=outcome.day)))
    for name, count in outcome.counts.items():
        table.add_row(code_name(name), f"{count:,}")
    table.add_row(_("Written"), f"{outcome.written:,}")
    console.print(table)


@app.command("take-apart")
def take_apart(context: typer.Context, day: Day = None) -> None:
    """Take the texts of addresses that came without parts apart into road, lane, number, building, unit and room."""
    from gis_service.addresses.parts import fill_parts

    shell: Shell = context.obj
    found = fill_parts(shell.engine, shell.viewer, _day(day))
    said = T(
        "{filled} of {addresses} addresses without parts have parts now; {understood} texts were wholly understood.",
        **{name: f"{count:,}" for name, count in asdict(found).items()},
    )
    console.print(str(said))


@app.command("map")
def draw_map(
    context: typer.Context,
    kind: Annotated[MapKind, typer.Argument(help="Which map.")],
    out: Annotated[Path, typer.Option(help="HTML file to write; opens with no network.")],
    day: Day = None,
) -> None:
    """Draw a map into one file that opens offline."""
    from gis_service.storage.engine import reading
    from gis_service.web.drawing import Drawing, draw
    from maps.page import render_map

    shell: Shell = context.obj
    with reading(shell.engine) as session:
        drawn = draw(kind, Drawing(session, Scope(_day(day), None), shell.settings))
    out.write_text(render_map(drawn, nonce=secrets.token_urlsafe(16), mode="inline"), encoding="utf-8")
    console.print(str(T("Written: {path}", path=out)))


@app.command("export")
def export(
    context: typer.Context,
    kind: Annotated[ExportKind, typer.Argument(help="What to export.")],
    out: Annotated[Path, typer.Option(help="File to write: .csv, .xlsx, or for land .gpkg, .geojson, .parquet.")],
    day: Day = None,
) -> None:
    """Export rows with their notes (as of, scope, source); personal fields are masked."""
    from gis_service.storage.engine import reading
    from gis_service.web.exports import write_export

    shell: Shell = context.obj
    with reading(shell.engine) as session:
        count = write_export(session, Scope(_day(day), None), shell.settings, kind, out)
    console.print(str(T("Written: {path} ({count} rows)", path=out, count=count)))


@app.command("export-unmasked")
def export_approved(
    context: typer.Context,
    approval_id: Annotated[int, typer.Argument(help="Number of the approved request.")],
    out: Annotated[Path, typer.Option(help="CSV file to write.")],
) -> None:
    """Write the file of an approved request, in clear: what the person who asked has in scope; good for one use."""
    from gis_service.access.audit import trail_of
    from gis_service.registers.unmasked import export_unmasked

    shell: Shell = context.obj
    count = export_unmasked(
        shell.engine, trail_of(shell.engine).vault, shell.viewer, approval_id, out, now=datetime.now(UTC)
    )
    console.print(str(T("Written: {path} ({count} rows)", path=out, count=count)))


def _day(day: datetime | None) -> date:
    return day.date() if day else date.today()  # noqa: DTZ011 - a calendar day of the district, not an instant


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """A bar for long work on the terminal; what it yields is called with `(done, total, text)`."""
    from rich.progress import Progress as ProgressBars

    terminal = Console(stderr=True)
    with ProgressBars(console=terminal, transient=True, disable=not terminal.is_terminal) as bars:
        task = bars.add_task("")

        def report(done: int, total: int, text: Text) -> None:
            bars.update(task, completed=done, total=total, description=str(text))

        yield report


def main() -> None:
    """Run the command line; a refusal is one clear line and exit code 1."""
    with suppress(BrokenPipeError):
        try:
            app()
        except GridError as error:
            Console(stderr=True).print(f"[red]{error}[/red]")
            sys.exit(1)
