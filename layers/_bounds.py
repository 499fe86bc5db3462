"""What no plan can beat: bounds on balance and on changes, each valid for every contiguous plan."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import numpy as np
import numpy.typing as npt
from ortools.sat.python import cp_model
from scipy.sparse import csr_array

from layers._graph import FloatArray, IntArray, LoadArray, UnitGraph

REACH = 2
"""borders from its units of today that a beat reaches over, in the plans that the bound on changes is for"""
_FARTHEST = 6
_FINEST_PRICE = 1_000
_LOOK_EVERY_S = 0.2
_FROM_BELOW = ("lb_tree_search", "objective_lb_search_max_lp")
"""ways of searching of the solver that raise the bound; a plan is there already, so none is spent on better ones"""


def least_worst_load(loads: LoadArray, beats: int) -> int:
    """
    Load that the heaviest of some beats has at least, whoever draws them.

    The largest of: the mean rounded up, the heaviest unit, and the sum of the k-th and (k + 1)-th heaviest units (two
    of the k + 1 heaviest share one of k beats).
    """
    ordered = np.sort(loads)[::-1]
    two = int(ordered[beats - 1] + ordered[beats]) if len(ordered) > beats else 0
    return max(-(-int(loads.sum()) // beats), int(ordered[0]), two)


def least_change(
    graph: UnitGraph,
    today: IntArray,
    limits: tuple[LoadArray, LoadArray],
    *,
    prices: FloatArray,
    locks: IntArray,
    deadline_s: float,
    plan: IntArray | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> float:
    """
    Lower bound on the price of changed units over the contiguous plans inside the limits whose beats stay in place.

    A beat stays in place when it keeps a unit of today and takes none that is more than `REACH` borders away from its
    units of today; farther when a lock or `plan` takes it there. Beats that have no unit today, or none that they may
    keep, may be anywhere.
    A relaxation in whole numbers, searched from below by CP-SAT; the bound is the one proved when it ends or time runs
    out. Loads are exact. Contiguity is asked for in part: whoever is in a beat of two units or more has a neighbour in
    it, and units that vouch for each other need another one. Where the best answer has a beat in pieces all the same, a
    piece is told to find a way to the rest, and the question is asked again.

    Parameters
    ----------
    plan
        A plan inside the limits, where the search may begin; none is needed.
    cancelled
        Asked every 0.2 s, from another thread while this one computes; what is proved until then is the bound.

    Returns
    -------
    float
        0 or more (0 when nothing was proved), ``inf`` when no plan inside the limits exists.
    """
    until = time.monotonic() + deadline_s
    # rounded down: what is proved of smaller prices holds of the real ones
    scale = 1.0 if np.array_equal(prices, np.floor(prices)) else _FINEST_PRICE / max(float(prices.max()), 1e-12)
    relaxation = _Relaxation(graph, today, limits, locks, np.floor(prices * scale).astype(np.int64), plan)
    if plan is not None:
        relaxation.begin_at(plan)
    proved = 0.0
    while (left := until - time.monotonic()) > 0 and not (cancelled and cancelled()):
        bound, found = relaxation.solve(left, cancelled)
        if bound == np.inf:
            return float("inf")
        proved = max(proved, bound)
        if found is None or not relaxation.mend(found):
            break
    return proved / scale


class _Relaxation:
    """The model: which beat each unit is in, among those within reach."""

    def __init__(
        self,
        graph: UnitGraph,
        today: IntArray,
        limits: tuple[LoadArray, LoadArray],
        locks: IntArray,
        prices: npt.NDArray[np.int64],
        plan: IntArray | None,
    ) -> None:
        self.graph, self.today = graph, today
        self.beats = len(limits[0])
        self.model = cp_model.CpModel()
        self.ring = _rings(graph, today, self.beats)
        reach = _reaches(self.ring, locks, plan)
        self.ring[:, reach < 0] = _FARTHEST
        self.ring[self.ring > np.where(reach < 0, _FARTHEST, reach)] = _FARTHEST + 1
        self.inside: list[dict[int, cp_model.IntVar]] = [{} for _ in range(self.beats)]
        for unit in range(graph.units):
            near = np.flatnonzero(self.ring[unit] <= _FARTHEST).tolist()
            for beat in near:
                self.inside[beat][unit] = self.model.new_bool_var("")
            self.model.add_exactly_one(self.inside[beat][unit] for beat in near)
            if locks[unit] >= 0:
                self.model.add(self.inside[locks[unit]][unit] == 1)
        loads = graph.loads.tolist()
        for beat, inside in enumerate(self.inside):
            load = cp_model.LinearExpr.weighted_sum(list(inside.values()), [loads[unit] for unit in inside])
            self.model.add_linear_constraint(load, int(limits[0][beat]), int(limits[1][beat]))
            self._keep_company(beat, int(limits[0][beat]))
        held = np.flatnonzero(today >= 0).tolist()
        stays = [self.inside[today[unit]][unit] for unit in held]
        cost = prices[held]
        self.model.minimize(int(cost.sum()) - cp_model.LinearExpr.weighted_sum(stays, cost.tolist()))

    def begin_at(self, plan: IntArray) -> None:
        """Hint at a plan."""
        for beat, inside in enumerate(self.inside):
            for unit, variable in inside.items():
                self.model.add_hint(variable, int(plan[unit] == beat))

    def solve(self, seconds: float, cancelled: Callable[[], bool] | None) -> tuple[float, IntArray | None]:
        """The proved bound, and the beat of each unit in the best answer (None without one; -1 = far)."""
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.num_workers = len(_FROM_BELOW)
        solver.parameters.subsolvers.extend(_FROM_BELOW)
        solver.parameters.linearization_level = 2
        solver.parameters.random_seed = 1
        with _stopped_when(cancelled, solver):
            status = solver.solve(self.model)
        if status == cp_model.INFEASIBLE:
            return float("inf"), None
        bound = max(float(np.ceil(solver.best_objective_bound - 1e-6)), 0.0)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return bound, None
        found = np.full(self.graph.units, -1, np.int32)
        for beat, inside in enumerate(self.inside):
            found[[unit for unit, variable in inside.items() if solver.boolean_value(variable)]] = beat
        return bound, found

    def mend(self, found: IntArray) -> bool:
        """Forbid every piece that has come off a beat; False when there is none."""
        broken = False
        for beat in range(self.beats):
            pieces = _pieces(self.graph, np.flatnonzero(found == beat).tolist())
            main = max(pieces, key=lambda piece: (self._kept(piece, beat), len(piece)), default=set())
            for piece in pieces:
                if piece is not main:
                    broken = True
                    self._ask_for_a_way(piece, main, beat)
        self.model.clear_hints()
        return broken

    def _kept(self, piece: set[int], beat: int) -> int:
        return sum(int(self.today[unit]) == beat for unit in piece)

    def _keep_company(self, beat: int, least: int) -> None:
        """A unit has a neighbour in its beat unless it can be a beat by itself; a far pair, one nearer or beyond."""
        inside = self.inside[beat]
        for unit, variable in inside.items():
            if self.graph.loads[unit] >= least:
                continue
            self.model.add_bool_or(~variable, *self._around({unit}, beat))
            ring = int(self.ring[unit, beat])
            # a set without today's units is left for its way to them
            group = {unit, *(other for other in self._near(unit) if self.ring[other, beat] >= max(ring, 2))}
            if ring >= 2 and len(group) > 1 and (self.ring[:, beat] == 0).any():
                self.model.add_bool_or(~variable, *self._around(group, beat))

    def _ask_for_a_way(self, piece: set[int], main: set[int], beat: int) -> None:
        inside, way = self.inside[beat], self._around(piece, beat)
        target = next((unit for unit in sorted(main) if self.today[unit] == beat), min(main))
        for unit in sorted(piece):
            self.model.add_bool_or(~inside[unit], ~inside[target], *way)

    def _near(self, unit: int) -> list[int]:
        near: list[int] = self.graph.neighbours[self.graph.offsets[unit] : self.graph.offsets[unit + 1]].tolist()
        return near

    def _around(self, piece: set[int], beat: int) -> list[cp_model.IntVar]:
        """The units within reach that border a piece, as members of a beat."""
        border = {other for unit in piece for other in self._near(unit)} - piece
        return [self.inside[beat][unit] for unit in sorted(border) if unit in self.inside[beat]]


@contextmanager
def _stopped_when(cancelled: Callable[[], bool] | None, solver: cp_model.CpSolver) -> Iterator[None]:
    """Stop the solver as soon as somebody wants it stopped."""
    if cancelled is None:
        yield
        return
    over = Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY_S):
            if cancelled():
                solver.stop_search()
                return

    looking = Thread(target=look, name="bound is wanted", daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()


def _reaches(ring: npt.NDArray[np.int64], locks: IntArray, plan: IntArray | None) -> npt.NDArray[np.int64]:
    """Over how many borders each beat reaches, -1 = it may be anywhere."""
    beats = np.arange(ring.shape[1])
    reach = np.full(len(beats), REACH)
    nowhere = ~(ring == 0).any(axis=0)
    for asked in (locks, plan):
        if asked is None:
            continue
        units = np.flatnonzero(asked >= 0)
        np.maximum.at(reach, asked[units], ring[units, asked[units]])
        stays = ring == 0
        stays[units] &= asked[units, None] == beats
        nowhere |= ~stays.any(axis=0)
    return np.where(nowhere | (reach > _FARTHEST), -1, reach)


def _pieces(graph: UnitGraph, units: list[int]) -> list[set[int]]:
    """The connected pieces of some units."""
    left, pieces = set(units), []
    while left:
        piece, waiting = set(), [left.pop()]
        while waiting:
            unit = waiting.pop()
            piece.add(unit)
            near = left.intersection(graph.neighbours[graph.offsets[unit] : graph.offsets[unit + 1]].tolist())
            left -= near
            waiting += near
        pieces.append(piece)
    return pieces


def _rings(graph: UnitGraph, today: IntArray, beats: int) -> npt.NDArray[np.int64]:
    """Borders between each unit and each beat's units of today, shape (units, beats), ``_FARTHEST`` + 1 beyond."""
    count = graph.units
    shape = (count, count)
    adjacent = csr_array((np.ones(len(graph.neighbours), np.float32), graph.neighbours, graph.offsets), shape=shape)
    held = np.flatnonzero(today >= 0)
    near = np.zeros((count, beats), np.bool_)
    near[held, today[held]] = True
    ring = np.where(near, 0, _FARTHEST + 1)
    for step in range(1, _FARTHEST + 1):
        near = near | ((adjacent @ near.astype(np.float32)) > 0)
        ring[near & (ring > _FARTHEST)] = step
    return ring
