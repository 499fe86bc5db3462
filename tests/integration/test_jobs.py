"""Computations outside the web process, on both databases: progress, cancelling, and a worker that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from gis_service.access.permissions import Permission, Role
from gis_service.access.viewer import SHELL, Viewer
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.jobs.actions import cancel_job, job_of, jobs_of, start_job
from gis_service.jobs.kinds import JobContext, JobKind
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.running import MOST_ATTEMPTS, said_in_words, sweep
from gis_service.jobs.tables import Job, JobState
from gis_service.jobs.worker import work_off
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.texts import T
from tests.integration.board import Board

ROOT = Path(__file__).parents[2]


def count(context: JobContext, params: dict[str, Any]) -> dict[str, Any]:
    """Count up to a number, telling how far it is."""
    reached = 0
    while reached < params["to"] and not context.watch.cancelled():
        reached += 1
        context.watch.report(reached / params["to"], T("Done"), {"reached": reached})
        time.sleep(params.get("pause_s", 0))
    return {"reached": reached, "for": context.viewer.name}


def refuse(_context: JobContext, _params: dict[str, Any]) -> dict[str, Any]:
    raise InvalidInputError(T("Please give a reason."))


def die(_context: JobContext, _params: dict[str, Any]) -> dict[str, Any]:
    os._exit(9)


KINDS = {
    kind.name: kind
    for kind in (
        JobKind("count", T("Done"), Permission.SEE_PLANNING, count),
        JobKind("refuse", T("Done"), Permission.SEE_PLANNING, refuse),
        JobKind("die", T("Done"), Permission.SEE_PLANNING, die),
    )
}


@pytest.fixture
def queue(settings: Settings) -> JobQueue:
    return JobQueue(settings)


def standing(engine: Engine, job_id: int) -> Job:
    with reading(engine) as session:
        job = job_of(session, SHELL, job_id)
        session.expunge(job)
        return job


def wait_for(engine: Engine, job_id: int, *states: JobState) -> Job:
    for _ in range(600):
        job = standing(engine, job_id)
        if job.state in states:
            return job
        time.sleep(0.1)
    pytest.fail(f"job {job_id} is {standing(engine, job_id).state}")


def spawn(settings: Settings) -> subprocess.Popen[bytes]:
    """A worker process that knows the kinds above."""
    program = (
        "from gis_service.jobs.worker import serve_jobs; from gis_service.settings import Settings;"
        "from gis_service.storage.engine import open_engine; from gis_service.access.audit import attach_audit;"
        "from gis_service.access.personal import Vault; from tests.integration.test_jobs import KINDS;"
        "s = Settings(); e = open_engine(s); attach_audit(e, Vault.load_or_create(s), s); serve_jobs(e, s, KINDS)"
    )
    said = {"GIS_DATA_DIR": str(settings.data_dir), "PYTHONPATH": str(ROOT)}
    if settings.database_url:
        said["GIS_DATABASE_URL"] = settings.database_url
    return subprocess.Popen([sys.executable, "-c", program], env={**os.environ, **said}, cwd=ROOT)


def test_a_job_is_run_and_keeps_what_came_out(engine: Engine, settings: Settings, queue: JobQueue) -> None:
    job = start_job(engine, queue, SHELL, KINDS["count"], {"to": 5})
    assert standing(engine, job.id).state == JobState.WAITING
    work_off(engine, settings, KINDS, queue)
    done = standing(engine, job.id)
    assert (done.state, done.progress, done.result) == (JobState.DONE, 1.0, {"reached": 5, "for": "shell"})
    assert done.best is not None
    assert queue.waiting() == 0


def test_a_job_runs_with_the_rights_of_whoever_asked(
    engine: Engine, settings: Settings, board: Board, queue: JobQueue
) -> None:
    planner = Viewer("planner", Role.PLANNER, None, account_id=board.accounts["planner"])
    job = start_job(engine, queue, planner, KINDS["count"], {"to": 1})
    work_off(engine, settings, KINDS, queue)
    assert (standing(engine, job.id).result or {})["for"] == "planner"
    officer = Viewer("officer", Role.OFFICER, None, account_id=board.accounts["officer"])
    with pytest.raises(NotPermittedError):
        start_job(engine, queue, officer, KINDS["count"], {"to": 1})
    with reading(engine) as session:
        assert [found.id for found in jobs_of(session, planner)] == [job.id]
        assert jobs_of(session, officer) == []
        with pytest.raises(NotFoundError):
            job_of(session, officer, job.id)


def test_a_refusal_is_kept_in_words(engine: Engine, settings: Settings, queue: JobQueue) -> None:
    job = start_job(engine, queue, SHELL, KINDS["refuse"], {})
    work_off(engine, settings, KINDS, queue)
    failed = standing(engine, job.id)
    assert failed.state == JobState.FAILED
    assert said_in_words(failed.fault) == str(T("Please give a reason."))


def test_one_job_at_a_time_is_about_the_same_thing(engine: Engine, queue: JobQueue) -> None:
    first = start_job(engine, queue, SHELL, KINDS["count"], {"to": 1}, about="scenario 1")
    with pytest.raises(ConflictError):
        start_job(engine, queue, SHELL, KINDS["count"], {"to": 1}, about="scenario 1")
    cancel_job(engine, SHELL, first.id)
    start_job(engine, queue, SHELL, KINDS["count"], {"to": 1}, about="scenario 1")


def test_a_waiting_job_is_cancelled_at_once(engine: Engine, settings: Settings, queue: JobQueue) -> None:
    job = start_job(engine, queue, SHELL, KINDS["count"], {"to": 1})
    assert cancel_job(engine, SHELL, job.id).state == JobState.CANCELLED
    work_off(engine, settings, KINDS, queue)
    assert standing(engine, job.id).result is None
    with pytest.raises(ConflictError):
        cancel_job(engine, SHELL, job.id)


def test_a_running_job_tells_how_far_it_is_and_stops_when_asked(
    engine: Engine, settings: Settings, queue: JobQueue
) -> None:
    job = start_job(engine, queue, SHELL, KINDS["count"], {"to": 10_000, "pause_s": 0.05})
    with spawn(settings) as worker:
        try:
            wait_for(engine, job.id, JobState.RUNNING)
            while not standing(engine, job.id).progress:
                time.sleep(0.1)
            cancel_job(engine, SHELL, job.id)
            stopped = wait_for(engine, job.id, JobState.CANCELLED)
        finally:
            worker.terminate()
    assert 0 < (stopped.result or {})["reached"] < 10_000
    assert stopped.best is not None


def test_a_job_survives_the_death_of_its_worker(engine: Engine, settings: Settings, queue: JobQueue) -> None:
    job = start_job(engine, queue, SHELL, KINDS["count"], {"to": 10_000, "pause_s": 0.05})
    with spawn(settings) as worker:
        wait_for(engine, job.id, JobState.RUNNING)
        worker.send_signal(signal.SIGKILL)
    assert standing(engine, job.id).state == JobState.RUNNING
    with transaction(engine) as session:
        session.execute(update(Job).values(params={"to": 3}))
    work_off(engine, settings, KINDS, queue)
    again = standing(engine, job.id)
    assert (again.state, again.attempts, (again.result or {})["reached"]) == (JobState.DONE, 2, 3)


def test_a_job_that_kills_its_workers_is_given_up(engine: Engine, settings: Settings, queue: JobQueue) -> None:
    job = start_job(engine, queue, SHELL, KINDS["die"], {})
    for _ in range(MOST_ATTEMPTS):
        with spawn(settings) as worker:
            worker.wait()
    sweep(engine, settings, queue)
    given_up = standing(engine, job.id)
    assert (given_up.state, given_up.attempts) == (JobState.FAILED, MOST_ATTEMPTS)


def test_a_message_that_was_lost_is_sent_again(engine: Engine, settings: Settings, queue: JobQueue) -> None:
    job = start_job(engine, queue, SHELL, KINDS["count"], {"to": 1})
    queue.huey.storage.flush_queue()
    assert queue.waiting() == 0
    work_off(engine, settings, KINDS, queue)
    assert standing(engine, job.id).state == JobState.DONE
