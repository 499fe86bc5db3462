"""What a change of the land does to the units of a plan: found by carrying it out and taking it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.areas.change_kinds import asked_of
from gis_service.areas.queries import area_names, areas
from gis_service.areas.tables import AreaLevel, AreaVersion, ChangeState, LandChange
from gis_service.changes.carrying_out import CarriedOut, carry_out
from gis_service.errors import ConflictError
from gis_service.intake.subject import Mode
from gis_service.planning.copying import (
    borders_of,
    held_beats,
    inside_of,
    middles_m,
    parents_in,
    pieces_in,
    units_from,
)
from gis_service.planning.difficulty import difficulty_of_areas
from gis_service.planning.edits import PartNumber, Redrawn
from gis_service.planning.inputs import FIRST_PROVISIONAL, Inputs, Outline, Place, Unit
from gis_service.planning.land_flows import units_by_area, whose
from gis_service.planning.plans import Plan
from gis_service.planning.units import Piece, links_of
from gis_service.settings import Settings
from gis_service.teams.queries import beat_parts
from gis_service.texts import T
from layers.crs import to_metric

Numbers = Mapping[int, int]


def redrawn_by(session: Session, settings: Settings, plan: Plan, change: LandChange) -> Redrawn:
    """Carry a change out after those that the plan counts on already, and tell what becomes of its units.

    The land is that of the latest of their days, people and officers stay those of the day of the copy. Writes: the
    caller must not commit.

    Raises
    ------
    ConflictError
        A change that the plan counts on is no more, or the area of the plan is none after this one.
    InvalidInputError
        The land does not allow it.
    """
    inputs = plan.inputs
    earlier = [session.get_one(LandChange, number) for number in plan.boundaries]
    carried = [done for each in earlier if (done := _carried(session, settings, each)) is not None]
    scope = Scope(max([inputs.day, change.day, *(each.day for each in earlier)]), None)
    numbers = _numbers_on_record(session, plan, scope)
    last = _carried(session, settings, change)
    known = max([FIRST_PROVISIONAL - 1, *plan.outlines, *plan.parts, *(each.area_id for each in inputs.places)])
    founded = [] if last is None else sorted(area_id for area_id, held in last.before.items() if not held)
    numbers |= {area_id: known + 1 + place for place, area_id in enumerate(founded)}
    tree = area_names(session, scope)
    land = areas(session, scope, levels=[AreaLevel.COMPOUND], within=inputs.area_id)
    if land.empty:
        raise ConflictError(T("After this change of the land there is no {name} any more.", name=inputs.area_name))
    changed = _compounds_of(change) if last is None else {*last.before, *last.after}
    fresh, dropped = _differing(inputs, land, tree, changed, numbers)
    made = _Units(session, settings, scope, plan, land, tree, fresh)
    history = [*carried, last] if last is not None else carried
    came_from, shares = whose(
        session, scope, plan, made.units, made.position, numbers, history, by_change=last, dropped=dropped
    )
    units, parts = _numbered(session, scope, made, numbers, known + len(founded))
    stays = [number for number in range(len(inputs.units)) if number not in dropped]
    places, gone = _places(session, settings, scope, inputs, tree, numbers)
    return Redrawn(
        kind="redrawn",
        land_change_id=change.id,
        dropped=sorted(dropped),
        units=units,
        came_from=came_from,
        shares=shares,
        edges=_edges(settings, land, fresh, inputs, stays, units, numbers),
        beats=made.beats,
        places=places,
        gone_places=gone,
        outlines=[
            Outline(
                area_id=numbers.get(area_id, area_id),
                code=str(land.loc[area_id, "code"]),
                name=str(land.loc[area_id, "name"]),
                border=shapely.to_wkb(land.geometry.loc[area_id], hex=True),
            )
            for area_id in fresh
        ],
        parts=parts,
    )


class _Units:
    """The new units with the ids of the rehearsal, and the beats from outside that hold some."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        scope: Scope,
        plan: Plan,
        land: gpd.GeoDataFrame,
        tree: pd.DataFrame,
        fresh: list[int],
    ) -> None:
        inputs = plan.inputs
        some = land.loc[fresh]
        self.pieces: list[Piece] = pieces_in(session, scope, settings, set(fresh), inputs.day) if fresh else []
        position = {held.beat_id: place for place, held in enumerate(inputs.beats)}
        unknown = {piece.beat_id for piece in self.pieces if piece.beat_id is not None} - set(position)
        self.beats = held_beats(session, Scope(inputs.day, None), unknown) if unknown else []
        self.position = position | {held.beat_id: len(position) + place for place, held in enumerate(self.beats)}
        middles = middles_m(some, self.pieces, settings) if fresh else np.zeros((0, 2))
        names: dict[int, str] = dict(zip(some.index.tolist(), some["name"].tolist(), strict=True))
        self.units = units_from(self.pieces, middles, names, parents_in(tree), self.position)


def _carried(session: Session, settings: Settings, change: LandChange) -> CarriedOut | None:
    """Carry a change out, unless that was done already."""
    if change.state == ChangeState.APPLIED:
        return None
    if change.state not in (ChangeState.DRAFT, ChangeState.APPROVED):
        raise ConflictError(T("This change of the land is {state}.", state=change.state))
    asked, mode = asked_of(change.payload), Mode(change.mode)
    return carry_out(session, settings, asked, mode, change.day, change_id=change.id, note=change.note)


def _compounds_of(change: LandChange) -> set[int]:
    undo: dict[str, Any] = change.undo or {}
    return {int(area_id) for when in ("before", "after") for area_id in undo.get(when, ())}


