"""One template of an address to its parts: numbers by the words that follow them, names by the gazetteer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gis_service.addresses.text.gazetteer import LEVELS, ROAD, Gazetteer, Place
from gis_service.addresses.text.templates import SLOT, Pattern, pattern_of

PARTS: Final = (
    "region", "district", "township", "village", "compound", "group", ROAD, "section", "lane", "alley", "number",
    "building", "unit", "floor", "room",
)  # fmt: skip
"""The parts in the order in which an address is written."""

NUMBERED_PARTS: Final = ("group", *PARTS[PARTS.index(ROAD) + 1 :])
"""The parts that are numbers, with the word that says of what."""

_ALONG_A_ROAD: Final = ("section", "lane", "alley", "number")
_PART_OF_WORD: Final = {
    "组": "group", "邻": "group", "段": "section", "弄": "lane", "巷": "lane", "支弄": "alley", "号": "number",
    "幢": "building", "单元": "unit", "楼": "floor", "室": "room",
}  # fmt: skip
_SLOTS: Final = f"{SLOT}(?:-{SLOT})*"
_NUMBERED: Final = re.compile(
    f"(?:[临臨](?={_SLOTS}号)|(?:地下|底)(?={_SLOTS}楼))?{_SLOTS}(支弄|弄|巷|号|幢|单元|楼|室|组|邻|段)"
)
_BARE: Final = re.compile(_SLOTS)
_FLOOR: Final = re.compile(f"(?:地下|底|顶|頂)楼(?:之{SLOT})?")
_REGION: Final = re.compile(r"(?:[^\W\d]{2,7}?(?:省|自治区))?(?:[^\W\d]{2,7}?市)?")
_BARE_READINGS: Final = {
    1: (("number", "building", "unit", "floor"), (("room", "室"),)),
    2: (("building",), (("unit", "单元"), ("room", "室"))),
    3: ((ROAD, *_ALONG_A_ROAD, "compound"), (("building", "幢"), ("unit", "单元"), ("room", "室"))),
}
"""How many numbers without a word: after which parts they are understood, and as what."""


class Unknown(NamedTuple):
    """A piece that was not understood."""

    piece: str
    first_slot: int
    names_a_road: bool
    """It stands before a number along a road, and no road was known."""


@dataclass
class Taken:
    """A template taken apart."""

    patterns: dict[str, Pattern] = field(default_factory=dict)
    places: dict[str, tuple[Place, ...]] = field(default_factory=dict)
    unknown: list[Unknown] = field(default_factory=list)

    def code(self, level: str) -> str | None:
        """Return the code of the area that the name of `level` stands for, None when that is not certain."""
        candidates = self.places.get(level, ())
        above = LEVELS[LEVELS.index(level) - 1]
        if self.places.get(above):
            parents = {place.code for place in self.places[above]}
            candidates = tuple(place for place in candidates if place.parent_code in parents)
        return candidates[0].code if len(candidates) == 1 else None

    def rest(self, names: Mapping[str, str]) -> Pattern:
        """Return the pattern of what was not understood, pieces apart by a space."""
        pattern: Pattern = ()
        for piece in self.unknown:
            pattern += ((" ",) if pattern else ()) + pattern_of(piece.piece, piece.first_slot, names)
        return pattern


class _Step(NamedTuple):
    """What was recognised: how much of the template, and as which parts."""

    length: int
    patterns: dict[str, Pattern]
    places: tuple[Place, ...] = ()


def take_apart(template: str, gazetteer: Gazetteer) -> Taken:
    """Take one template apart from left to right, the longest name first; every part is taken once."""
    taken = Taken()
    position = slot = start = start_slot = 0
    last = ""
    while position <= len(template):
        step = (
            _next_step(template, position, slot, last, taken, gazetteer) if position < len(template) else _Step(1, {})
        )
        if step is None:
            slot += template[position] == SLOT
            position, last = position + 1, ""
            continue
        if start < position:
            _keep_unknown(taken, Unknown(template[start:position], start_slot, _names_a_road(taken, step)), step)
        taken.patterns.update(step.patterns)
        if step.places:
            taken.places[step.places[0].kind] = step.places
        slot += template.count(SLOT, position, position + step.length)
        position += step.length
        start, start_slot, last = position, slot, next(reversed(step.patterns), last)
    return taken


def _names_a_road(taken: Taken, step: _Step) -> bool:
    return ROAD not in taken.patterns and any(part in _ALONG_A_ROAD for part in step.patterns)


def _keep_unknown(taken: Taken, unknown: Unknown, step: _Step) -> None:
    if "district" in step.patterns and not taken.patterns and _REGION.fullmatch(unknown.piece):
        taken.patterns["region"] = (unknown.piece,)
    else:
        taken.unknown.append(unknown)


def _next_step(template: str, position: int, slot: int, last: str, taken: Taken, gazetteer: Gazetteer) -> _Step | None:
    if template[position] == "-" and last in NUMBERED_PARTS and _NUMBERED.match(template, position + 1):
        return _Step(1, {})
    for step in (
        _numbered(template, position, slot, taken),
        _bare(template, position, slot, last),
        _name(template, position, taken, gazetteer),
        _floor(template, position, slot),
    ):
        if step is not None and not any(part in taken.patterns for part in step.patterns):
            return step
    return None


def _numbered(template: str, position: int, slot: int, taken: Taken) -> _Step | None:
    match = _NUMBERED.match(template, position)
    if match is None:
        return None
    part = _PART_OF_WORD[match[1]]
    if part == "lane" and "lane" in taken.patterns:
        part = "alley"
    return _Step(len(match[0]), {part: pattern_of(match[0], slot, {})})


def _bare(template: str, position: int, slot: int, last: str) -> _Step | None:
    match = _BARE.match(template, position)
    if match is None or template.startswith("-", match.end()) or _NUMBERED.match(template, position):
        return None
    after, readings = _BARE_READINGS.get(match[0].count(SLOT), ((), ()))
    if last not in after:
        return None
    return _Step(len(match[0]), {part: (slot + place, word) for place, (part, word) in enumerate(readings)})


def _name(template: str, position: int, taken: Taken, gazetteer: Gazetteer) -> _Step | None:
    for written, name in gazetteer.names_at(template, position):
        for place in gazetteer.places[name]:
            if place.kind not in taken.patterns:
                same_kind = tuple(other for other in gazetteer.places[name] if other.kind == place.kind)
                return _Step(len(written), {place.kind: (name,)}, same_kind)
    return None


def _floor(template: str, position: int, slot: int) -> _Step | None:
    match = _FLOOR.match(template, position)
    return None if match is None else _Step(len(match[0]), {"floor": pattern_of(match[0], slot, {})})
