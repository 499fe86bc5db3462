"""`gis-service repair …`: defects of the borders, proposed and accepted from a shell."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gis_service.changes.repairing import accept_repairs, propose_repairs
from gis_service.errors import InvalidInputError
from gis_service.shell import Shell
from gis_service.texts import T

repair_app = typer.Typer(help="Repairs of borders: propose, accept as a correction.", no_args_is_help=True)
console = Console()

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day of the land; today when absent.")]
Kind = Annotated[str | None, typer.Option(help="Only of this kind: overlap, gap, outside_parent, invalid_ring …")]


@repair_app.command("propose")
def propose(
    context: typer.Context,
    day: Day = None,
    kind: Kind = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Propose repairs: the areas, the ground that changes hands and the addresses on it; writes nothing."""
    shell: Shell = context.obj
    found = propose_repairs(shell.engine, shell.settings, shell.viewer, _day(day)).table
    shown = found if kind is None else found[found["kind"].eq(kind)]
    if as_json:
        typer.echo(json.dumps(shown.reset_index().to_dict("records"), ensure_ascii=False))
        return
    table = Table("key", "level", "m²", "addresses")
    for key, row in shown.iterrows():
        table.add_row(str(key), str(row["level"]), f"{row['moved_m2']:.2f}", str(row["addresses"]))
    console.print(table)


@repair_app.command("accept")
def accept(
    context: typer.Context,
    keys: Annotated[list[str] | None, typer.Argument(help="Keys of proposals.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every proposal (of the kind).")] = False,
    kind: Kind = None,
    day: Day = None,
    note: Annotated[str | None, typer.Option(help="A note beside the names of the repairs.")] = None,
) -> None:
    """Draft the correction that proposals come to; then `land approve` and `land apply` it."""
    shell: Shell = context.obj
    place = (shell.engine, shell.settings, shell.viewer, _day(day))
    chosen = list(keys or ())
    if every:
        found = propose_repairs(*place).table
        chosen = found.index[found["kind"].eq(kind) if kind else found["kind"].notna()].tolist()
    if not chosen:
        raise InvalidInputError(T("Name the repairs to accept, or say --all."))
    change = accept_repairs(*place, chosen, note=note)
    console.print(str(T("Change {number}: {kind}, {state}.", number=change.id, kind=change.kind, state=change.state)))


def _day(day: datetime | None) -> date:
    return day.date() if day else date.today()  # noqa: DTZ011 - a calendar day of the district
