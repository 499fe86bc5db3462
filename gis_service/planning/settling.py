"""A plan on land that was a draft and is in force now: provisional ids become those on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis_service.areas.tables import AreaVersion
from gis_service.errors import ConflictError
from gis_service.planning.drafted_land import provisional_codes
from gis_service.planning.plans import Plan
from gis_service.teams.tables import BeatPart
from gis_service.texts import T


def settled(session: Session, plan: Plan, day: date) -> Plan:
    """The plan with the areas, and parts of beats, that are on record on `day` in place of provisional ones.

    Raises
    ------
    ConflictError
        One of them is not there, or the compounds drawn anew are in other beats than the plan was made on.
    """
    if not plan.outlines and not provisional_codes(plan):
        return plan
    areas = _areas(session, plan, day)
    parts = _parts(session, plan, areas, day)
    inputs = plan.inputs
    units = tuple(
        unit.model_copy(
            update={
                **{name: areas.get(at := getattr(unit, name), at) for name in ("area_id", "village_id", "township_id")},
                "part_id": None if unit.part_id is None else parts.get(unit.part_id, unit.part_id),
            }
        )
        for unit in inputs.units
    )
    places = tuple(
        place.model_copy(
            update={
                "area_id": areas.get(place.area_id, place.area_id),
                "parent_id": None if place.parent_id is None else areas.get(place.parent_id, place.parent_id),
            }
        )
        for place in inputs.places
    )
    found = replace(
        plan,
        inputs=inputs.model_copy(update={"units": units, "places": places}),
        beats={
            key: replace(beat, village_id=areas.get(beat.village_id, beat.village_id))
            for key, beat in plan.beats.items()
        },
        outlines={areas.get(area_id, area_id): outline for area_id, outline in plan.outlines.items()},
    )
    _refuse_other_beats(session, found, day)
    return found


def _areas(session: Session, plan: Plan, day: date) -> dict[int, int]:
    codes = provisional_codes(plan)
    query = select(AreaVersion.code, AreaVersion.area_id).where(
        AreaVersion.code.in_(sorted(codes)), AreaVersion.valid_on(day)
    )
    found = {codes[row.code]: int(row.area_id) for row in session.execute(query)} if codes else {}
    gone = sorted(code for code, area_id in codes.items() if area_id not in found)
    if gone:
        raise ConflictError(
            T("The plan counts on areas that are not there on {day}: {codes}.", day=day, codes="、".join(gone))
        )
    return found


def _parts(session: Session, plan: Plan, areas: dict[int, int], day: date) -> dict[int, int]:
    wanted = {areas.get(part.area_id, part.area_id) for part in plan.parts.values()}
    query = (
        select(BeatPart.id, BeatPart.area_id, BeatPart.beat_id)
        .where(BeatPart.area_id.in_(sorted(wanted)), BeatPart.valid_on(day))
        .order_by(BeatPart.area_id, BeatPart.beat_id, BeatPart.id)
    )
    on_record: dict[tuple[int, int], list[int]] = {}
    for row in session.execute(query):
        on_record.setdefault((row.area_id, row.beat_id), []).append(row.id)
    found = {}
    for part in plan.parts.values():
        ids = on_record.get((areas.get(part.area_id, part.area_id), part.beat_id), [])
        if part.number >= len(ids):
            raise other_than_planned(day)
        found[part.part_id] = ids[part.number]
    return found


def _refuse_other_beats(session: Session, plan: Plan, day: date) -> None:
    """Refuse when compounds drawn anew are not in the beats in which the change of the land was to leave them."""
    held = plan.inputs.beats
    here = {unit.area_id for unit in plan.inputs.units} & set(plan.outlines)
    planned = {
        (unit.area_id, held[unit.beat].beat_id) for unit in plan.inputs.units if unit.area_id in here and unit.beat >= 0
    }
    query = select(BeatPart.area_id, BeatPart.beat_id).where(BeatPart.area_id.in_(sorted(here)), BeatPart.valid_on(day))
    if {(int(row.area_id), int(row.beat_id)) for row in session.execute(query)} != planned:
        raise other_than_planned(day)


def other_than_planned(day: date) -> ConflictError:
    """What is said when land or beats are not what a plan was made on."""
    return ConflictError(T("Land or beats have changed since {day}: make the scenario anew.", day=day))
