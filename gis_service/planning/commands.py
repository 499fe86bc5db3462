"""`gis-service plan …`: posts, scenarios and their publication from a shell."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from gis_service.access.scope import Scope
from gis_service.areas.queries import area_by_code
from gis_service.areas.tables import AreaLevel
from gis_service.errors import InvalidInputError
from gis_service.jobs.queue import JobQueue
from gis_service.planning import scenarios
from gis_service.planning.bases import Base
from gis_service.planning.by_hand import take_by_hand
from gis_service.planning.computing import ask_for_beats
from gis_service.planning.edits import edit_of
from gis_service.planning.graphs import Price, Rules, Within, Workload
from gis_service.planning.posts import Aim, PostsAsked
from gis_service.planning.published import published_proposal, published_staffing
from gis_service.planning.published_plans import marked, published_measures, published_reasons
from gis_service.planning.publishing import publish, revert
from gis_service.planning.showing import compared
from gis_service.planning.staffing import StaffingAsked
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
        found = published_staffing(session, scope, shell.settings, StaffingAsked(base, weighted, recruits))
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
    aim: Annotated[Aim, typer.Option(help="Least worst load, plain or times difficulty, or shortfall.")] = Aim.LOAD,
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
        found = published_proposal(session, scope, shell.settings, asked)
    show(found.rows.drop(columns=["withheld", "withheld_mark"]))
    console.print(str(found.certificate))
    console.print(str(T("{count} posts are filled anew.", count=found.moves)))
    show(found.curve.astype({"load": "float64", "delta": "float64"}).round(3))


Weight = Annotated[float, typer.Option(min=0, max=1000, help="Weight in the workload; a migrant counts 1.")]
Number = Annotated[int, typer.Argument(help="Number of the scenario.")]


@plan_app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the scenario.")],
    area: Annotated[str, typer.Option(help="Code of the area that it is of.")],
    day: Day = None,
    seed: Annotated[int, typer.Option(help="Seed: the same inputs and seed give the same plan.")] = 1,
) -> None:
    """Copy a day into a new scenario."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        area_id = area_by_code(session, Scope(on_day(day), None), area)
    made = scenarios.create_scenario(shell.engine, shell.settings, shell.viewer, name, area_id, on_day(day), seed=seed)
    console.print(str(T("Scenario {number}.", number=made)))


@plan_app.command("list")
def list_scenarios(context: typer.Context) -> None:
    """List the scenarios, the newest first."""
    shell: Shell = context.obj
    names = ("id", "name", "day", "state", "author", "approved_by", "publish_on")
    with reading(shell.engine) as session:
        rows = [[getattr(each, name) for name in names] for each in scenarios.scenarios_of(session, shell.viewer)]
    show(pd.DataFrame(rows, columns=list(names)))


@plan_app.command("step")
def step(
    context: typer.Context,
    number: Number,
    file: Annotated[Path, typer.Argument(help='JSON: {"kind": "recruits", "count": 10, …}.', exists=True)],
) -> None:
    """Change a scenario by one step."""
    shell: Shell = context.obj
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInputError(T("{file} is not JSON.", file=file)) from error
    steps = take_by_hand(shell.engine, shell.settings, shell.viewer, number, edit_of(said))
    console.print(str(T("The scenario has {count} steps.", count=steps)))


@plan_app.command("undo")
def undo(context: typer.Context, number: Number) -> None:
    """Take the last step of a scenario back."""
    shell: Shell = context.obj
    steps = scenarios.undo_step(shell.engine, shell.viewer, number)
    console.print(str(T("The scenario has {count} steps.", count=steps)))


@plan_app.command("draw")
def draw(
    context: typer.Context,
    number: Number,
    *,
    scratch: Annotated[bool, typer.Option("--scratch/--repair", help="From scratch, or today's repaired.")] = False,
    band: Annotated[float, typer.Option(min=0.01, max=0.9, help="Greatest deviation, a share.")] = 0.10,
    within: Annotated[Within, typer.Option(help="What no beat crosses.")] = Within.TOWNSHIP,
    across: Annotated[
        list[int] | None, typer.Option(help="A village (its id) that beats may cross all the same.")
    ] = None,
    price: Annotated[Price, typer.Option(help="What is kept few of what changes its officer.")] = "addresses",
    rentals: Weight = 0.0,
    churn: Weight = 0.0,
    travel: Weight = 0.0,
    difficulty: Annotated[bool, typer.Option(help="Multiply work by difficulty.")] = False,
) -> None:
    """Have the beats of a scenario drawn by a worker (`gis-service worker --once` runs what waits)."""
    shell: Shell = context.obj
    work = Workload(rentals=rentals, churn=churn, travel=travel, difficulty=difficulty)
    method: Literal["scratch", "repair"] = "scratch" if scratch else "repair"
    rules = Rules(method=method, band=band, within=within, across=across or [], price=price, workload=work)
    job = ask_for_beats(shell.engine, JobQueue(shell.settings), shell.viewer, number, rules)
    console.print(str(T("Computation {number} waits for a worker.", number=job.id)))


@plan_app.command("show")
def show_scenario(context: typer.Context, number: Number) -> None:
    """Show the figures of a scenario beside those of its day, and why compounds move."""
    shell: Shell = context.obj
    with reading(shell.engine) as session:
        (one, plan), (_, today) = compared(session, shell.viewer, number, None)
        figures = [marked(published_measures(one, each, shell.settings).total) for each in (today, plan)]
        reasons = published_reasons(one, plan, shell.settings)
    names = [name for name in figures[0] if not name.startswith("withheld")]
    sides = {side: [row[name] for name in names] for side, row in zip(("today", "plan"), figures, strict=True)}
    show(pd.DataFrame({"": names, **sides}))
    for _unit, texts in reasons:
        console.print("· " + " ".join(texts))


@plan_app.command("freeze")
def freeze(context: typer.Context, number: Number) -> None:
    """Ask for approval; nobody changes the scenario from now on."""
    shell: Shell = context.obj
    scenarios.freeze(shell.engine, shell.viewer, number)


@plan_app.command("approve")
def approve(context: typer.Context, number: Number) -> None:
    """Agree to a scenario."""
    shell: Shell = context.obj
    scenarios.approve(shell.engine, shell.viewer, number)


@plan_app.command("publish")
def publish_scenario(
    context: typer.Context,
    number: Number,
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day from which it holds.")],
) -> None:
    """Let an approved scenario hold from a day on, all of it or nothing."""
    shell: Shell = context.obj
    done = publish(shell.engine, shell.settings, shell.viewer, number, day.date())
    text = T("Published: {beats} beats, {officers} recruits, {addresses} addresses.", **asdict(done))
    console.print(str(text))


@plan_app.command("revert")
def revert_scenario(
    context: typer.Context, number: Number, reason: Annotated[str, typer.Option(help="Why it is taken back.")]
) -> None:
    """Take a publication back, as if it had never been."""
    shell: Shell = context.obj
    count = revert(shell.engine, shell.settings, shell.viewer, number, reason)
    console.print(str(T("Put back: {count} addresses.", count=count)))


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
