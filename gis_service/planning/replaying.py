"""A scenario's steps taken upon today's plan, one after the other: those of people and of the optimiser. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gis_service.errors import ConflictError, InvalidInputError, NotFoundError
from gis_service.planning.edits import (
    Assign,
    Boundary,
    Drawn,
    Edit,
    Give,
    Headcount,
    Leave,
    Mark,
    NewBeat,
    Recruits,
    Redrawn,
)
from gis_service.planning.inputs import Inputs
from gis_service.planning.new_land import lay_new_land
from gis_service.planning.plans import Plan, PlanBeat, Staff, new_beat_key, plan_of_today
from gis_service.texts import T


def replayed(inputs: Inputs, edits: Iterable[Edit]) -> Plan:
    """Today's plan after all steps."""
    plan = plan_of_today(inputs)
    for edit in edits:
        take_step(plan, edit)
    return plan


def take_step(plan: Plan, edit: Edit) -> None:
    """Take one step.

    Raises
    ------
    NotFoundError, ConflictError, InvalidInputError
        It names a beat, a unit or somebody that is not in the plan; there is nobody to take a new beat.
    """
    plan.steps += 1
    match edit:
        case Recruits():
            _hire(plan, edit)
        case Leave():
            _let_go(plan, edit)
        case Give():
            _give(plan, edit)
        case NewBeat():
            _open_beat(plan, edit)
        case Assign():
            _assign(plan, edit)
        case Boundary() | Redrawn():
            lay_new_land(plan, edit)
        case Headcount():
            _fix_posts(plan, edit)
        case Mark():
            _mark(plan, edit)
        case Drawn():
            _draw(plan, edit)


def _give(plan: Plan, edit: Give) -> None:
    _check_units(plan, edit.units)
    _beat(plan, edit.beat)
    for unit in edit.units:
        plan.beat_of[unit] = edit.beat


def _fix_posts(plan: Plan, edit: Headcount) -> None:
    for fixed in edit.townships:
        if fixed.area_id not in plan.inputs.townships:
            raise NotFoundError(
                T("There is no township {area_id} in your part of the district.", area_id=fixed.area_id)
            )
        plan.headcount[fixed.area_id] = fixed.posts


def _hire(plan: Plan, edit: Recruits) -> None:
    if len(edit.people) > edit.count:
        raise InvalidInputError(T("There are more names than recruits."))
    township = edit.township_id
    townships = plan.inputs.townships
    if township is None and len(townships) == 1:
        township = townships[0]
    if township is not None and township not in townships:
        raise NotFoundError(T("There is no township {area_id} in your part of the district.", area_id=township))
    named = {each.badge_no for each in plan.staff.values() if each.badge_no}
    for number in range(edit.count):
        person = edit.people[number] if number < len(edit.people) else None
        if person is not None and person.badge_no in named:
            raise ConflictError(T("The badge number {badge_no} is taken.", badge_no=person.badge_no))
        key = f"r{plan.steps}_{number + 1}"
        plan.staff[key] = Staff(
            key=key,
            name=person.name if person else str(T("recruit {number}", number=f"{plan.steps}-{number + 1}")),
            badge_no=person.badge_no if person else None,
            form=edit.form.value,
            side=edit.side.value,
            from_day=edit.from_day,
            township_id=township,
        )
        if person is not None:
            named.add(person.badge_no)


def _let_go(plan: Plan, edit: Leave) -> None:
    key = next((each.key for each in plan.staff.values() if each.badge_no == edit.badge_no), None)
    if key is None:
        raise NotFoundError(T("No officer {badge_no} holds a beat in this scenario.", badge_no=edit.badge_no))
    plan.gone.add(key)
    del plan.staff[key]
    for beat in [each for each in plan.beats.values() if each.staff == key]:
        plan.beats[beat.key] = replace(beat, staff=None)


def _open_beat(plan: Plan, edit: NewBeat) -> None:
    _check_units(plan, edit.units)
    free = plan.free_recruits
    key = new_beat_key(plan)
    first = plan.inputs.units[edit.units[0]]
    plan.beats[key] = PlanBeat(key, f"{first.name}片", first.village_id, free[0].key if free else None)
    for unit in edit.units:
        plan.beat_of[unit] = key


def _assign(plan: Plan, edit: Assign) -> None:
    beat = _beat(plan, edit.beat)
    key = None
    if edit.badge_no is not None:
        key = next((each.key for each in plan.staff.values() if each.badge_no == edit.badge_no), None)
        if key is None:
            raise NotFoundError(T("No officer {badge_no} holds a beat in this scenario.", badge_no=edit.badge_no))
    plan.beats[beat.key] = replace(beat, staff=key)


def _mark(plan: Plan, edit: Mark) -> None:
    _check_units(plan, edit.units)
    if edit.mark == "lock":
        nobodys = [unit for unit in edit.units if plan.beat_of[unit] is None]
        if edit.on and nobodys:
            raise ConflictError(T("What is nobody's cannot be locked: give it to a beat first."))
        plan.marks.locks = plan.marks.locks | set(edit.units) if edit.on else plan.marks.locks - set(edit.units)
        return
    pair = (min(edit.units), max(edit.units))
    chosen, other = plan.marks.bridges, plan.marks.barriers
    if edit.mark == "barrier":
        chosen, other = other, chosen
    if not edit.on:
        chosen.discard(pair)
        return
    if pair in other:
        raise ConflictError(T("Two compounds cannot have a bridge and a barrier between them: remove the other first."))
    chosen.add(pair)


def _draw(plan: Plan, edit: Drawn) -> None:
    plan.beats = {said["key"]: PlanBeat(**said) for said in edit.beats}
    plan.beat_of = list(edit.beat_of)
    plan.drawn = edit.told


def _check_units(plan: Plan, units: Iterable[int]) -> None:
    for unit in units:
        if unit >= len(plan.beat_of):
            raise NotFoundError(T("There is no unit {unit} in this scenario.", unit=unit))


def _beat(plan: Plan, key: str) -> PlanBeat:
    if key not in plan.beats:
        raise NotFoundError(T("There is no beat {key} in this scenario.", key=key))
    return plan.beats[key]
