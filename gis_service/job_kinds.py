"""Every kind of job that the workers know, by name."""

from __future__ import annotations

from typing import Final

from gis_service.addresses.assigning import ASSIGN_ADDRESSES
from gis_service.jobs.kinds import JobKind
from gis_service.planning.computing import DRAW_BEATS
from gis_service.registers.quarters.matching_jobs import MATCH_REGISTERS

_KINDS: tuple[JobKind, ...] = (ASSIGN_ADDRESSES, DRAW_BEATS, MATCH_REGISTERS)
JOB_KINDS: Final[dict[str, JobKind]] = {kind.name: kind for kind in _KINDS}
