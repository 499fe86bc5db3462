"""Letters to the officers whose beats change: what they get and what they hand on. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gis_service.planning.plans import Plan, handed_on
from gis_service.texts import T


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
    today = plan.today
    gained: dict[str, list[str]] = {}
    lost: dict[str, list[str]] = {}
    for each in handed_on(plan):
        unit = plan.inputs.units[each.unit]
        if not each.addresses or (only is not None and unit.area_id not in only):
            continue
        name = str(T("a part of {name}", name=unit.name)) if each.is_part else unit.name
        if each.before is not None:
            lost.setdefault(each.before, []).append(name)
        if each.after is not None and name not in gained.get(each.after, ()):
            gained.setdefault(each.after, []).append(name)
    people = {**today.staff, **plan.staff}
    held = {beat.staff: beat.name for beat in plan.beats.values() if beat.staff}
    found = [
        Letter(people[key].name, people[key].badge_no, held.get(key), gained.get(key, []), lost.get(key, []))
        for key in {*gained, *lost}
    ]
    return sorted(found, key=lambda letter: (letter.badge_no or "￿", letter.officer))
