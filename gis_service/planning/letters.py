"""Letters to the officers whose beats change: what they get and what they hand on. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gis_service.planning.plans import Plan, plan_of_today


@dataclass(frozen=True)
class Letter:
    """To whom, for which beat, and the compounds (or parts) gained and handed on."""

    officer: str
    badge_no: str | None
    beat: str | None
    gained: list[str]
    lost: list[str]


def letters_of(plan: Plan, *, only: Collection[int] | None = None) -> list[Letter]:
    """A letter for everybody who answers for other addresses than today, by badge number.

    Parameters
    ----------
    only
        Compounds that the viewer may see; letters speak of these alone.
    """
    today = plan_of_today(plan.inputs)
    gained: dict[str, list[str]] = {}
    lost: dict[str, list[str]] = {}
    for number, unit in enumerate(plan.inputs.units):
        before, after = today.holder(number), plan.holder(number)
        if before == after or (only is not None and unit.area_id not in only):
            continue
        if before is not None:
            lost.setdefault(before, []).append(unit.name)
        if after is not None:
            gained.setdefault(after, []).append(unit.name)
    people = {**today.staff, **plan.staff}
    held = {beat.staff: beat.name for beat in plan.beats.values() if beat.staff}
    found = [
        Letter(people[key].name, people[key].badge_no, held.get(key), gained.get(key, []), lost.get(key, []))
        for key in {*gained, *lost}
    ]
    return sorted(found, key=lambda letter: (letter.badge_no or "￿", letter.officer))