def _numbers_on_record(session: Session, plan: Plan, scope: Scope) -> dict[int, int]:
    """Provisional ids by the ids that the areas have in this rehearsal, or on record by now."""
    by_code = provisional_codes(plan)
    query = select(AreaVersion.code, AreaVersion.area_id).where(
        AreaVersion.code.in_(sorted(by_code)), AreaVersion.valid_on(scope.day)
    )
    return {int(row.area_id): by_code[row.code] for row in session.execute(query)} if by_code else {}


def provisional_codes(plan: Plan) -> dict[str, int]:
    """Provisional id of every area that a draft brings, by its code."""
    found = {place.code: place.area_id for place in plan.inputs.places}
    found |= {outline.code: outline.area_id for outline in plan.outlines.values()}
    return {code: area_id for code, area_id in found.items() if area_id >= FIRST_PROVISIONAL}


def _differing(
    inputs: Inputs, land: gpd.GeoDataFrame, tree: pd.DataFrame, changed: Collection[int], numbers: Numbers
) -> tuple[list[int], set[int]]:
    """Compounds whose units are made anew, and the numbers of the units that are no more."""
    parents = parents_in(tree)
    homes = {unit.area_id: (unit.village_id, unit.township_id) for unit in inputs.units}
    fresh, here = [], set()
    for area_id in land.index.tolist():
        village = parents.get(area_id) or area_id
        above = (village, parents.get(village) or village)
        number = numbers.get(area_id, area_id)
        here.add(number)
        if area_id in changed or homes.get(number) != tuple(numbers.get(each, each) for each in above):
            fresh.append(int(area_id))
    again = {numbers.get(area_id, area_id) for area_id in fresh}
    dropped = {n for n, unit in enumerate(inputs.units) if unit.area_id in again or unit.area_id not in here}
    return fresh, dropped


def _numbered(
    session: Session, scope: Scope, made: _Units, numbers: Numbers, last: int
) -> tuple[list[Unit], list[PartNumber]]:
    """The new units with provisional ids, and what those of parts stand for."""
    on_record = beat_parts(session, scope, {unit.area_id for unit in made.units})
    order: Counter[tuple[int, int]] = Counter()
    known: dict[int, PartNumber] = {}
    for place, (part_id, area_id, beat_id) in enumerate(
        zip(on_record.index.tolist(), on_record["area_id"].tolist(), on_record["beat_id"].tolist(), strict=True)
    ):
        number, among = numbers.get(area_id, area_id), order[area_id, beat_id]
        known[part_id] = PartNumber(part_id=last + 1 + place, area_id=number, beat_id=beat_id, number=among)
        order[area_id, beat_id] += 1
    units = [
        unit.model_copy(
            update={
                **{
                    name: numbers.get(at := getattr(unit, name), at)
                    for name in ("area_id", "village_id", "township_id")
                },
                "part_id": None if unit.part_id is None else known[unit.part_id].part_id,
            }
        )
        for unit in made.units
    ]
    named = {unit.part_id for unit in made.units}
    return units, [part for part_id, part in known.items() if part_id in named]


def _places(
    session: Session, settings: Settings, scope: Scope, inputs: Inputs, tree: pd.DataFrame, numbers: Numbers
) -> tuple[list[Place], list[int]]:
    """Areas above the compounds that are new or not what they were, and the ids of those that are no more."""
    inside = [each for each in inside_of(tree, inputs.area_id) if tree.loc[each, "level"] != AreaLevel.COMPOUND]
    parents, known = parents_in(tree), {place.area_id: place for place in inputs.places}
    numbered = {area_id: numbers.get(area_id, area_id) for area_id in inside}
    founded = any(number not in known for number in numbered.values())
    multipliers = difficulty_of_areas(session, scope, settings)["multiplier"] if founded else pd.Series(dtype="float64")
    found = []
    for area_id, number in numbered.items():
        above, was = parents[area_id], known.get(number)
        said = Place(
            area_id=number,
            code=str(tree.loc[area_id, "code"]),
            name=str(tree.loc[area_id, "name"]),
            level=str(tree.loc[area_id, "level"]),
            parent_id=None if above is None else numbers.get(above, above),
            multiplier=round(float(multipliers[area_id]), 6) if was is None else was.multiplier,
        )
        if said != was:
            found.append(said)
    return found, sorted(set(known) - set(numbered.values()))


def _edges(
    settings: Settings,
    land: gpd.GeoDataFrame,
    fresh: list[int],
    inputs: Inputs,
    stays: list[int],
    units: list[Unit],
    numbers: Numbers,
) -> list[tuple[int, int, float]]:
    """Borders of the new units, among themselves and with those that stay, in the new numbering."""
    if not fresh:
        return []
    metric = to_metric(land, settings.metric_crs)
    reach = shapely.buffer(metric.geometry.loc[fresh].to_numpy(), settings.border_gap_m + 1.0)
    near = land.iloc[np.unique(metric.sindex.query(reach, predicate="intersects")[1])]
    everything = [*(inputs.units[number] for number in stays), *units]
    by_number = units_by_area(everything)
    units_of = {int(area_id): by_number[numbers.get(area_id, area_id)] for area_id in near.index.tolist()}
    middles = np.array([(unit.x_m, unit.y_m) for unit in everything])
    links = links_of(borders_of(near, settings), units_of, middles)
    return [(a, b, metres) for a, b, metres in links if b >= len(stays)]
