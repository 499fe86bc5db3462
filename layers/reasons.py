"""Why a unit changes its beat, what would happen instead, and what one more post would bring: codes and numbers."""

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers._graph import UnitGraph
from layers._plan import BeatPlan, limits_of_beats
from layers._rules import NOBODY, BeatRules
from layers._search import Control, anneal, new_board
from layers._starts import plan_from_today
from layers.posts import PostsProblem, hand_out

__all__ = ["Binding", "Instead", "Reason", "explain_changes", "if_it_stayed", "more_posts"]


class Binding(StrEnum):
    """What stands against a unit staying in its beat of today, everything else being as planned."""

    LOCKED = "locked"
    """it is locked to the new beat"""
    GROUPS = "groups"
    """its beat of today is at home in another village, township or separate part"""
    TOO_HEAVY = "too_heavy"
    """today's beat would be above the band (``deviation``)"""
    TOO_LIGHT = "too_light"
    """the new beat would be below the band (``deviation``)"""
    CUT_OFF = "cut_off"
    """it would not touch what today's beat keeps"""
    CUTS = "cuts"
    """the new beat would fall apart, or be empty, without it"""
    AIM = "aim"
    """nothing binds: it changes for the aim alone, the border between beats"""


@dataclass(frozen=True)
class Reason:
    """
    Why a unit changes.

    Attributes
    ----------
    bindings
        Everything that stands against staying, loads first; never empty.
    beat, deviation
        The beat that the first binding is about, and its signed deviation from its fair load if the unit stayed.
    other_beat, other_deviation
        The bordering beat, neither today's nor the new one, that would be nearest to its fair load with the unit, and
        its deviation then; None when no other borders the unit, or the new beat could not spare it.
    """

    unit: int
    from_beat: int
    to_beat: int
    price: float
    bindings: tuple[Binding, ...]
    beat: int
    deviation: float
    other_beat: int | None
    other_deviation: float | None


@dataclass(frozen=True)
class Instead:
    """
    The best plan found in which a unit stays.

    Attributes
    ----------
    extra_price
        Price of its changes less that of the plan; a search found it, so a lower one may exist.
    within_band
        Whether every load is inside the band.
    deviation
        Largest deviation of a load, as a share.
    units
        Units that change only if this one stays.
    """

    unit: int
    extra_price: float
    within_band: bool
    deviation: float
    units: tuple[int, ...]


def explain_changes(graph: UnitGraph, today: npt.ArrayLike, plan: BeatPlan, rules: BeatRules) -> tuple[Reason, ...]:
    """
    Reason for every unit of ``plan.changes``, in order of unit.

    Each is judged alone, everything else being as planned: of two units that could stay for each other's sake, both
    are said to be bound.
    """
    before = np.asarray(today, np.int32)
    home = np.full(rules.beats, NOBODY, np.int32)
    home[plan.plan] = graph.territory
    low, high = limits_of_beats(graph, home, rules.band)
    locks = rules.locks_of(graph)
    members = {beat: set(np.flatnonzero(plan.plan == beat).tolist()) for beat in range(rules.beats)}
    reasons = []
    for change in plan.changes:
        unit, own, new, load = change.unit, int(before[change.unit]), change.to_beat, int(graph.loads[change.unit])
        around = _around(graph, unit)
        tests = {
            Binding.TOO_HEAVY: plan.loads[own] + load > high[own],
            Binding.TOO_LIGHT: plan.loads[new] - load < low[new],
            Binding.LOCKED: locks[unit] == new,
            Binding.GROUPS: home[own] != graph.territory[unit],
            Binding.CUT_OFF: not members[own].intersection(around),
            Binding.CUTS: not _in_one_piece(graph, members[new] - {unit}),
        }
        bindings = tuple(binding for binding, holds in tests.items() if holds) or (Binding.AIM,)
        about_new = bindings[0] in (Binding.TOO_LIGHT, Binding.CUTS, Binding.LOCKED)
        others = sorted({int(plan.plan[other]) for other in around} - {own, new})
        loads = [abs(_deviation(plan, beat, load)) for beat in others]
        best = others[int(np.argmin(loads))] if others and Binding.CUTS not in bindings else None
        reasons.append(
            Reason(
                unit=unit,
                from_beat=own,
                to_beat=new,
                price=change.price,
                bindings=bindings,
                beat=new if about_new else own,
                deviation=change.to_deviation_if_stayed if about_new else change.from_deviation_if_stayed,
                other_beat=best,
                other_deviation=None if best is None else _deviation(plan, best, load),
            )
        )
    return tuple(reasons)


