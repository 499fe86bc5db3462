"""The worker process, and one that lives and dies with the site."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from gis_service.jobs.kinds import Kinds
from gis_service.jobs.queue import JobQueue
from gis_service.jobs.running import run_job, sweep
from gis_service.settings import Settings


def serve_jobs(engine: Engine, settings: Settings, kinds: Kinds) -> None:
    """Run jobs until the process is told to end; what a dead worker left is taken up first."""
    queue = JobQueue(settings)
    sweep(engine, settings, queue)

    def sweep_often() -> None:
        while True:
            time.sleep(settings.job_lost_after_s)
            sweep(engine, settings, queue)

    threading.Thread(target=sweep_often, daemon=True).start()
    queue.serve(lambda job_id: run_job(engine, settings, kinds, job_id))


def work_off(engine: Engine, settings: Settings, kinds: Kinds, queue: JobQueue) -> None:
    """Run every job that waits, in this process, and return."""
    sweep(engine, settings, queue)
    while queue.take(lambda job_id: run_job(engine, settings, kinds, job_id)):
        pass


@contextmanager
def worker_beside(settings: Settings) -> Iterator[None]:
    """A worker process for as long as the block runs; it ends by itself when this process dies."""
    said = {
        "GIS_DATA_DIR": str(settings.data_dir.absolute()),
        "GIS_METRIC_CRS": settings.metric_crs,
        "GIS_LOCALE": settings.locale,
        **({} if settings.database_url is None else {"GIS_DATABASE_URL": settings.database_url}),
    }
    command = [sys.executable, "-m", "gis_service", "worker", "--with-parent"]
    with subprocess.Popen(command, env={**os.environ, **said}, stdin=subprocess.PIPE) as process:  # noqa: S603 - our own command
        try:
            yield
        finally:
            process.terminate()


def end_with_parent() -> None:
    """Tell this process to end as soon as its standard input ends: when the parent is gone."""

    def wait() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
