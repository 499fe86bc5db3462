"""What can be exported; apart, so that a list of commands needs nothing else."""

from __future__ import annotations

from enum import StrEnum


class ExportKind(StrEnum):
    """What can be exported."""

    AREAS = "areas"
    UNITS = "units"
    OFFICERS = "officers"
    BEATS = "beats"
    ADDRESSES = "addresses"
    UNRESOLVED = "unresolved"
    COVERAGE = "coverage"
    RENTALS = "rentals"
    MISMATCHES = "mismatches"
    TOPOLOGY = "topology"
    STAFFING = "staffing"
