"""Small cases to proof: every contiguous beat inside the limits is listed, and the best cover is chosen."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array, eye_array, hstack, vstack

from layers._compiled import compiled
from layers._graph import FloatArray, IntArray, LoadArray, UnitGraph

SMALL_UNITS = 40
"""up to so many units the beats are listed"""
_MOST_BEATS = 400_000
_MOST_STEPS = 60_000_000
_MOST_WHOLE = 30_000
_ADDED = 2_000
_TINY = 1e-7

BitArray = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class _Listed:
    """Beats that a plan may consist of: shape (beats, units) who is inside, what each costs, and its name."""

    inside: FloatArray
    cost: FloatArray
    name: npt.NDArray[np.int64]

    def matrix(self, chosen: npt.NDArray[np.int64], names: int) -> csr_array:
        """Units and names (rows) of some of the beats (columns)."""
        bears = coo_array(
            (np.ones(len(chosen)), (self.name[chosen], np.arange(len(chosen)))), shape=(names, len(chosen))
        )
        return csr_array(vstack([csr_array(self.inside[chosen].T), bears]))


def least_border(
    graph: UnitGraph, limits: tuple[LoadArray, LoadArray], *, known: float, deadline_s: float
) -> tuple[IntArray, float] | None:
    """
    The plan inside equal limits with the least border between beats, and that border in metres.

    ``known`` is the border of a plan inside the limits that is known already, infinite when none is.

    Returns
    -------
    tuple of plan and length, or None
        None when there is no such plan, there are too many beats to list, or the time was too short.
    """
    until = time.monotonic() + deadline_s
    sets = _connected_sets(_masks(graph), graph.loads, int(limits[0].min()), int(limits[1].max()))
    if sets is None or not len(sets):
        return None
    inside = _members(sets, graph.units)
    lower, higher, border = graph.pairs()
    cost = (inside[:, lower] != inside[:, higher]) @ border / 2  # each border is counted by the beats on both sides
    listed = _Listed(inside.astype(np.float64), cost, np.zeros(len(sets), np.int64))
    chosen = _cover(listed, np.array([float(len(limits[0]))]), known, until)
    if chosen is None:
        return None
    plan = np.empty(graph.units, np.int32)
    for beat, place in enumerate(chosen):
        plan[inside[place]] = beat
    return plan, float(cost[chosen].sum())


def fewest_changes(
    graph: UnitGraph,
    today: IntArray,
    limits: tuple[LoadArray, LoadArray],
    *,
    prices: FloatArray,
    locks: IntArray,
    known: float,
    deadline_s: float,
) -> tuple[IntArray, float] | None:
    """
    The plan inside the limits whose changed units cost least, and that price.

    Parameters
    ----------
    known
        Price of a plan inside the limits that is known already, infinite when none is; dearer beats are left out.

    Returns
    -------
    tuple of plan and price, or None
        As for :func:`least_border`.
    """
    until = time.monotonic() + deadline_s
    sets = _connected_sets(_masks(graph), graph.loads, int(limits[0].min()), int(limits[1].max()))
    if sets is None or not len(sets):
        return None
    inside = _members(sets, graph.units)
    beats = len(limits[0])
    load = inside @ graph.loads
    price = np.where(today >= 0, prices, 0.0)
    joining = (inside * price).sum(axis=1)[:, None] - np.stack(
        [inside @ (price * (today == beat)) for beat in range(beats)], 1
    )
    locked = np.stack([inside @ ((locks >= 0) & (locks != beat)) for beat in range(beats)], 1) > 0
    fits = (load[:, None] >= limits[0]) & (load[:, None] <= limits[1]) & ~locked & (joining <= known + 1e-6)
    place, beat = np.nonzero(fits)
    if not len(place) or len(place) > _MOST_BEATS:
        return None
    listed = _Listed(inside[place].astype(np.float64), joining[place, beat], beat)
    chosen = _cover(listed, np.ones(beats), known, until)
    if chosen is None:
        return None
    plan = np.empty(graph.units, np.int32)
    for column in chosen:
        plan[inside[place[column]]] = beat[column]
    return plan, float(listed.cost[chosen].sum())


def _cover(listed: _Listed, times: FloatArray, known: float, until: float) -> npt.NDArray[np.int64] | None:
    """Cheapest beats that hold every unit once and bear every name so many times; None without a proof.

    The linear relaxation is solved on few beats, and those that its prices call for are added until none is missing. A
    beat whose reduced cost is more than the gap to a known plan is in no better plan (reduced-cost fixing); the rest
    is solved in whole numbers.
    """
    once = np.concatenate([np.ones(listed.inside.shape[1]), times])
    used = np.argsort(listed.cost, kind="stable")[:_ADDED]
    while time.monotonic() < until:
        bound, duals = _relaxed(listed, used, once, known)
        reduced = listed.cost - listed.inside @ duals[: -len(times)] - duals[-len(times) :][listed.name]
        wanted = np.flatnonzero(reduced < -_TINY)
        if not len(wanted):
            break
        used = np.union1d(used, wanted[np.argsort(reduced[wanted], kind="stable")[:_ADDED]])
    else:
        return None
    best = _in_whole_numbers(listed, np.argsort(reduced, kind="stable")[:_ADDED], once, until)
    if best is not None:
        known = min(known, float(listed.cost[best].sum()))
    kept = np.flatnonzero(reduced <= known - bound + max(1e-6, 1e-9 * abs(known)))
    return _in_whole_numbers(listed, kept, once, until) if 0 < len(kept) <= _MOST_WHOLE else None


def _in_whole_numbers(
    listed: _Listed, kept: npt.NDArray[np.int64], once: FloatArray, until: float
) -> npt.NDArray[np.int64] | None:
    """The cheapest cover by some of the beats, None when it was not proved or does not exist."""
    if time.monotonic() >= until:
        return None
    result = milp(
        listed.cost[kept],
        integrality=np.ones(len(kept), np.int8),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(listed.matrix(kept, len(once) - listed.inside.shape[1]), once, once),
        options={"time_limit": until - time.monotonic(), "mip_rel_gap": 0.0},
    )
    return kept[result.x > 0.5] if result.status == 0 else None


def _relaxed(listed: _Listed, used: npt.NDArray[np.int64], once: FloatArray, known: float) -> tuple[float, FloatArray]:
    """Value and row prices of the linear relaxation on some beats; what they cannot cover costs more than any plan."""
    finite = known if np.isfinite(known) else float(listed.cost.max()) * len(once)
    matrix = hstack([listed.matrix(used, len(once) - listed.inside.shape[1]), eye_array(len(once))])
    result = linprog(
        np.concatenate([listed.cost[used], np.full(len(once), 2.0 * finite + 1.0)]),
        A_eq=matrix,  # type: ignore[call-overload]  # the stubs do not know sparse matrices, the solver does
        b_eq=once,
        method="highs",
    )
    return float(result.fun), np.asarray(result.eqlin.marginals)


def _masks(graph: UnitGraph) -> BitArray:
    """Neighbours of each unit as bits of one number."""
    if graph.units > SMALL_UNITS:
        raise ValueError(f"beats are listed for {SMALL_UNITS} units at most, not {graph.units}")
    masks = np.zeros(graph.units, np.uint64)
    rows = np.repeat(np.arange(graph.units), np.diff(graph.offsets))
    np.bitwise_or.at(masks, rows, np.uint64(1) << graph.neighbours.astype(np.uint64))
    return masks


def _members(sets: BitArray, units: int) -> npt.NDArray[np.bool_]:
    """Shape (sets, units): which units each set holds."""
    return ((sets[:, None] >> np.arange(units, dtype=np.uint64)) & np.uint64(1)).astype(np.bool_)


def _connected_sets(masks: BitArray, loads: LoadArray, lowest: int, highest: int) -> BitArray | None:
    """Every connected set of units with a load inside the limits, once; None when there are too many."""
    found = np.empty(_MOST_BEATS, np.uint64)
    count = _list_sets(masks, loads, lowest, highest, found)
    return found[:count] if count >= 0 else None


@compiled
def _list_sets(masks: BitArray, loads: LoadArray, lowest: int, highest: int, found: BitArray) -> int:
    """Branch on the next bordering unit, in or out for good; a set is found from its lowest unit. -1 = too many."""
    units = len(masks)
    one = np.uint64(1)
    inside, open_, barred = (
        np.empty(units + 1, np.uint64),
        np.empty(units + 1, np.uint64),
        np.empty(units + 1, np.uint64),
    )
    load = np.empty(units + 1, np.int64)
    count, steps = 0, 0
    for root in range(units):
        top = 0
        inside[0] = one << np.uint64(root)
        barred[0] = (one << np.uint64(root + 1)) - one
        open_[0] = masks[root] & ~barred[0]
        load[0] = loads[root]
        while top >= 0:
            steps += 1
            if steps > _MOST_STEPS:
                return -1
            if load[top] > highest:
                top -= 1
                continue
            if open_[top] == 0:
                if load[top] >= lowest:
                    if count == len(found):
                        return -1
                    found[count] = inside[top]
                    count += 1
                top -= 1
                continue
            unit = 0
            while not (open_[top] >> np.uint64(unit)) & one:
                unit += 1
            bit = one << np.uint64(unit)
            barred[top] |= bit
            open_[top] &= ~bit
            inside[top + 1] = inside[top] | bit
            barred[top + 1] = barred[top]
            open_[top + 1] = (open_[top] | masks[unit]) & ~barred[top]
            load[top + 1] = load[top] + loads[unit]
            top += 1
    return count
