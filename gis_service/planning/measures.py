"""What a plan means in figures: loads of beats, coverage of areas, who changes, and what it costs a year. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gis_service.planning.plans import Plan, handed_on, plan_of_today
from gis_service.settings import Settings

HISTOGRAM_EDGES = (0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.5, 1.75, 2.0)
"""Edges of the classes of the load histogram, in shares of the standard."""


@dataclass(frozen=True)
class Measures:
    """The figures of one plan, as JSON takes them.

    `beats`: key, name, village, officer, migrants, addresses, changed; `areas`: id, name, level, migrants, officers,
    required, missing, load, coverage, weighted_missing; `total`: the same for all and what changes; `histogram`:
    beats per class of load.
    """

    beats: list[dict[str, Any]]
    areas: list[dict[str, Any]]
    total: dict[str, Any]
    histogram: list[dict[str, Any]]


def measured(plan: Plan, settings: Settings, *, only: Collection[int] | None = None) -> Measures:
    """Measure a plan against today's.

    Parameters
    ----------
    only
        Compounds that the viewer may see; None = all. Figures are of these alone.
    """
    inputs = plan.inputs
    units = [n for n, unit in enumerate(inputs.units) if only is None or unit.area_id in only]
    today = plan_of_today(inputs)
    migrants: dict[str, int] = {}
    addresses: dict[str, int] = {}
    for number in units:
        key = plan.beat_of[number]
        if key is not None:
            migrants[key] = migrants.get(key, 0) + inputs.units[number].migrants
            addresses[key] = addresses.get(key, 0) + inputs.units[number].addresses
    shown = [beat for beat in plan.beats.values() if only is None or beat.key in addresses]
    changed = [n for n in units if plan.beat_of[n] != today.beat_of[n]]
    shown_units = set(units)
    handed = [each for each in handed_on(plan) if each.unit in shown_units]
    touched = {plan.beat_of[n] for n in changed} | {today.beat_of[n] for n in changed}
    beats = []
    for beat in shown:
        holder = plan.staff.get(beat.staff) if beat.staff else None
        beats.append(
            {
                "key": beat.key,
                "name": beat.name,
                "village_id": beat.village_id,
                "officer": holder.name if holder else None,
                "badge_no": holder.badge_no if holder else None,
                "is_recruit": holder is not None and holder.officer_id is None,
                "migrants": migrants.get(beat.key, 0),
                "addresses": addresses.get(beat.key, 0),
                "changed": beat.key in touched,
            }
        )
    areas = _areas(plan, units, migrants)
    loads = np.array([beat["migrants"] for beat in beats if beat["officer"] is not None], dtype=float)
    people = sum(inputs.units[n].migrants for n in units)
    officers = len({beat.staff for beat in shown if beat.staff})
    required = math.ceil(people / inputs.standard)
    total = {
        "migrants": people,
        "officers": officers,
        "beats": len(shown),
        "vacant": sum(beat["officer"] is None for beat in beats),
        "required": required,
        "missing": max(required - officers, 0),
        "load": round(people / officers, 1) if officers else None,
        "coverage": round(officers * inputs.standard / people, 4) if people else None,
        "worst_load": float(loads.max()) if len(loads) else None,
        "least_load": float(loads.min()) if len(loads) else None,
        "spread": round(float(loads.std() / loads.mean()), 4) if len(loads) and loads.mean() else None,
        "weighted_missing": round(sum(a["weighted_missing"] for a in areas if a["is_township"]), 2),
        "changed_units": len(changed),
        "changed_addresses": sum(each.addresses for each in handed),
        "changed_migrants": sum(each.migrants for each in handed),
        "changed_beats": len(touched - {None}),
        **costs_yuan(plan, [beat.staff for beat in shown if beat.staff], settings),
    }
    return Measures(beats, areas, total, _histogram(loads, inputs.standard))


def costs_yuan(plan: Plan, holders: Collection[str], settings: Settings) -> dict[str, int]:
    """What those who hold beats cost a year (`cost_yuan`): pay of either form with bonus, and leaders' allowances."""
    people = [plan.staff[key] for key in sorted(set(holders)) if key in plan.staff]
    transitioned = sum(each.form == "transitioned" for each in people)
    others = len(people) - transitioned
    parts = {
        "cost_transitioned_yuan": transitioned * settings.pay_transitioned_yuan,
        "cost_not_transitioned_yuan": others
        * (settings.pay_not_transitioned_yuan + settings.bonus_not_transitioned_yuan),
        "cost_allowance_yuan": sum(
            settings.leader_allowance_yuan.get(each.level, 0) for each in people if each.role == "leader"
        ),
    }
    return {"cost_yuan": sum(parts.values()), **parts}


def _areas(plan: Plan, units: list[int], of_beat: dict[str, int]) -> list[dict[str, Any]]:
    """Figures of townships and villages; an officer counts where the beat's people live, in proportion."""
    inputs = plan.inputs
    count: dict[str, int] = {}
    for number in units:
        key = plan.beat_of[number]
        if key is not None:
            count[key] = count.get(key, 0) + 1
    people: dict[int, int] = {}
    force: dict[int, float] = {}
    shares: dict[str, int] = {}
    for beat in plan.beats.values():
        if beat.staff:
            shares[beat.staff] = shares.get(beat.staff, 0) + 1
    for number in units:
        unit, key = inputs.units[number], plan.beat_of[number]
        fte = 0.0
        if key is not None and (holder := plan.beats[key].staff) is not None:
            weight = unit.migrants / of_beat[key] if of_beat[key] else 1 / count[key]
            fte = weight / shares[holder]
        for area_id in {unit.village_id, unit.township_id}:
            people[area_id] = people.get(area_id, 0) + unit.migrants
            force[area_id] = force.get(area_id, 0.0) + fte
    townships = set(inputs.townships)
    found = []
    for place in inputs.places:
        if place.area_id not in people:
            continue
        migrants, officers = people[place.area_id], force[place.area_id]
        required = math.ceil(migrants / inputs.standard)
        missing = max(math.ceil(round(required - officers, 6)), 0)
        found.append(
            {
                "area_id": place.area_id,
                "name": place.name,
                "level": place.level,
                "is_township": place.area_id in townships,
                "migrants": migrants,
                "officers": round(officers, 2),
                "required": required,
                "missing": missing,
                "load": round(migrants / officers, 1) if officers > 1e-9 else None,
                "coverage": round(officers * inputs.standard / migrants, 4) if migrants else None,
                "weighted_missing": round(missing * place.multiplier, 2),
            }
        )
    return found


def _histogram(loads: np.ndarray, standard: int) -> list[dict[str, Any]]:
    edges = [-1.0, *(share * standard for share in HISTOGRAM_EDGES), math.inf]
    return [
        {
            "from": max(low, 0.0),
            "to": None if math.isinf(high) else high,
            "beats": int(((loads > low) & (loads <= high)).sum()),
        }
        for low, high in pairwise(edges)
    ]
