"""Planning as jobs: beats are drawn by a worker, and the result is the next step of the scenario."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.jobs.actions import start_job
from gis_service.jobs.kinds import JobContext, JobKind
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.tables import Job
from gis_service.planning.graphs import Rules
from gis_service.planning.redrawing import redraw
from gis_service.planning.scenarios import add_step, editable, plan_of
from gis_service.storage.engine import reading, transaction
from gis_service.texts import T


def ask_for_beats(engine: Engine, queue: JobQueue, viewer: Viewer, scenario_id: int, rules: Rules) -> Job:
    """Have the beats of a scenario drawn; the worker appends what it finds as a step.

    Raises
    ------
    NotPermittedError, NotFoundError, ConflictError
        The viewer may not change the scenario, or another computation on it is under way.
    """
    viewer.require(Permission.PLAN)
    with transaction(engine) as session:
        scenario = editable(session, viewer, scenario_id)
        steps = plan_of(session, scenario).steps
    params = {"scenario_id": scenario_id, "after_step": steps, "rules": rules.model_dump(mode="json")}
    return start_job(engine, queue, viewer, DRAW_BEATS, params, about=f"scenario {scenario_id}")


def draw_beats(context: JobContext, params: dict[str, Any]) -> dict[str, Any]:
    """Draw the beats of a scenario and append them; what was found so far when the job is cancelled."""
    scenario_id = int(params["scenario_id"])
    with reading(context.engine) as session:
        scenario = editable(session, context.viewer, scenario_id)
        plan, seed = plan_of(session, scenario), scenario.seed

    def report(done: float, name: str, best: dict[str, Any]) -> None:
        context.watch.report(done, T("Drawing the beats of {name}", name=name), best)

    rules = Rules.model_validate(params["rules"])
    drawn = redraw(plan, rules, seed=seed, report=report, cancelled=context.watch.cancelled)
    step = add_step(context.engine, context.viewer, scenario_id, drawn, after_step=int(params["after_step"]))
    kept = ("name", "beats", "deviation", "least_deviation", "within_band", "changed_units", "proof", "stopped")
    return {
        "step": step,
        "townships": [{name: township[name] for name in kept} for township in drawn.told["townships"]],
    }


DRAW_BEATS = JobKind("draw_beats", T("Draw beats"), Permission.PLAN, draw_beats)
