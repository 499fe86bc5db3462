"""Every kind of job that the workers know, by name."""

from __future__ import annotations

from typing import Final

from gis_service.jobs.kinds import JobKind
from gis_service.planning.computing import DRAW_BEATS

_KINDS: tuple[JobKind, ...] = (DRAW_BEATS,)
JOB_KINDS: Final[dict[str, JobKind]] = {kind.name: kind for kind in _KINDS}
