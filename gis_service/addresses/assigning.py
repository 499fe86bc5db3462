"""Assigning the addresses as a job: a worker does it, tells how far it is, and stops when asked to."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Engine

from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.addresses.actions import assign_addresses, require_whole_district
from gis_service.jobs.actions import start_job
from gis_service.jobs.kinds import JobContext, JobKind, StoppedError
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.tables import Job
from gis_service.storage.engine import reading
from gis_service.texts import T, Text

ABOUT = "addresses"


def ask_for_assignment(engine: Engine, queue: JobQueue, viewer: Viewer, day: date) -> Job:
    """Have every address placed as land and beats stand on the day.

    Raises
    ------
    NotPermittedError, ConflictError
        The viewer may not, or an assignment is under way.
    """
    viewer.require(Permission.ASSIGN_ADDRESSES)
    with reading(engine) as session:
        require_whole_district(session, viewer, day)
    return start_job(engine, queue, viewer, ASSIGN_ADDRESSES, {"day": day.isoformat()}, about=ABOUT)


def assign(context: JobContext, params: dict[str, Any]) -> dict[str, Any]:
    """Assign the addresses; when it is cancelled before anything is written, nothing is."""

    def report(done: int, total: int, said: Text) -> None:
        if done < total and context.watch.cancelled():
            raise StoppedError
        context.watch.report(done / total, said)

    day = date.fromisoformat(params["day"])
    outcome = asdict(assign_addresses(context.engine, context.settings, context.viewer, day, report))
    return {**outcome, "day": params["day"]}


ASSIGN_ADDRESSES = JobKind("assign_addresses", T("Assign the addresses"), Permission.ASSIGN_ADDRESSES, assign)