def if_it_stayed(
    graph: UnitGraph,
    today: npt.ArrayLike,
    plan: BeatPlan,
    rules: BeatRules,
    unit: int,
    *,
    prices: npt.ArrayLike | None = None,
    seed: int = 0,
    moves_per_unit: int = 50,
) -> Instead:
    """
    Search, from the plan, for the cheapest one in which a unit stays in its beat of today.

    Parameters
    ----------
    prices
        As for :func:`layers.districting.repair`.
    seed, moves_per_unit
        Inputs, seed and effort decide the answer.

    Raises
    ------
    ValueError
        When the unit has no beat today, or a lock forbids that it stays.
    """
    before = np.asarray(today, np.int32)
    locks = rules.locks_of(graph).copy()
    if before[unit] < 0 or locks[unit] not in (NOBODY, before[unit]):
        raise ValueError(f"unit {unit} cannot stay: it has no beat today or is locked to another")
    locks[unit] = before[unit]
    price = np.ones(graph.units) if prices is None else np.asarray(prices, np.float64)
    scale = float(price[price > 0].mean()) if price.any() else 1.0
    start = plan.plan.copy()
    start[unit] = before[unit]
    start, home = plan_from_today(graph, start, rules.beats, locks, price)
    limits = limits_of_beats(graph, home, rules.band)
    board = new_board(
        graph, start, limits=limits, fixed=locks, today=before, prices=price / scale, border_price=0.0, seed=seed
    )
    anneal(board, Control(), steps=moves_per_unit * graph.units, heat=(0.3, 0.12), outside_price=(75.0, 75.0))
    changed = (before >= 0) & (board.best != before)
    loads = np.bincount(board.best, weights=graph.loads, minlength=rules.beats)
    off = np.where(plan.fair_loads > 0, loads / np.where(plan.fair_loads > 0, plan.fair_loads, 1) - 1, 0)
    return Instead(
        unit=unit,
        extra_price=float(price[changed].sum()) - plan.changed_price,
        within_band=bool(((loads >= limits[0]) & (loads <= limits[1])).all()),
        deviation=float(np.abs(off).max()),
        units=tuple(np.flatnonzero(changed & (plan.plan == before)).tolist()),
    )


def more_posts(problem: PostsProblem, most: int) -> pd.DataFrame:
    """
    What each further post would bring when it is handed out with all the others.

    A post more goes to the areas that share what the townships' fixed numbers leave; a ceiling that never bound rises.

    Parameters
    ----------
    most
        Further posts looked at, 1 or more.

    Returns
    -------
    pandas.DataFrame
        A row for 0 to ``most`` further posts (index ``more``): ``worst_load`` (Fraction, None while an area with demand
        has no post), ``worst_area`` and ``gains`` (id of the area with a post more than in the row above, NA in row 0).

    Raises
    ------
    PostsError
        When ceilings leave no room for another post.
    """
    rows, posts = problem.pools[-1]
    worst: list[Fraction | None] = []
    areas: list[int | None] = []
    gains: list[int | None] = []
    last = None
    for more in range(most + 1):
        ceiling = problem.ceiling.copy()
        ceiling[rows] += np.where(ceiling[rows] >= posts, more, 0)
        larger = replace(problem, ceiling=ceiling, pools=(*problem.pools[:-1], (rows, posts + more)))
        larger.check()
        plan = hand_out(larger)
        worst.append(plan.worst_load)
        areas.append(plan.worst_area)
        gains.append(None if last is None else int(problem.area_ids[int((plan.posts - last).argmax())]))
        last = plan.posts
    index = pd.RangeIndex(most + 1, name="more")
    return pd.DataFrame(
        {
            "worst_load": pd.Series(worst, index=index, dtype=object),
            "worst_area": pd.Series(areas, index=index, dtype="Int64"),
            "gains": pd.Series(gains, index=index, dtype="Int64"),
        }
    )


def _around(graph: UnitGraph, unit: int) -> list[int]:
    around: list[int] = graph.neighbours[graph.offsets[unit] : graph.offsets[unit + 1]].tolist()
    return around


def _deviation(plan: BeatPlan, beat: int, more: int) -> float:
    """Signed deviation of a beat's load from its fair load with so much more."""
    fair = float(plan.fair_loads[beat])
    return (float(plan.loads[beat]) + more) / fair - 1 if fair > 0 else 0.0


def _in_one_piece(graph: UnitGraph, units: set[int]) -> bool:
    """Whether units are connected; an empty set is not."""
    if not units:
        return False
    first = next(iter(units))
    reached, waiting = {first}, [first]
    for unit in waiting:
        found = units.intersection(_around(graph, unit)) - reached
        reached |= found
        waiting.extend(found)
    return len(reached) == len(units)
