"""What a scenario comes to: beats, the beat of each unit, the people, and what the drawing has to respect. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gis_service.planning.edits import PartNumber
from gis_service.planning.inputs import Inputs, Outline, Share


@dataclass(frozen=True)
class Staff:
    """Somebody who can hold a beat: an officer on record, or a recruit (`officer_id` None) from `from_day` on.

    `level` is that of the area whose unit the beat belongs to: leaders get the allowance of it.
    """

    key: str
    name: str
    badge_no: str | None
    form: str
    side: str
    role: str = "member"
    level: str = "village"
    officer_id: int | None = None
    from_day: date | None = None
    township_id: int | None = None

    @property
    def is_named(self) -> bool:
        """Say whether it is known who it is."""
        return self.badge_no is not None


@dataclass(frozen=True)
class PlanBeat:
    """A beat of a plan: `key` is `b<id>` for one on record; `staff` is who holds it."""

    key: str
    name: str
    village_id: int
    staff: str | None


Pair = tuple[int, int]


@dataclass
class Marks:
    """What people asked the drawing to respect: units that stay, and pairs (lower first) joined or parted."""

    locks: set[int] = field(default_factory=set)
    bridges: set[Pair] = field(default_factory=set)
    barriers: set[Pair] = field(default_factory=set)


@dataclass(frozen=True)
class HandedOn:
    """Addresses of a unit whose officer is another than today; not all of them when `is_part`."""

    unit: int
    before: str | None
    after: str | None
    addresses: int
    migrants: int
    is_part: bool


@dataclass
class Plan:
    """Beats by key, the beat of each unit (None = nobody's), and the people.

    Where the plan counts on a draft of the land, `inputs` are as after it; `copied` are those of the day, `outlines`
    the compounds that are drawn anew, `parts` what provisional ids of parts stand for, and `shares` tell, by unit,
    whose its addresses are today where they are not all in one beat.
    """

    inputs: Inputs
    beats: dict[str, PlanBeat]
    beat_of: list[str | None]
    staff: dict[str, Staff]
    gone: set[str] = field(default_factory=set)
    boundaries: list[int] = field(default_factory=list)
    headcount: dict[int, int] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    drawn: dict[str, Any] | None = None
    steps: int = 0
    copied: Inputs | None = None
    outlines: dict[int, Outline] = field(default_factory=dict)
    parts: dict[int, PartNumber] = field(default_factory=dict)
    shares: dict[int, list[Share]] = field(default_factory=dict)

    @property
    def today(self) -> Plan:
        """The plan that is in force on the day of the copy, on the land of that day."""
        return plan_of_today(self.copied or self.inputs)

    @property
    def free_recruits(self) -> list[Staff]:
        """Recruits who hold no beat, in the order of their hiring."""
        busy = {beat.staff for beat in self.beats.values()}
        return [each for each in self.staff.values() if each.officer_id is None and each.key not in busy]

    def holder(self, unit: int) -> str | None:
        """Who answers for a unit."""
        key = self.beat_of[unit]
        return None if key is None else self.beats[key].staff


def plan_of_today(inputs: Inputs) -> Plan:
    """The plan that is in force on the day of the inputs."""
    beats, staff = {}, {}
    levels = {place.area_id: place.level for place in inputs.places}
    for held in inputs.beats:
        person = None
        if held.officer_id is not None:
            person = f"o{held.officer_id}"
            staff[person] = Staff(
                key=person,
                name=held.officer or "",
                badge_no=held.badge_no,
                form=held.form or "",
                side=held.side or "",
                role=held.role or "member",
                level=levels.get(held.village_id, "compound"),
                officer_id=held.officer_id,
            )
        key = f"b{held.beat_id}"
        beats[key] = PlanBeat(key, held.name, held.village_id, person)
    keys = [f"b{held.beat_id}" for held in inputs.beats]
    return Plan(inputs, beats, [None if unit.beat < 0 else keys[unit.beat] for unit in inputs.units], staff)


def handed_on(plan: Plan) -> list[HandedOn]:
    """Which addresses have another officer than today, unit by unit."""
    today = plan_of_today(plan.inputs)
    holder_of = [today.beats[f"b{held.beat_id}"].staff for held in plan.inputs.beats]
    found = []
    for number, unit in enumerate(plan.inputs.units):
        after, shares = plan.holder(number), plan.shares.get(number)
        whole = Share(beat=unit.beat, addresses=unit.addresses, migrants=unit.migrants)
        for share in shares or [whole]:
            before = holder_of[share.beat] if share.beat >= 0 else None
            if before != after:
                some = HandedOn(number, before, after, share.addresses, share.migrants, is_part=bool(shares))
                found.append(some)
    return found


def new_beat_key(plan: Plan, taken: Iterable[str] = ()) -> str:
    """A key that no beat of the plan has."""
    numbers = [int(key[1:]) for key in (*plan.beats, *taken) if key.startswith("n")]
    return f"n{max(numbers, default=0) + 1}"
