"""The names that addresses of a district are made of: its areas, from the tree, and its roads, from the addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from gis_service.addresses.text.normalise import normalise, normalise_text

ROAD: Final = "road"
LEVELS: Final = ("district", "township", "village", "compound")
KINDS: Final = (*LEVELS, ROAD)
"""What a name may be the name of, the widest first."""

_STAND_INS: Final = 0x100000
"""A name that holds digits is one character of this private plane while a text is taken apart."""


@dataclass(frozen=True)
class Place:
    """What a name stands for; a road has neither code nor parent."""

    kind: str
    code: str | None = None
    parent_code: str | None = None


@dataclass(frozen=True)
class Gazetteer:
    """Normalised names and what each of them may stand for."""

    places: Mapping[str, tuple[Place, ...]]
    stand_ins: Mapping[str, str] = field(init=False, repr=False)
    _by_first: Mapping[str, tuple[tuple[str, str], ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        with_digits = sorted(
            (name for name in self.places if any(character in "0123456789" for character in name)),
            key=lambda name: (-len(name), name),
        )
        stand_ins = {name: chr(_STAND_INS + position) for position, name in enumerate(with_digits)}
        by_first: dict[str, list[tuple[str, str]]] = {}
        for name in sorted(self.places, key=len, reverse=True):
            written = stand_ins.get(name, name)
            by_first.setdefault(written[0], []).append((written, name))
        object.__setattr__(self, "stand_ins", stand_ins)
        object.__setattr__(self, "_by_first", {first: tuple(names) for first, names in by_first.items()})

    @classmethod
    def from_areas(cls, areas: pd.DataFrame, roads: Iterable[str] = ()) -> Gazetteer:
        """Take the names of an AREAS frame (`code`, `name`, `level`, `parent_id`; index `area_id`) and of `roads`.

        An area whose name is its code has no name that an address would say, and is left out.
        """
        named = areas[areas["name"].ne(areas["code"]) & areas["name"].str.len().gt(1)]
        parents = named["parent_id"].map(areas["code"]).astype("object")
        places: dict[str, list[Place]] = {}
        for name, level, code, parent in zip(
            normalise(named["name"]), named["level"], named["code"], parents.where(parents.notna(), None), strict=True
        ):
            places.setdefault(name, []).append(Place(level, code, parent))
        found = cls({name: tuple(sorted(held, key=_breadth)) for name, held in places.items() if name})
        return found.with_roads(roads)

    def with_roads(self, roads: Iterable[str]) -> Gazetteer:
        """Return a gazetteer that also knows these roads."""
        places = dict(self.places)
        for road in map(normalise_text, roads):
            held = places.get(road, ())
            if road and not any(place.kind == ROAD for place in held):
                places[road] = (*held, Place(ROAD))
        return Gazetteer(places)

    def without(self, kind: str) -> Gazetteer:
        """Return a gazetteer that does not know names of this kind."""
        kept = {name: tuple(place for place in held if place.kind != kind) for name, held in self.places.items()}
        return Gazetteer({name: held for name, held in kept.items() if held})

    def names_at(self, text: str, position: int) -> Iterator[tuple[str, str]]:
        """Yield the known names that `text` has at `position`, the longest first: as written there, and the name."""
        for written, name in self._by_first.get(text[position], ()):
            if text.startswith(written, position):
                yield written, name


def _breadth(place: Place) -> tuple[int, str]:
    return KINDS.index(place.kind), place.code or ""
