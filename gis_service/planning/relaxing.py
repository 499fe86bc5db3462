"""What stands in the way where no plan fits, by name, and the fewest constraints that would have to give."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gis_service.planning.graphs import Ground, Rules, Within
from gis_service.planning.inputs import Inputs
from gis_service.texts import T, Text

if TYPE_CHECKING:
    from layers.conflicts import Obstacle
    from layers.districting import BeatPlan, BeatRules

Attempt: TypeAlias = "Callable[[Rules, int], BeatPlan | None]"
"""A quick try under other rules and with so many posts more; None when it cannot even begin."""

_HALVINGS = 4
_MOST_CONFLICTS = 8
_NAMED = 5

RELAXING: dict[str, Text] = {
    "locks": T("let locked compounds move"),
    "barriers": T("let beats cross the barriers"),
    "within": T("let beats cross villages"),
    "one_more_post": T("add one post"),
}

_KINDS = {"locks": "locks", "barriers": "barriers", "within": "villages"}
"""What the members of a constraint are called in what is told."""


def what_to_relax(
    rules: Rules, attempt: Attempt, drawn: BeatPlan | None, villages: Mapping[int, int] | None = None
) -> dict[str, Any]:
    """The fewest constraints that must give so that every beat is inside the band; tried, not guessed.

    Parameters
    ----------
    villages
        Load of every village that beats may not cross, by id; used when the rules keep beats inside villages.

    Returns
    -------
    `sets`: the smallest sets that worked, each a list of names (`locks`, `barriers`, `within`, `one_more_post`), empty
    when none of one or two did; `locks`, `barriers` and `villages`: where a set names them, the fewest of them (units,
    pairs of units, areas) that have to give; `band`: the least band in which a plan was found with nothing else
    relaxed, 0.1 % up.
    """
    members: dict[str, list[Any]] = {
        "locks": list(rules.locks),
        "barriers": list(rules.barriers),
        "within": [],
    }
    if rules.within is Within.VILLAGE and villages:
        closed = [area_id for area_id in villages if area_id not in rules.across]
        members["within"] = sorted(closed, key=lambda area_id: (-villages[area_id], area_id))
    options = [name for name, every in members.items() if every]
    found: list[list[str]] = []
    named: dict[str, list[Any]] = {"locks": [], "barriers": [], "villages": []}
    for size in (1, 2):
        for chosen in combinations([*options, "one_more_post"], size):
            more = int("one_more_post" in chosen)
            kinds = [name for name in chosen if name in members]
            asked = rules
            for name in kinds:
                asked = _only(asked, name, (), members[name])
            if _fits(attempt, asked, more):
                found.append(list(chosen))
                unnamed = [name for name in kinds if not named[_KINDS[name]]]
                named |= _fewest(asked, more, unnamed, members, attempt)
        if found:
            break
    return {"sets": found, **named, "band": None if drawn is None else _least_band(rules, attempt, drawn)}


def _only(rules: Rules, kind: str, kept: Collection[Any], every: Sequence[Any]) -> Rules:
    """The rules with only these members of a constraint in force."""
    if kind == "within":
        return rules.model_copy(update={"across": [*rules.across, *(each for each in every if each not in kept)]})
    return rules.model_copy(update={kind: [each for each in every if each in kept]})


def _fits(attempt: Attempt, asked: Rules, more: int) -> bool:
    tried = attempt(asked, more)
    return tried is not None and not tried.violations


def _fewest(
    asked: Rules, more: int, kinds: list[str], members: Mapping[str, Sequence[Any]], attempt: Attempt
) -> dict[str, list[Any]]:
    """The fewest members of some constraints that have to give, all else being as asked.

    Of equally few, those named last. Where too many conflicts stand against a proof, a set none of which can be kept.
    """
    from layers.conflicts import irreducible_relaxation, smallest_relaxation

    every = [(kind, member) for kind in kinds for member in members[kind]]
    bare = asked.model_copy(update={"across": [a for a in asked.across if a not in members["within"]]})

    def feasible(kept: Collection[tuple[str, Any]]) -> bool:
        tried = bare if "within" in kinds else asked
        for kind in kinds:
            tried = _only(tried, kind, [member for of_kind, member in kept if of_kind == kind], members[kind])
        return _fits(attempt, tried, more)

    if not every:
        return {}
    among = len(every) * (len(every) + 1)
    costs = {name: 1 + (len(every) - place) / among for place, name in enumerate(every)}
    try:
        relaxed, _ = smallest_relaxation(every, feasible, costs=costs, most_rounds=_MOST_CONFLICTS)
    except ValueError:  # too many conflicts, or a quick try that once failed
        relaxed = irreducible_relaxation(every, feasible)
    return {_KINDS[kind]: [member for of_kind, member in relaxed if of_kind == kind] for kind in kinds}


def _least_band(rules: Rules, attempt: Attempt, drawn: BeatPlan) -> float:
    """The least band, as a share, in which a plan was found; between what was asked and what is there, by halves."""
    low, high = max(rules.band, drawn.least_deviation), drawn.deviation
    for _ in range(_HALVINGS):
        if high - low < 0.001:
            break
        middle = (low + high) / 2
        tried = attempt(rules.model_copy(update={"band": middle}), 0)
        if tried is not None and tried.within_band:
            high = min(tried.deviation, middle)
        else:
            low = middle
    return math.ceil(round(high * 1000, 6)) / 1000


def ways_of(inputs: Inputs, relax: Mapping[str, Any]) -> list[str]:
    """The ways out, each with the villages, compounds and borders that it is about."""
    return [" + ".join(_way(inputs, relax, name) for name in names) for names in relax["sets"]]


def _way(inputs: Inputs, relax: Mapping[str, Any], name: str) -> str:
    names: list[str] = []
    if name == "locks":
        names = [inputs.units[unit].name for unit in relax.get("locks", ())]
    elif name == "barriers":
        names = [f"{inputs.units[one].name}–{inputs.units[other].name}" for one, other in relax.get("barriers", ())]
    elif name == "within":
        places = [inputs.place(area_id) for area_id in relax.get("villages", ())]
        names = [place.name for place in places if place is not None]
    return str(T("{way} ({names})", way=str(RELAXING[name]), names="、".join(names)) if names else RELAXING[name])


def obstacles_to(
    inputs: Inputs, ground: Ground, beat_rules: BeatRules, home: npt.NDArray[np.int32], names: Sequence[str]
) -> list[Text]:
    """What can be proved, by counting, to stand against the band; `home` is the territory of each beat."""
    from layers.conflicts import beat_obstacles

    found = beat_obstacles(ground.graph, beat_rules, home)
    return [_said(inputs, ground, obstacle, names) for obstacle in found[:_NAMED]]


def _said(inputs: Inputs, ground: Ground, obstacle: Obstacle, names: Sequence[str]) -> Text:
    from layers.conflicts import ObstacleKind

    units = sorted(obstacle.units, key=lambda unit: -int(ground.graph.loads[unit]))
    of_units = [inputs.units[ground.members[unit]].name for unit in units]
    needed, allowed = f"{obstacle.needed:,}", f"{obstacle.allowed:,}"
    band = "" if obstacle.band_needed is None else f"{math.ceil(round(obstacle.band_needed * 1000, 6)) / 10:g} %"
    match obstacle.kind:
        case ObstacleKind.TOO_FEW_BEATS:
            return T(
                "{needed} separate parts need a beat each, and there are {allowed} officers; without one: {names}.",
                needed=needed,
                allowed=allowed,
                names="、".join(of_units[:_NAMED]),
            )
        case ObstacleKind.UNIT_TOO_HEAVY:
            return T(
                "{unit} alone has a load of {load} and needs {needed} officers; a beat may have {allowed} at most. "
                "Divide it by buildings, or allow ± {band}.",
                unit=of_units[0],
                load=f"{int(ground.graph.loads[units[0]]):,}",
                needed=needed,
                allowed=allowed,
                band=band,
            )
        case ObstacleKind.PAIR_TOO_HEAVY:
            return T(
                "Of the {count} heaviest compounds two must share a beat: even the lightest, {one} and {other}, "
                "come to {needed}, and a beat may have {allowed} at most (± {band} would do).",
                count=len(units),
                one=of_units[-2],
                other=of_units[-1],
                needed=needed,
                allowed=allowed,
                band=band,
            )
        case ObstacleKind.LOCKS_TOO_HEAVY:
            left, released = obstacle.needed, []
            for unit, name in zip(units, of_units, strict=True):
                if left > obstacle.allowed:
                    left -= int(ground.graph.loads[unit])
                    released.append(name)
            return T(
                "What is locked to {beat} comes to {needed}, and a beat may have {allowed} at most: release at least "
                "{count} of them, such as {names}.",
                beat=names[obstacle.beat],
                needed=needed,
                allowed=allowed,
                count=len(released),
                names="、".join(released),
            )


def uneven_villages(inputs: Inputs, ground: Ground, rules: Rules, beats_of: npt.NDArray[np.int32]) -> list[Text]:
    """Villages (where no beat crosses one) that have fewer or more officers than the mean of the township asks for.

    `beats_of` is the number of beats of each territory of the ground.
    """
    graph = ground.graph
    if rules.within is not Within.VILLAGE or graph.territories < 2:
        return []
    load = np.bincount(graph.territory, weights=graph.loads, minlength=graph.territories)
    most = load.sum() / beats_of.sum() * (1 + rules.band)
    found = []
    for territory in np.argsort(-load / np.maximum(beats_of, 1), kind="stable").tolist():
        needed = math.ceil(load[territory] / most - 1e-9)
        if needed <= int(beats_of[territory]):
            break
        place = inputs.place(inputs.units[ground.members[int(np.argmax(graph.territory == territory))]].village_id)
        found.append(
            T(
                "{village} alone needs {needed} officers and has {allowed}: {load} a beat, where the township has "
                "{mean} and ± {band} is allowed.",
                village=place.name if place else inputs.area_name,
                needed=needed,
                allowed=int(beats_of[territory]),
                load=f"{load[territory] / beats_of[territory]:,.0f}",
                mean=f"{load.sum() / beats_of.sum():,.0f}",
                band=f"{rules.band * 100:g} %",
            )
        )
    return found[:_NAMED]


def why_none(inputs: Inputs, ground: Ground, rules: Rules, beats: int, attempt: Attempt) -> str:
    """Why no plan can even be begun, in words: what is short of what, and what would have to give."""
    graph = ground.graph
    villages = village_loads(inputs, ground)
    if beats > graph.units:
        first = T("There are {beats} officers and {units} compounds only.", beats=beats, units=graph.units)
        return str(first)
    if graph.territories > beats:
        load = np.bincount(graph.territory, weights=graph.loads, minlength=graph.territories)
        lightest = np.argsort(load, kind="stable")[: graph.territories - beats].tolist()
        names = []
        for territory in lightest[:_NAMED]:
            unit = inputs.units[ground.members[int(np.argmax(graph.territory == territory))]]
            place = inputs.place(unit.village_id) if rules.within is Within.VILLAGE else None
            names.append(place.name if place else unit.name)
        first = T(
            "{needed} separate parts need a beat each, and there are {allowed} officers; without one: {names}.",
            needed=graph.territories,
            allowed=beats,
            names="、".join(names),
        )
    else:
        first = T("What is locked cannot be joined into one beat each.")
    ways = ways_of(inputs, what_to_relax(rules, attempt, None, villages))
    second = T("It would fit if one were to {ways}.", ways=str(T(" or ")).join(ways)) if ways else None
    return " ".join(str(text) for text in (first, second) if text is not None)


def village_loads(inputs: Inputs, ground: Ground) -> dict[int, int]:
    """Load of every village of a ground, by id."""
    found: dict[int, int] = {}
    for place, unit in enumerate(ground.members):
        village = inputs.units[unit].village_id
        found[village] = found.get(village, 0) + int(ground.graph.loads[place])
    return found
