"""One's own jobs over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from gis_service.access.http import ActingDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import EngineDep, ReadDep
from gis_service.api.wire import Instant, RowKey
from gis_service.jobs.actions import cancel_job, job_of, jobs_of
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.running import said_in_words
from gis_service.jobs.tables import Job, JobState

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], dependencies=[Depends(requires(Permission.SEE_JOBS))])


def queue_of(request: Request) -> JobQueue:
    """The queue of the running service."""
    queue: JobQueue = request.app.state.jobs
    return queue


QueueDep = Annotated[JobQueue, Depends(queue_of)]


class JobItem(BaseModel):
    """A computation and how far it is; `best` is the best found so far, `result` what came out."""

    id: int
    kind: str
    about: str | None
    state: JobState
    progress: float
    said: str
    fault: str
    asked_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    best: dict[str, Any] | None
    result: dict[str, Any] | None


@router.get("")
def list_jobs(session: ReadDep, viewer: ViewerDep) -> list[JobItem]:
    """List your own computations, the newest first."""
    return [job_item(job) for job in jobs_of(session, viewer)]


@router.get("/{job_id}")
def read_job(session: ReadDep, viewer: ViewerDep, job_id: RowKey) -> JobItem:
    """Read how far one of your computations is."""
    return job_item(job_of(session, viewer, job_id))


@router.post("/{job_id}/cancel", dependencies=[Depends(requires(Permission.CANCEL_JOB))])
def cancel(engine: EngineDep, acting: ActingDep, job_id: RowKey) -> JobItem:
    """Stop one of your computations."""
    return job_item(cancel_job(engine, acting, job_id))


def job_item(job: Job) -> JobItem:
    """A job as it travels."""
    return JobItem(
        id=job.id,
        kind=job.kind,
        about=job.about,
        state=JobState(job.state),
        progress=job.progress,
        said=said_in_words(job.said),
        fault=said_in_words(job.fault),
        asked_at=job.asked_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        best=job.best,
        result=job.result,
    )
