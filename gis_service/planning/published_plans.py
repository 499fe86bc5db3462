"""Figures of plans as their reader may see them (docs/decisions/0012-small-counts.md). Pure.

Rows of `Measures` have two keys more: `withheld`, the names of the figures that are None because they are withheld, and
`withheld_mark`, what is shown instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from gis_service.planning.measures import Measures, measured
from gis_service.planning.plans import Plan
from gis_service.planning.scenarios import Seen
from gis_service.planning.showing import reasons_in_words
from gis_service.registers.withholding import hidden_counts, mark
from gis_service.settings import Settings

_OF_AREA = ("migrants", "required", "missing", "load", "coverage", "weighted_missing", "officers")
_OF_CHANGE = ("changed_migrants",)
_OF_PEOPLE = ("migrants", "required", "missing", "load", "coverage", "weighted_missing")
_OF_LEAST = ("least_load", "spread")


def published_measures(found: Seen, plan: Plan, settings: Settings) -> Measures:
    """`measured` as the reader may see it."""
    exact = measured(plan, settings, only=found.only)
    if not found.across:
        return _all_shown(exact)
    areas, beats = _hidden_areas(plan, exact, settings), withheld_beats(found, plan, settings)
    officers = _telling_areas(plan, areas)
    total: list[str] = []
    if _few(exact.total["migrants"], settings):
        total += _OF_PEOPLE
    if _few(exact.total["changed_migrants"], settings):
        total += _OF_CHANGE
    if any(beat["key"] in beats for beat in exact.beats if beat["officer"] is not None):
        total += _OF_LEAST
    said = mark()
    return replace(
        exact,
        beats=[_without(beat, ["migrants"] if beat["key"] in beats else [], said) for beat in exact.beats],
        areas=[
            _without(
                area,
                list(_OF_AREA)
                if area["area_id"] in areas
                else ["officers", "load", "coverage", "missing", "weighted_missing"]
                if area["area_id"] in officers
                else [],
                said,
            )
            for area in exact.areas
        ],
        total=_without(exact.total, total, said),
    )


def withheld_beats(found: Seen, plan: Plan, settings: Settings) -> frozenset[str]:
    """Beats whose people are withheld.

    Small ones and all that share a village with one; those in a withheld village; and those that change when only a few
    people change hands, since the same beat is shown before and after.
    """
    if not found.across:
        return frozenset()
    exact = measured(plan, settings, only=found.only)
    people = {beat["key"]: beat["migrants"] for beat in exact.beats}
    villages: dict[str, set[int]] = {}
    for number, unit in enumerate(plan.inputs.units):
        key = plan.beat_of[number]
        if key is not None and (found.only is None or unit.area_id in found.only):
            villages.setdefault(key, set()).add(unit.village_id)
    small = {key for key, count in people.items() if _few(count, settings)}
    told = set(_hidden_areas(plan, exact, settings)).union(*(villages.get(key, set()) for key in small))
    gone = small | {key for key, held in villages.items() if held & told}
    if _few(exact.total["changed_migrants"], settings):
        gone |= {beat["key"] for beat in exact.beats if beat["changed"]}
    return frozenset(gone)


def published_reasons(found: Seen, plan: Plan, settings: Settings) -> list[tuple[int, list[str]]]:
    """`reasons_in_words` as the reader may see them: what a handful of people does to a share would tell how many."""
    told = reasons_in_words(plan, only=found.only)
    if not found.across:
        return told
    return [(unit, texts) for unit, texts in told if not _few(plan.inputs.units[unit].migrants, settings)]


def marked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for a page: the mark in place of what is withheld."""
    return {**row, **dict.fromkeys(row["withheld"], row["withheld_mark"])}


def _all_shown(exact: Measures) -> Measures:
    return replace(
        exact,
        beats=[_without(beat, [], None) for beat in exact.beats],
        areas=[_without(area, [], None) for area in exact.areas],
        total=_without(exact.total, [], None),
    )


def _without(row: Mapping[str, Any], names: Collection[str], said: str | None) -> dict[str, Any]:
    return {**row, **dict.fromkeys(names), "withheld": list(names), "withheld_mark": said if names else None}


def _few(count: int, settings: Settings) -> bool:
    return 0 < count < settings.suppress_below


def _hidden_areas(plan: Plan, exact: Measures, settings: Settings) -> frozenset[int]:
    """Townships and villages of a plan whose people are withheld."""
    township_of = {unit.village_id: unit.township_id for unit in plan.inputs.units}
    rows = {
        area["area_id"]: {
            "parent_id": None if area["is_township"] else township_of.get(area["area_id"]),
            "migrants": area["migrants"],
        }
        for area in exact.areas
    }
    if not rows:
        return frozenset()
    frame = pd.DataFrame.from_dict(rows, orient="index").astype({"parent_id": "Int64", "migrants": "Int64"})
    hidden = hidden_counts(frame, ["migrants"], settings)["migrants"]
    return frozenset(hidden.index[hidden].tolist())


def _telling_areas(plan: Plan, hidden: frozenset[int]) -> frozenset[int]:
    """Areas whose share of an officer tells how the people of a beat are spread over a withheld area and others."""
    inside: dict[str, set[int]] = {}
    for number, unit in enumerate(plan.inputs.units):
        key = plan.beat_of[number]
        if key is not None:
            inside.setdefault(key, set()).update((unit.village_id, unit.township_id))
    return frozenset(area for areas in inside.values() if areas & hidden for area in areas) - frozenset(
        plan.inputs.townships if len(plan.inputs.townships) == 1 else ()
    )
