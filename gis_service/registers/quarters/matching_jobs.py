"""Matching as a job: asked for with a request, done by a worker, watched and stopped like any computation."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any, Final

from sqlalchemy import Engine

from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import today_here
from gis_service.jobs.actions import start_job
from gis_service.jobs.kinds import JobContext, JobKind
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.tables import Job
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.matching import match_quarter, matchable
from gis_service.texts import T


def about_matching(quarter: Quarter, area_id: int | None = None) -> str:
    """What the job works on, as the table of jobs has it."""
    return f"quarter {quarter}" if area_id is None else f"quarter {quarter} {area_id}"


def ask_for_matching(
    engine: Engine, queue: JobQueue, viewer: Viewer, quarter: Quarter, *, today: date, area_id: int | None = None
) -> Job:
    """Have the registers of an area matched by a worker; what is in the way is said at once.

    Raises
    ------
    NotPermittedError, NotFoundError, InvalidInputError, ConflictError
        As `matchable`; or the same is being matched already.
    """
    matchable(engine, viewer, quarter, today=today, area_id=area_id)
    params = {"quarter": str(quarter), "area_id": area_id}
    return start_job(engine, queue, viewer, MATCH_REGISTERS, params, about=about_matching(quarter, area_id))


def match_registers(context: JobContext, params: dict[str, Any]) -> dict[str, Any]:
    """Match with the rights that whoever asked has now; townships that were written before it was stopped stay."""
    done = match_quarter(
        context.engine,
        context.settings,
        context.viewer,
        Quarter.parse(params["quarter"]),
        today=today_here(),
        area_id=params["area_id"],
        watch=context.watch,
    )
    if not done.stopped:
        told = asdict(done.recorded) | {"villages": done.villages, "waiting": len(done.waiting)}
        context.watch.report(1.0, T("{villages} villages matched, {waiting} wait for a register; {new} new mismatches, {opened_again} opened again, {gone} gone", **told))  # fmt: skip  # noqa: E501 - one text
    return {
        **asdict(done.recorded),
        "villages": done.villages,
        "stopped": done.stopped,
        "waiting": [
            {"village_id": each.village_id, "name": each.name, "registers": [side.value for side in each.registers]}
            for each in done.waiting
        ],
    }


MATCH_REGISTERS: Final = JobKind("match_registers", T("Match registers"), Permission.LEAD_QUARTER, match_registers)
