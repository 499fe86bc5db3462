"""Why nothing fits: a smallest set of named constraints to relax, and a set that cannot hold together."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp

from layers._graph import UnitGraph
from layers._plan import limits_of_beats
from layers._rules import NOBODY, BeatRules
from layers.posts import PostsProblem

__all__ = [
    "Obstacle",
    "ObstacleKind",
    "beat_obstacles",
    "irreducible_relaxation",
    "posts_feasible",
    "smallest_conflict",
    "smallest_relaxation",
]

Name = TypeVar("Name", bound=Hashable)


def smallest_conflict(names: Sequence[Name], feasible: Callable[[Collection[Name]], bool]) -> list[Name]:
    """
    Constraints that cannot hold together although any of them may be left out: an irreducible conflict.

    Divide and conquer (QuickXplain, Junker 2004): about k log2(n / k) questions for k constraints of n. Not the
    fewest of all conflicts; constraints named first are kept out of it where there is a choice.

    Parameters
    ----------
    names
        Constraints that may be relaxed, the dearest to give up first.
    feasible
        Whether anything satisfies these constraints and all that cannot be relaxed. More constraints never help.

    Returns
    -------
    list
        In order of ``names``; empty when all hold together.

    Raises
    ------
    ValueError
        When nothing fits even without any of them.
    """
    if feasible(names):
        return []
    if not feasible([]):
        raise ValueError("nothing fits even when every constraint is relaxed")

    def conflict(held: list[Name], open_: list[Name], *, grew: bool) -> list[Name]:
        if grew and not feasible(held):
            return []
        if len(open_) == 1:
            return open_
        half = len(open_) // 2
        one, two = open_[:half], open_[half:]
        later = conflict([*held, *one], two, grew=bool(one))
        earlier = conflict([*held, *later], one, grew=bool(later))
        return earlier + later

    return conflict([], list(names), grew=False)


def smallest_relaxation(
    names: Sequence[Name],
    feasible: Callable[[Collection[Name]], bool],
    *,
    costs: Mapping[Name, float] | None = None,
    most_rounds: int = 200,
) -> tuple[list[Name], list[list[Name]]]:
    """
    Cheapest constraints to give up so that something fits, and conflicts that prove that nothing cheaper does.

    Every relaxation takes a constraint from each conflict. The cheapest set that hits all known conflicts is tried; as
    long as nothing fits, what is left holds another conflict (implicit hitting sets, Moreno-Centeno & Karp 2013).

    Parameters
    ----------
    names, feasible
        As for :func:`smallest_conflict`.
    costs
        What giving up a constraint costs, above 0; 1 where not named: fewest constraints.
    most_rounds
        Conflicts that may be found before the search gives up.

    Returns
    -------
    tuple of relaxation and conflicts
        The relaxation in order of ``names``, empty when all hold together; the conflicts in the order found.

    Raises
    ------
    ValueError
        When nothing fits even without any of them, or there are more conflicts than ``most_rounds``.
    """
    price = np.array([1.0 if costs is None else costs.get(name, 1.0) for name in names])
    conflicts: list[list[Name]] = []
    for _ in range(most_rounds + 1):
        dropped = _cheapest_hit(names, price, conflicts)
        left = [name for name in names if name not in dropped]
        found = smallest_conflict(left, feasible)
        if not found:
            return [name for name in names if name in dropped], conflicts
        conflicts.append(found)
    raise ValueError(f"more than {most_rounds} conflicts")


def irreducible_relaxation(names: Sequence[Name], feasible: Callable[[Collection[Name]], bool]) -> list[Name]:
    """
    Constraints to give up none of which can be kept while the others are given up: a deletion filter.

    One question for each constraint (Chinneck 2008, § 6.1); not the fewest of all such sets.

    Parameters
    ----------
    names
        The dearest to give up first: they are kept where there is a choice.
    feasible
        As for :func:`smallest_conflict`.

    Returns
    -------
    list
        In order of ``names``; all of them when nothing fits even without any.
    """
    kept: list[Name] = []
    for name in names:
        if feasible([*kept, name]):
            kept.append(name)
    return [name for name in names if name not in kept]


def _cheapest_hit(
    names: Sequence[Name], price: npt.NDArray[np.float64], conflicts: Sequence[Sequence[Name]]
) -> set[Name]:
    """Cheapest set with a member of every conflict, in whole numbers by HiGHS."""
    if not conflicts:
        return set()
    hits = np.array([[name in set(conflict) for name in names] for conflict in conflicts], np.float64)
    whole = np.ones(len(names), np.int8)
    result = milp(price, integrality=whole, bounds=Bounds(0, 1), constraints=LinearConstraint(hits, 1))
    return {names[place] for place in np.flatnonzero(np.asarray(result.x) > 0.5).tolist()}


def posts_feasible(problem: PostsProblem, kept: Collection[tuple[str, int]]) -> bool:
    """
    Whether posts fit when only some bounds are kept: names for :func:`smallest_relaxation`.

    ``("floor", area_id)`` and ``("ceiling", area_id)`` name bounds of areas. The problem itself need not be feasible:
    make it with ``PostsProblem.of(..., checked=False)``.
    """
    floor, ceiling = np.zeros_like(problem.floor), np.zeros_like(problem.ceiling)
    for rows, posts in problem.pools:
        ceiling[rows] = posts
    named = {"floor": (floor, problem.floor), "ceiling": (ceiling, problem.ceiling)}
    for kind, area_id in kept:
        place = problem.area_ids.get_loc(area_id)
        bound, given = named[kind]
        bound[place] = given[place]
    return not (floor > ceiling).any() and all(
        int(floor[rows].sum()) <= posts <= int(ceiling[rows].sum()) for rows, posts in problem.pools
    )


class ObstacleKind(StrEnum):
    """What proves that no plan keeps the rules."""

    TOO_FEW_BEATS = "too_few_beats"
    """a separate part of the graph cannot have a beat of its own: ``needed`` and ``allowed`` beats in all"""
    UNIT_TOO_HEAVY = "unit_too_heavy"
    """the unit alone is above the band: ``needed`` officers for it, split by buildings; ``allowed`` load"""
    PAIR_TOO_HEAVY = "pair_too_heavy"
    """some two of the units must share a beat and are above the band together: ``needed`` and ``allowed`` load"""
    LOCKS_TOO_HEAVY = "locks_too_heavy"
    """the units locked to the beat are above the band: ``needed`` and ``allowed`` load"""


@dataclass(frozen=True)
class Obstacle:
    """
    One proof that the rules cannot be kept, and the band at which it would vanish.

    Attributes
    ----------
    units, beat
        What it is about; beat -1 = none.
    needed, allowed
        See :class:`ObstacleKind`.
    band_needed
        Least band, as a share, with which this obstacle would be none; None when no band helps.
    """

    kind: ObstacleKind
    units: tuple[int, ...]
    beat: int
    needed: int
    allowed: int
    band_needed: float | None


def beat_obstacles(graph: UnitGraph, rules: BeatRules, home: npt.ArrayLike) -> list[Obstacle]:
    """
    Obstacles that can be proved by counting; none found is no proof that a plan exists.

    Parameters
    ----------
    home
        Territory of each beat, shape (beats,).
    """
    place = np.asarray(home, np.int32)
    count = np.bincount(place, minlength=graph.territories)
    bare = np.flatnonzero(count == 0)
    if len(bare):
        first = tuple(int(np.argmax(graph.territory == territory)) for territory in bare)
        return [Obstacle(ObstacleKind.TOO_FEW_BEATS, first, NOBODY, graph.territories, rules.beats, None)]
    _, high = limits_of_beats(graph, place, rules.band)
    locks = rules.locks_of(graph)
    found = []
    for territory in range(graph.territories):
        units = np.flatnonzero(graph.territory == territory)
        beats = int(count[territory])
        allowed = int(high[np.argmax(place == territory)])
        found += list(_heavy_units(graph, units, beats, allowed))
    total = np.bincount(graph.territory, weights=graph.loads, minlength=graph.territories)
    for beat in np.unique(locks[locks >= 0]).tolist():
        units = np.flatnonzero(locks == beat)
        load, fair = int(graph.loads[units].sum()), total[place[beat]] / count[place[beat]]
        if load > high[beat]:
            named = tuple(units.tolist())
            found.append(
                Obstacle(ObstacleKind.LOCKS_TOO_HEAVY, named, beat, load, int(high[beat]), float(load / fair - 1))
            )
    return found


def _heavy_units(graph: UnitGraph, units: npt.NDArray[np.int64], beats: int, allowed: int) -> Iterator[Obstacle]:
    """Units above what a beat may hold; and, of the heaviest ones, more than there are beats for one each."""
    load = graph.loads[units]
    fair = load.sum() / beats
    order = np.argsort(-load, kind="stable")
    for place in order[load[order] > allowed].tolist():
        officers = -(-int(load[place]) // max(allowed, 1))
        yield Obstacle(
            ObstacleKind.UNIT_TOO_HEAVY, (int(units[place]),), NOBODY, officers, allowed, float(load[place] / fair - 1)
        )
    if len(units) > beats:
        two = int(load[order[beats - 1]] + load[order[beats]])
        if two > allowed:
            named = tuple(sorted(units[order[: beats + 1]].tolist()))
            yield Obstacle(ObstacleKind.PAIR_TOO_HEAVY, named, NOBODY, two, allowed, float(two / fair - 1))
