"""The copy of a day that a scenario is made on: units of land, borders, beats, officers, areas. It never changes."""

from __future__ import annotations

import hashlib
import zlib
from datetime import date

from pydantic import BaseModel, ConfigDict

FIRST_PROVISIONAL = 2_000_000_000
"""Ids from here on are of areas, and of parts of beats, that a draft of the land brings and no record has yet."""


class _Fixed(BaseModel):
    model_config = ConfigDict(frozen=True)


class Unit(_Fixed):
    """A compound, or a part of a very large one by buildings or by the sub-polygon of a part of a beat.

    `beat` is a position in `Inputs.beats`, -1 = nobody's. `x_m`, `y_m`: middle of its addresses, metric CRS.
    """

    area_id: int
    name: str
    village_id: int
    township_id: int
    buildings: tuple[str, ...] | None
    part_id: int | None
    beat: int
    migrants: int
    addresses: int
    rentals: int
    risky_rentals: int
    churn: int
    x_m: float
    y_m: float


class HeldBeat(_Fixed):
    """A beat of the day with its officer, if any; `village_id` is the area of the unit that it belongs to."""

    beat_id: int
    code: str
    name: str
    unit_id: int
    village_id: int
    officer_id: int | None
    badge_no: str | None
    officer: str | None
    form: str | None
    side: str | None
    role: str | None
    share: float


class Place(_Fixed):
    """An area from the township (or whatever the scenario is of) down to villages, and how difficult it is."""

    area_id: int
    code: str
    name: str
    level: str
    parent_id: int | None
    multiplier: float


class Outline(_Fixed):
    """A compound as a draft of the land draws it; `border` is WKB (lon-lat) in hexadecimal digits."""

    area_id: int
    code: str
    name: str
    border: str


class Share(_Fixed):
    """How many addresses and migrants of a unit are in which beat today.

    `beat` is a position in `Inputs.beats`, -1 = nobody's.
    """

    beat: int
    addresses: int
    migrants: int


class Inputs(_Fixed):
    """Everything that a scenario computes on.

    `edges`: pairs of units with a common border, and its metres; `metric_crs`: in which the units have their places.
    """

    day: date
    area_id: int
    area_name: str
    standard: int
    metric_crs: str
    units: tuple[Unit, ...]
    edges: tuple[tuple[int, int, float], ...]
    beats: tuple[HeldBeat, ...]
    places: tuple[Place, ...]

    @property
    def townships(self) -> list[int]:
        """Ids of the townships (or whatever holds the villages) that units lie in, in order."""
        return sorted({unit.township_id for unit in self.units})

    def place(self, area_id: int) -> Place | None:
        """The area of that id."""
        return next((place for place in self.places if place.area_id == area_id), None)


def packed(inputs: Inputs) -> tuple[bytes, str]:
    """The inputs as bytes to keep, and the SHA-256 of their text."""
    text = inputs.model_dump_json().encode()
    return zlib.compress(text, 6), hashlib.sha256(text).hexdigest()


def unpacked(stored: bytes) -> Inputs:
    """The inputs as they were kept."""
    return Inputs.model_validate_json(zlib.decompress(stored))
