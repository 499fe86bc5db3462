"""Asking for a job, stopping it, and reading how far it is. Everybody sees the own jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.errors import ConflictError, NotFoundError
from gis_service.jobs.kinds import JobKind
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.tables import Job, JobState
from gis_service.storage.engine import transaction
from gis_service.texts import T


def start_job(
    engine: Engine, queue: JobQueue, viewer: Viewer, kind: JobKind, params: dict[str, Any], *, about: str | None = None
) -> Job:
    """Ask for a job; a worker takes it up.

    Parameters
    ----------
    about
        What the job works on (such as ``scenario 7``): only one job at a time is about the same thing.

    Raises
    ------
    NotPermittedError
        The role may not.
    ConflictError
        Another job about the same thing waits or runs.
    """
    viewer.require(kind.permission)
    with transaction(engine) as session:
        going = [state.value for state in JobState if not state.is_over]
        if (
            about is not None
            and session.scalars(select(Job.id).where(Job.about == about, Job.state.in_(going))).first()
        ):
            raise ConflictError(T("A computation on this is under way; wait for it or cancel it."))
        job = Job(
            kind=kind.name,
            about=about,
            params=params,
            state=JobState.WAITING.value,
            asked_by=viewer.account_id,
            asked_name=viewer.name[:100],
            asked_at=datetime.now(UTC),
            attempts=0,
            cancel_asked=False,
            progress=0.0,
        )
        session.add(job)
        session.flush()
        record(session, viewer, "start_job", "job", job.id, after={"kind": kind.name, "about": about})
    queue.enqueue(job.id)
    return job


def cancel_job(engine: Engine, viewer: Viewer, job_id: int) -> Job:
    """Stop a job of one's own; what it has found so far stays with it.

    Raises
    ------
    NotFoundError, ConflictError
        There is none of that number; it is over already.
    """
    viewer.require(Permission.CANCEL_JOB)
    with transaction(engine) as session:
        job = session.get(Job, job_id, with_for_update=True)
        if job is None or not _is_own(viewer, job):
            raise NotFoundError(T("You have no such computation."))
        if JobState(job.state).is_over:
            raise ConflictError(T("This computation is over already."))
        job.cancel_asked = True
        if job.state == JobState.WAITING:
            job.state, job.finished_at = JobState.CANCELLED.value, datetime.now(UTC)
        record(session, viewer, "cancel_job", "job", job.id, after={"kind": job.kind})
    return job


def jobs_of(session: Session, viewer: Viewer, *, about: str | None = None, limit: int = 50) -> list[Job]:
    """The viewer's own jobs, the newest first."""
    query = select(Job).order_by(Job.id.desc()).limit(limit)
    if not viewer.everything:
        query = query.where(Job.asked_by == viewer.account_id)
    return list(session.scalars(query if about is None else query.where(Job.about == about)))


def job_of(session: Session, viewer: Viewer, job_id: int) -> Job:
    """One job of the viewer."""
    job = session.get(Job, job_id)
    if job is None or not _is_own(viewer, job):
        raise NotFoundError(T("You have no such computation."))
    return job


def _is_own(viewer: Viewer, job: Job) -> bool:
    return viewer.everything or (viewer.account_id is not None and job.asked_by == viewer.account_id)
