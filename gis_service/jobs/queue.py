"""The queue between the web process and the workers: huey, in a SQLite file or in the PostgreSQL database.

It carries numbers of jobs and nothing else; what a job is and how far it is stands in the table `job`. A message may be
lost or come twice: workers claim a job before they run it, and call up jobs that wait without a message.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from gis_service.settings import Settings

if TYPE_CHECKING:
    from huey import Huey

SCHEMA = "huey"
"""PostgreSQL schema of the queue's own tables (made by our migrations, filled by huey)."""


class JobQueue:
    """The queue of one deployment; connects when it is first used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._perform: Callable[[int], None] = _in_no_worker

    @cached_property
    def huey(self) -> Huey:
        """Huey on the storage that goes with the database."""
        from huey import SqliteHuey
        from huey.contrib.sql_huey import SqlHuey
        from peewee import PostgresqlDatabase

        url = make_url(self._settings.url)
        if url.get_backend_name() == "sqlite":
            self._settings.data_dir.mkdir(parents=True, exist_ok=True)
            return SqliteHuey("jobs", filename=str(self._settings.data_dir / "jobs.sqlite"), results=False)
        said = {**url.translate_connect_args(username="user", database="dbname"), **dict(url.query)}
        name = said.pop("dbname")
        database = PostgresqlDatabase(name, **said, options=f"-c search_path={SCHEMA}", prefer_psycopg3=True)
        return SqlHuey("jobs", database=database, results=False)

    @cached_property
    def _run(self) -> Callable[[int], object]:
        """The one task, registered under the same name in every process."""

        def run_job(job_id: int) -> None:
            self._perform(job_id)

        made: Callable[[int], object] = self.huey.task(name="run_job")(run_job)
        return made

    def enqueue(self, job_id: int) -> None:
        """Let a worker know that a job waits."""
        try:
            self._run(job_id)
        finally:
            self.huey.storage.close()

    def waiting(self) -> int:
        """How many messages wait."""
        try:
            return int(self.huey.pending_count())
        finally:
            self.huey.storage.close()

    def serve(self, perform: Callable[[int], None]) -> None:
        """Run jobs until the process is told to end."""
        self._perform = perform
        self._run  # noqa: B018 - registers the task
        consumer = self.huey.create_consumer(
            workers=self._settings.job_workers, worker_type="thread", initial_delay=0.1, max_delay=1.0, periodic=False
        )
        consumer.run()

    def take(self, perform: Callable[[int], None]) -> bool:
        """Run the next job in this process; False when no message waits."""
        self._perform = perform
        self._run  # noqa: B018 - registers the task
        try:
            message = self.huey.dequeue()
            if message is not None:
                self.huey.execute(message)
            return message is not None
        finally:
            self.huey.storage.close()


def _in_no_worker(_job_id: int) -> None:
    """The web process hands jobs on and runs none."""
    msg = "jobs are run by workers"
    raise RuntimeError(msg)
