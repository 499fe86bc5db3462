"""Beats (责任区): contiguous, balanced groups of compounds, drawn from scratch or mended with few changes from today's.

Territory design on an adjacency graph (Kalcsics & Ríos-Mercado 2019). Contiguity is checked before every move and
proved again, by a plain search that shares nothing with it, on every plan handed out. Work is counted in tried moves,
not in seconds: the same inputs and seed give the same plan, unless a deadline or the user stops the search; then the
best plan so far is returned.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from layers._bounds import least_change
from layers._exact import SMALL_UNITS, fewest_changes, least_border
from layers._graph import FloatArray, IntArray, UnitGraph, unit_graph
from layers._plan import BeatPlan, Change, Proof, describe, limits_of_beats
from layers._rules import NOBODY, BeatRules, Breach, Violation, verify_plan
from layers._search import Control, Progress, anneal, is_inside, new_board
from layers._starts import plan_from_scratch, plan_from_today

__all__ = [
    "BeatPlan",
    "BeatRules",
    "Breach",
    "Change",
    "Progress",
    "Proof",
    "UnitGraph",
    "Violation",
    "partition",
    "repair",
    "unit_graph",
    "verify_plan",
]


def partition(
    graph: UnitGraph,
    beats: int,
    *,
    band: float = 0.05,
    locks: npt.ArrayLike | None = None,
    seed: int = 0,
    moves_per_unit: int = 300,
    prove_s: float = 0.0,
    deadline_s: float | None = None,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> BeatPlan:
    """
    Draw beats from scratch: all inside the band, then with as little border between beats as the search finds.

    Parameters
    ----------
    graph
        Units, loads and borders from :func:`unit_graph`.
    beats
        Number of beats, at least one for each separate part of the graph. Parts get beats by Adams' rule.
    band
        Greatest deviation from the fair load of a beat's part of the graph, as a share.
    locks
        Shape (n,): beat that a unit must be in, -1 = free. A seed is a lock of one unit.
    seed
        Whole number; another seed gives another plan.
    moves_per_unit
        Effort: moves tried, for each unit.
    prove_s
        Seconds that the proof of a small case (up to ``SMALL_UNITS`` units) may take; 0 = no proof.
    deadline_s, cancelled, progress
        Limit on the search in seconds; asked between slices of work; told of the best plan so far.

    Returns
    -------
    BeatPlan
        Contiguous in any case; look at ``violations`` for the rest.

    Raises
    ------
    ValueError
        When the rules do not fit the graph, or locked units of a beat cannot be joined.
    """
    control = Control(deadline_s, cancelled, progress)
    rules, fixed = _rules(graph, beats, band, locks)
    start, home = plan_from_scratch(graph, beats, fixed, seed)
    limits = limits_of_beats(graph, home, band)
    nobody = np.full(graph.units, NOBODY, np.int32)
    prices = np.ones(graph.units)
    mean_border = float(graph.borders.mean()) if graph.borders.any() else 1.0
    board = new_board(
        graph, start, limits=limits, fixed=fixed, today=nobody, prices=prices, border_price=1 / mean_border, seed=seed
    )
    anneal(board, control, steps=moves_per_unit * graph.units, heat=(2.0, 0.1), outside_price=(2.0, 100.0))
    plan, least_cut_m = board.best.copy(), None
    if prove_s > 0 and graph.units <= SMALL_UNITS and graph.territories == 1 and not (fixed >= 0).any():
        known = float(board.standing[3]) * mean_border if is_inside(board) else np.inf
        proved = least_border(graph, limits, known=known, deadline_s=prove_s)
        if proved is not None:
            plan, least_cut_m = proved
    return describe(
        graph, plan, rules, today=nobody, prices=prices, least_cut_border_m=least_cut_m,
        stopped=control.stopped, trace=tuple(control.trace),
    )  # fmt: skip


def repair(
    graph: UnitGraph,
    plan: npt.ArrayLike,
    *,
    beats: int | None = None,
    band: float = 0.05,
    prices: npt.ArrayLike | None = None,
    locks: npt.ArrayLike | None = None,
    seed: int = 0,
    moves_per_unit: int = 500,
    prove_s: float = 0.0,
    deadline_s: float | None = None,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> BeatPlan:
    """
    Bring today's plan back inside the band with the cheapest changes that the search finds.

    Parameters
    ----------
    plan
        Shape (n,): beat of each unit today, -1 = nobody's (new compound, officer gone): costs nothing to assign.
        Today's plan may break any rule.
    beats
        Number of beats; more than today adds empty ones to be filled, default: as many as the plan names.
    prices
        Shape (n,): what it costs when a unit leaves its beat of today, 0 or more; the addresses in it, for example.
        Default 1 for every unit: fewest changed units.
    prove_s
        Seconds that the lower bound on the changes may take; 0 = none is computed. Up to ``SMALL_UNITS`` units it is
        the best plan itself, among all; beyond, see `layers._bounds.least_change` for the plans that it is about.
    graph, band, locks, seed, moves_per_unit, deadline_s, cancelled, progress
        As for :func:`partition`; the deadline limits the search, ``prove_s`` the proof after it; who cancels
        ends both.

    Returns
    -------
    BeatPlan
        With every changed unit and what the deviations would be if it stayed.

    Raises
    ------
    ValueError
        When the plan, prices or rules do not fit the graph, or locked units of a beat cannot be joined.
    """
    control = Control(deadline_s, cancelled, progress)
    today = np.asarray(plan, np.int32)
    if today.shape != (graph.units,) or (today < NOBODY).any():
        raise ValueError("the plan must name a beat, or -1, for every unit")
    count = int(today.max()) + 1 if beats is None else beats
    if today.max() >= count:
        raise ValueError(f"the plan names beat {int(today.max())}, but there are {count} beats")
    rules, fixed = _rules(graph, count, band, locks)
    price = _prices(graph, prices)
    start, home = plan_from_today(graph, today, count, fixed, price)
    limits = limits_of_beats(graph, home, band)
    scale = float(price[price > 0].mean()) if price.any() else 1.0
    board = new_board(
        graph, start, limits=limits, fixed=fixed, today=today, prices=price / scale, border_price=0.0, seed=seed
    )
    anneal(board, control, steps=moves_per_unit * graph.units, heat=(0.5, 0.15), outside_price=(1.0, 75.0))
    best, least = board.best.copy(), None
    if prove_s > 0 and graph.units <= SMALL_UNITS:
        known = float(price[(today >= 0) & (best != today)].sum()) if is_inside(board) else np.inf
        proved = fewest_changes(graph, today, limits, prices=price, locks=fixed, known=known, deadline_s=prove_s)
        if proved is not None:
            best, least = proved
    if prove_s > 0 and least is None:
        least = least_change(
            graph, today, limits, prices=price, locks=fixed, deadline_s=prove_s, plan=best, cancelled=cancelled
        )
    return describe(
        graph, best, rules, today=today, prices=price, least_price=least,
        stopped=control.stopped, trace=tuple(control.trace),
    )  # fmt: skip


def _rules(graph: UnitGraph, beats: int, band: float, locks: npt.ArrayLike | None) -> tuple[BeatRules, IntArray]:
    rules = BeatRules(beats, band, None if locks is None else np.asarray(locks, np.int32))
    return rules, rules.locks_of(graph)


def _prices(graph: UnitGraph, prices: npt.ArrayLike | None) -> FloatArray:
    price = np.ones(graph.units) if prices is None else np.asarray(prices, np.float64)
    if price.shape != (graph.units,) or not (np.isfinite(price) & (price >= 0)).all():
        raise ValueError("prices must be a finite number of 0 or more for every unit")
    return price
