"""What a job may do: the kinds that features register, and what each is given while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Engine

from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.settings import Settings
from gis_service.texts import Text


class StoppedError(Exception):
    """Somebody asked the job to stop, and it has left nothing behind."""


class Watch(Protocol):
    """How a running job tells how far it is and learns that it is to stop."""

    def report(self, done: float, said: Text | None = None, best: Mapping[str, Any] | None = None) -> None:
        """Tell the share of the work done (0-1), what is being done, and the best result so far."""

    def cancelled(self) -> bool:
        """Say whether somebody wants it stopped; asks the database every half second at most."""


@dataclass(frozen=True)
class JobContext:
    """What a job works with: the database, for whom, and its watch."""

    engine: Engine
    settings: Settings
    viewer: Viewer
    job_id: int
    watch: Watch


Work = Callable[[JobContext, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class JobKind:
    """A kind of job: what people read, who may ask for it, and what it does with its parameters.

    `work` returns its result as JSON takes it. It must bear to be begun anew: a worker may die at any moment.
    """

    name: str
    title: Text
    permission: Permission
    work: Work


Kinds = Mapping[str, JobKind]
