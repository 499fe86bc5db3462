"""What the tests of scenarios do to one: people, steps, drawing, approval; and everything that a publication writes."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Engine, select

from gis_service.access.permissions import Role
from gis_service.access.viewer import SHELL, Viewer
from gis_service.addresses.tables import Placement
from gis_service.job_kinds import JOB_KINDS
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.worker import work_off
from gis_service.planning.computing import ask_for_beats
from gis_service.planning.edits import (
    Person,
    Recruits,
)
from gis_service.planning.graphs import Rules
from gis_service.planning.plans import Plan
from gis_service.planning.scenarios import (
    add_step,
    approve,
    create_scenario,
    freeze,
    plan_of,
    seen,
)
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.tables import Beat, BeatDuty, BeatPart, Officer, Posting
from tests.integration.board import TODAY, Board

NEXT_MONTH = date(2026, 12, 1)
PLANNER = Viewer("planner", Role.PLANNER, None, account_id=101)
OTHER = Viewer("other", Role.PLANNER, None, account_id=102)
PEOPLE = [Person(badge_no="新1", name="甲"), Person(badge_no="新2", name="乙")]


def hire(count: int = 2, people: list[Person] | None = None) -> Recruits:
    named = PEOPLE[:count] if people is None else people
    return Recruits(kind="recruits", count=count, from_day=NEXT_MONTH, people=named)


def north(engine: Engine, settings: Settings, board: Board) -> int:
    """A scenario of the northern township: two beats of two compounds with twelve people each."""
    return create_scenario(engine, settings, PLANNER, "north", board.areas["N"], TODAY)


def plan(engine: Engine, scenario_id: int) -> Plan:
    with reading(engine) as session:
        return plan_of(session, seen(session, SHELL, scenario_id).scenario)


def draw(engine: Engine, settings: Settings, scenario_id: int, viewer: Viewer = PLANNER, **rules: Any) -> None:
    queue = JobQueue(settings)
    ask_for_beats(engine, queue, SHELL, scenario_id, Rules.model_validate(rules))
    work_off(engine, settings, JOB_KINDS, queue)


def unit_of(plan_: Plan, board: Board, compound: str) -> int:
    return next(n for n, unit in enumerate(plan_.inputs.units) if unit.area_id == board.areas[compound])


def everything(engine: Engine) -> list[list[tuple[Any, ...]]]:
    period = ("valid_from", "valid_to")
    tables: dict[Any, tuple[str, ...]] = {
        Beat: ("id", "code", *period),
        BeatPart: ("beat_id", "area_id", "buildings", *period),
        BeatDuty: ("beat_id", "officer_id", *period),
        Posting: ("officer_id", "unit_id", "role", "share", *period),
        Officer: ("id", "badge_no"),
        Placement: ("address_id", "area_id", "beat_id", *period),
    }
    with reading(engine) as session:
        return [
            sorted((tuple(row) for row in session.execute(select(*(getattr(row, n) for n in names)))), key=str)
            for row, names in tables.items()
        ]


def ready(engine: Engine, settings: Settings, scenario_id: int) -> None:
    """Two recruits, four beats, frozen and approved by somebody else."""
    add_step(engine, PLANNER, scenario_id, hire())
    draw(engine, settings, scenario_id)
    freeze(engine, PLANNER, scenario_id)
    approve(engine, OTHER, scenario_id)
