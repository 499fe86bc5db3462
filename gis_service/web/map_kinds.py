"""The maps that can be asked for: known to the shell before anything that draws is loaded."""

from __future__ import annotations

from enum import StrEnum


class MapKind(StrEnum):
    """The maps that can be asked for."""

    COVERAGE = "coverage"
    HOTSPOTS = "hotspots"
    MISMATCHES = "mismatches"
    BEATS = "beats"
    QUARTER = "quarter"
    TOPOLOGY = "topology"
    ADDRESSES = "addresses"
