"""Running jobs: claim, run under watch, write down what came out; take up what a dead worker left behind."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import OperationalError

from gis_service.access.viewer import SHELL, Viewer
from gis_service.access.viewers import viewer_of_account
from gis_service.errors import GridError, NotPermittedError
from gis_service.jobs.kinds import JobContext, Kinds, StoppedError
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.tables import Job, JobState
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.texts import T, Text

MOST_ATTEMPTS = 3
"""A job during which so many workers died is given up."""

_LOOK_EVERY_S = 0.5
log = structlog.get_logger(__name__)


@dataclass
class JobWatch:
    """The watch of one job: writes at most twice a second, so that progress costs nothing."""

    engine: Engine
    job_id: int
    _told_at: float = field(default=0.0, init=False)
    _looked_at: float = field(default=0.0, init=False)
    _stop: bool = field(default=False, init=False)

    def report(self, done: float, said: Text | None = None, best: Mapping[str, Any] | None = None) -> None:
        """Write down how far the job is."""
        now = time.monotonic()
        if now - self._told_at < _LOOK_EVERY_S and done < 1:
            return
        self._told_at = now
        values: dict[str, Any] = {"progress": min(max(done, 0.0), 1.0), "beat_at": datetime.now(UTC)}
        if said is not None:
            values["said"] = as_message(said)
        if best is not None:
            values["best"] = dict(best)
        with transaction(self.engine) as session:
            session.execute(update(Job).where(Job.id == self.job_id).values(values))

    def cancelled(self) -> bool:
        """Look whether somebody wants the job stopped."""
        now = time.monotonic()
        if not self._stop and now - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = now
            with reading(self.engine) as session:
                self._stop = bool(session.scalar(select(Job.cancel_asked).where(Job.id == self.job_id)))
        return self._stop


def run_job(engine: Engine, settings: Settings, kinds: Kinds, job_id: int) -> None:
    """Run one job that waits, and write down what came out; nothing when another worker has it."""
    job = _claim(engine, job_id)
    if job is None:
        return
    watch = JobWatch(engine, job_id)
    log.info("job begun", job=job_id, kind=job.kind)
    try:
        viewer = _viewer(engine, job)
        with _heartbeat(engine, settings, job_id):
            result = kinds[job.kind].work(JobContext(engine, settings, viewer, job_id, watch), dict(job.params))
        state = JobState.CANCELLED if watch.cancelled() else JobState.DONE
        _finish(engine, job_id, state, result=result)
    except StoppedError:
        _finish(engine, job_id, JobState.CANCELLED)
    except GridError as refusal:
        _finish(engine, job_id, JobState.FAILED, fault=as_message(refusal.text))
    except Exception:  # whatever a computation raises ends the job, not the worker
        log.exception("job failed", job=job_id, kind=job.kind)
        _finish(engine, job_id, JobState.FAILED, fault=as_message(T("The computation failed; the log tells why.")))


def sweep(engine: Engine, settings: Settings, queue: JobQueue) -> int:
    """Let jobs of dead workers wait again, and send a message for every job that waits; return how many wait."""
    lost_before = datetime.now(UTC) - timedelta(seconds=settings.job_lost_after_s)
    with transaction(engine) as session:
        running = session.scalars(select(Job).where(Job.state == JobState.RUNNING.value)).all()
        for job in running:
            if not (_is_dead(job.worker) or job.beat_at is None or job.beat_at < lost_before):
                continue
            job.worker = None
            if job.attempts >= MOST_ATTEMPTS:
                job.state, job.finished_at = JobState.FAILED.value, datetime.now(UTC)
                job.fault = as_message(T("The worker died {count} times during this computation.", count=job.attempts))
            else:
                job.state = JobState.WAITING.value
        session.flush()
        waiting = session.scalars(select(Job.id).where(Job.state == JobState.WAITING.value).order_by(Job.id)).all()
    if queue.waiting() < len(waiting):
        for job_id in waiting:
            queue.enqueue(job_id)
    return len(waiting)


def as_message(text: Text) -> dict[str, Any]:
    """A text as the table keeps it."""
    params = {
        name: value if isinstance(value, (int, float, str)) else str(value) for name, value in text.params.items()
    }
    return {"msgid": text.msgid, "params": params}


def said_in_words(message: Mapping[str, Any] | None) -> str:
    """A message of the table in the reader's language."""
    return "" if not message else str(Text(message["msgid"], message["params"]))


def _claim(engine: Engine, job_id: int) -> Job | None:
    now = datetime.now(UTC)
    with transaction(engine) as session:
        job = session.get(Job, job_id, with_for_update=True)
        if job is None or job.state != JobState.WAITING:
            return None
        job.state, job.worker, job.started_at, job.beat_at = JobState.RUNNING.value, _own_name(), now, now
        job.attempts += 1
        return job


def _finish(
    engine: Engine,
    job_id: int,
    state: JobState,
    *,
    result: dict[str, Any] | None = None,
    fault: dict[str, Any] | None = None,
) -> None:
    values: dict[str, Any] = {"state": state.value, "finished_at": datetime.now(UTC), "worker": None, "fault": fault}
    if result is not None:
        values["result"] = result
    if state is JobState.DONE:
        values["progress"] = 1.0
    with transaction(engine) as session:
        session.execute(update(Job).where(Job.id == job_id).values(values))


def _viewer(engine: Engine, job: Job) -> Viewer:
    """Who asked, with the rights of now."""
    if job.asked_by is None:
        return SHELL
    with reading(engine) as session:
        viewer = viewer_of_account(session, job.asked_by, datetime.now(UTC))
    if viewer is None:
        raise NotPermittedError(T("Whoever asked for this has no account any more."))
    return viewer


@contextmanager
def _heartbeat(engine: Engine, settings: Settings, job_id: int) -> Iterator[None]:
    """Say now and then that the worker lives."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(settings.job_lost_after_s / 4):
            try:
                with transaction(engine) as session:
                    session.execute(update(Job).where(Job.id == job_id).values(beat_at=datetime.now(UTC)))
            except OperationalError:  # the database is busy with something long: the next beat tells
                log.info("heartbeat missed", job=job_id)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _own_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_dead(worker: str | None) -> bool:
    """Say whether a worker of this machine is no more; one of another machine is judged by its heartbeat."""
    host, _colon, pid = (worker or "").rpartition(":")
    if host != socket.gethostname() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
