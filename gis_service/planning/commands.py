"""`gis-service plan …`: posts, scenarios and their publication from a shell."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from gis_service.access.scope import Scope
from gis_service.areas.queries import area_by_code
from gis_service.areas.tables import AreaLevel
from gis_service.planning.bases import Base
from gis_service.planning.posts import Aim, PostsAsked, propose_posts
from gis_service.planning.staffing import staffing
from gis_service.shell import Shell
from gis_service.storage.engine import reading
from gis_service.texts import T

plan_app = typer.Typer(help="Posts, difficulty, scenarios.", no_args_is_help=True)
console = Console()

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day to look at; today when absent.")]
Level = Annotated[AreaLevel, typer.Option(help="Level of the areas.")]
OnBase = Annotated[Base, typer.Option(help="What posts are counted on.")]

_STAFFING = ("code", "name", "migrants", "officers_fte", "required", "allotted", "social", "police", "missing")


@plan_app.command("staffing")
def show_staffing(
    context: typer.Context,
    *,
    level: Level = AreaLevel.TOWNSHIP,
    base: OnBase = Base.TODAY,
    weighted: Annotated[bool, typer.Option(help="Place posts by base times difficulty.")] = False,
    recruits: Annotated[int, typer.Option(min=0, help="Posts that the district pays.")] = 0,
    day: Day = None,
) -> None:
    """Show required posts, what is short, the two sides and who pays."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        scope = Scope(on_day(day), None)
        found = staffing(session, scope, shell.settings, base=base, weighted=weighted, recruits=recruits)
    rows = found[found["level"].eq(level)]
    show(rows[[*_STAFFING, "district_pays", "township_pays"] if level is AreaLevel.TOWNSHIP else list(_STAFFING)])


@plan_app.command("posts")
def show_posts(
    context: typer.Context,
    *,
    change: Annotated[int, typer.Option(help="Posts more than today (below 0: less).")] = 0,
    level: Level = AreaLevel.TOWNSHIP,
    within: Annotated[str | None, typer.Option(help="Code of the area within which they are handed out.")] = None,
    base: OnBase = Base.TODAY,
    aim: Annotated[Aim, typer.Option(help="Least worst load, plain or times difficulty.")] = Aim.LOAD,
    keep: Annotated[bool, typer.Option(help="Nobody loses a post that is filled today.")] = True,
    accept: Annotated[float, typer.Option(min=0, help="Share above the least load accepted for fewer moves.")] = 0.0,
    day: Day = None,
) -> None:
    """Hand out posts with the least worst load; writes nothing."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        scope = Scope(on_day(day), None)
        area_id = None if within is None else area_by_code(session, scope, within)
        asked = PostsAsked(level, area_id, change, base, aim, {}, {}, {}, keep, accept, 20)
        found = propose_posts(session, scope, shell.settings, asked)
    show(found.rows)
    console.print(str(found.certificate))
    console.print(str(T("{count} posts are filled anew.", count=found.moves)))
    show(found.curve.astype({"load": "float64", "delta": "float64"}).round(3))


def on_day(day: datetime | None) -> date:
    """The calendar day meant."""
    return day.date() if day else date.today()  # noqa: DTZ011 - a calendar day of the district, not an instant


def show(frame: pd.DataFrame) -> None:
    """Print a frame as a table."""
    table = Table(*(str(column) for column in frame.columns))
    for row in frame.itertuples(index=False):
        table.add_row(*(_said(value) for value in row))
    console.print(table)


def _said(value: Any) -> str:
    if pd.isna(value):
        return ""
    return f"{value:,.1f}" if isinstance(value, float) else str(value)
