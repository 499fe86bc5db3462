"""A plan of beats with everything that is known about it: loads, changes, bounds, proof, reasons."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from layers._bounds import least_worst_load
from layers._graph import FloatArray, IntArray, LoadArray, UnitGraph
from layers._rules import BeatRules, Breach, Violation, load_limits, verify_plan


class Proof(StrEnum):
    """What is known about how good a plan is for its aim (price of changes, or border between beats)."""

    OPTIMAL = "optimal"
    BOUND = "bound"
    NO_PROVEN_GAP = "no_proven_gap"


@dataclass(frozen=True)
class Change:
    """Why a unit changes its beat: the deviations (signed shares of the fair load) if it alone stayed."""

    unit: int
    from_beat: int
    to_beat: int
    price: float
    from_deviation: float
    to_deviation: float
    from_deviation_if_stayed: float
    to_deviation_if_stayed: float


@dataclass(frozen=True)
class BeatPlan:
    """
    A plan and what is known about it.

    Attributes
    ----------
    plan
        Shape (n,), int32: beat of each unit.
    loads, fair_loads
        Shape (beats,): load of each beat, and the load that it would have if its territory were shared out evenly.
    deviation
        Largest absolute deviation of a beat's load from its fair load, as a share.
    least_deviation
        No plan with as many beats in each territory has a smaller deviation (proved).
    cut_edges, cut_border_m
        Borders between units of different beats: their number and their length (as many metres as borders when lengths
        were not given).
    changed_units, changed_price
        Units with a beat today and another in the plan, and their prices; 0 when there was no plan today.
    least_price
        No plan inside the band whose beats stay in place (`layers._bounds.least_change`) changes less (proved), None
        when that was not computed.
    least_cut_border_m
        No plan inside the band has less border between beats (proved), None when that was not computed.
    proof
        What is known about the aim. ``NO_PROVEN_GAP`` means just that.
    violations
        What an independent check found wrong; empty for a plan that holds.
    stopped
        ``deadline`` or ``cancelled`` when the search was stopped, else None: then inputs and seed decide the plan.
    trace
        (share of the work done, cost outside the band, cost inside it) of the best plan after every slice of work.
    """

    plan: IntArray
    loads: LoadArray
    fair_loads: FloatArray
    deviation: float
    least_deviation: float
    cut_edges: int
    cut_border_m: float
    changed_units: int
    changed_price: float
    least_price: float | None
    least_cut_border_m: float | None
    proof: Proof
    violations: tuple[Violation, ...]
    changes: tuple[Change, ...]
    stopped: str | None
    trace: tuple[tuple[float, float, float], ...]

    @property
    def within_band(self) -> bool:
        """Whether every beat's load is inside the band."""
        return not any(violation.breach is Breach.OUTSIDE_BAND for violation in self.violations)


def limits_of_beats(graph: UnitGraph, home: IntArray, band: float) -> tuple[LoadArray, LoadArray]:
    """Least and greatest load of each beat, from the fair load of the territory that it is at home in."""
    total, beats = _territories(graph, home)
    low, high = load_limits(total, beats, band)
    return low[home], high[home]


def describe(
    graph: UnitGraph,
    plan: IntArray,
    rules: BeatRules,
    *,
    today: IntArray,
    prices: FloatArray,
    least_price: float | None = None,
    least_cut_border_m: float | None = None,
    stopped: str | None = None,
    trace: tuple[tuple[float, float, float], ...] = (),
) -> BeatPlan:
    """Measure a contiguous plan, check it independently, and say why each changed unit changes."""
    home = np.empty(rules.beats, np.int32)
    home[plan] = graph.territory
    total, count = _territories(graph, home)
    fair = (total / count)[home]
    loads = np.zeros(rules.beats, np.int64)
    np.add.at(loads, plan, graph.loads)
    signed = _deviation(loads, fair)
    least_high = np.array(
        [least_worst_load(graph.loads[graph.territory == place], int(count[place])) for place in range(len(total))]
    )
    lower, higher, border = graph.pairs()
    cut = plan[lower] != plan[higher]
    changed = np.flatnonzero((today >= 0) & (plan != today))
    changed_price = float(prices[changed].sum())
    cut_border_m = float(border[cut].sum())
    aim, bound = (changed_price, least_price) if least_price is not None else (cut_border_m, least_cut_border_m)
    violations = tuple(verify_plan(graph, plan, rules))
    return BeatPlan(
        plan=plan,
        loads=loads,
        fair_loads=fair,
        deviation=float(np.abs(signed).max()),
        least_deviation=float(np.maximum(_deviation(least_high, total / count), 0).max()),
        cut_edges=int(cut.sum()),
        cut_border_m=cut_border_m,
        changed_units=len(changed),
        changed_price=changed_price,
        least_price=least_price,
        least_cut_border_m=least_cut_border_m,
        proof=_proof(aim, bound, sound=not violations),
        violations=violations,
        changes=_changes(graph, plan, today, prices, loads, fair, changed),
        stopped=stopped,
        trace=trace,
    )


def _territories(graph: UnitGraph, home: IntArray) -> tuple[LoadArray, LoadArray]:
    """Load and number of beats of each territory."""
    total = np.zeros(graph.territories, np.int64)
    np.add.at(total, graph.territory, graph.loads)
    return total, np.bincount(home, minlength=graph.territories).astype(np.int64)


def _deviation(loads: LoadArray, fair: FloatArray) -> FloatArray:
    """Signed share by which loads differ from what is fair; 0 where nothing is there to share."""
    signed: FloatArray = np.where(fair > 0, loads / np.where(fair > 0, fair, 1.0) - 1.0, 0.0)
    return signed


def _proof(aim: float, bound: float | None, *, sound: bool) -> Proof:
    if bound is None or not sound:
        return Proof.NO_PROVEN_GAP
    return Proof.OPTIMAL if aim <= bound * (1 + 1e-9) + 1e-6 else Proof.BOUND


def _changes(
    graph: UnitGraph,
    plan: IntArray,
    today: IntArray,
    prices: FloatArray,
    loads: LoadArray,
    fair: FloatArray,
    changed: LoadArray,
) -> tuple[Change, ...]:
    signed = _deviation(loads, fair)
    before, after, load = today[changed], plan[changed], graph.loads[changed]
    kept = _deviation(loads[before] + load, fair[before])
    without = _deviation(loads[after] - load, fair[after])
    return tuple(
        Change(*whole, *shares)
        for whole, shares in zip(
            zip(changed.tolist(), before.tolist(), after.tolist(), prices[changed].tolist(), strict=True),
            zip(signed[before].tolist(), signed[after].tolist(), kept.tolist(), without.tolist(), strict=True),
            strict=True,
        )
    )
