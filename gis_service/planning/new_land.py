"""What a plan becomes when the land beneath it is drawn anew: units, beats and marks go over. Pure."""

from __future__ import annotations

from itertools import product

import numpy as np

from gis_service.planning.edits import Boundary, Redrawn
from gis_service.planning.inputs import Inputs
from gis_service.planning.plans import Marks, Pair, Plan, plan_of_today


def lay_new_land(plan: Plan, edit: Boundary | Redrawn) -> None:
    """Put a plan on the land of a draft.

    What was in another beat than today stays there, with whatever became of it; the rest is in the beat in which the
    change of the land itself leaves it. What was drawn of the former units is no more, where any of them changes.
    A step of before the land was looked at (`Boundary`) draws nothing anew.
    """
    plan.boundaries.append(edit.land_change_id)
    if isinstance(edit, Boundary):
        return
    plan.outlines |= {outline.area_id: outline for outline in edit.outlines}
    plan.parts |= {part.part_id: part for part in edit.parts}
    former, was = plan.inputs, plan.beat_of
    in_force = plan_of_today(former).beat_of
    dropped = set(edit.dropped)
    stays = [number for number in range(len(former.units)) if number not in dropped]
    plan.copied = plan.copied or former
    plan.inputs = _after(former, edit, stays)
    fresh = plan_of_today(plan.inputs)
    for key, beat in fresh.beats.items():
        if key not in plan.beats and int(key[1:]) in {held.beat_id for held in edit.beats}:
            plan.beats[key] = beat
            if beat.staff is not None and beat.staff not in plan.gone:
                plan.staff.setdefault(beat.staff, fresh.staff[beat.staff])
    beat_of = [was[number] for number in stays]
    for place, source in enumerate(edit.came_from, start=len(stays)):
        beat_key = fresh.beat_of[place]
        if source is not None and was[source] != in_force[source]:
            beat_key = was[source]
        beat_of.append(beat_key if beat_key in plan.beats else None)
    plan.beat_of = beat_of
    now = {number: [place] for place, number in enumerate(stays)}
    for place, source in enumerate(edit.came_from, start=len(stays)):
        if source is not None:
            now.setdefault(source, []).append(place)
    kept = {now[number][0]: shares for number, shares in plan.shares.items() if number not in dropped}
    begun = {place: shares for place, shares in enumerate(edit.shares, start=len(stays)) if shares}
    plan.shares = kept | begun
    if edit.dropped or edit.units:
        plan.marks, plan.drawn = _marks(plan, now), None
    townships = plan.inputs.townships
    plan.headcount = {area_id: posts for area_id, posts in plan.headcount.items() if area_id in townships}


def _after(former: Inputs, edit: Redrawn, stays: list[int]) -> Inputs:
    place = {number: position for position, number in enumerate(stays)}
    kept = [(place[a], place[b], metres) for a, b, metres in former.edges if a in place and b in place]
    changed = {each.area_id: each for each in edit.places}
    places = [changed.pop(each.area_id, each) for each in former.places if each.area_id not in edit.gone_places]
    return former.model_copy(
        update={
            "units": (*(former.units[number] for number in stays), *edit.units),
            "edges": tuple(sorted([*kept, *edit.edges])),
            "beats": (*former.beats, *edit.beats),
            "places": (*places, *changed.values()),
        }
    )


def _marks(plan: Plan, now: dict[int, list[int]]) -> Marks:
    """Locks and barriers hold for all that units became; a bridge joins those of them that lie nearest."""

    def pairs(one: int, other: int) -> list[Pair]:
        ends = product(now.get(one, ()), now.get(other, ()))
        return sorted({(min(a, b), max(a, b)) for a, b in ends if a != b})

    def apart(pair: Pair) -> float:
        one, other = (plan.inputs.units[unit] for unit in pair)
        return float(np.hypot(one.x_m - other.x_m, one.y_m - other.y_m))

    bridges = [pairs(*pair) for pair in plan.marks.bridges]
    return Marks(
        locks={unit for lock in plan.marks.locks for unit in now.get(lock, ()) if plan.beat_of[unit] is not None},
        bridges={min(ends, key=apart) for ends in bridges if ends},
        barriers={pair for barrier in plan.marks.barriers for pair in pairs(*barrier)},
    )
