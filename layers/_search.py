"""The search for a better plan: slices of random moves at falling temperature, stoppable between any two."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from layers._draws import draw_state
from layers._graph import FloatArray, IntArray, LoadArray, UnitGraph
from layers._moves import Board, measure, resplit, walk

_SLICES = 60
_RESPLITS_PER_SLICE = 20
_LARGEST_RESPLIT = 3
_PATIENCE = 30
_STEPS_PER_LOOK = 10_000
_DEARER = 1.15
_DRIFT = 1e-3


@dataclass(frozen=True)
class Progress:
    """What is known while the search runs: share of the work done, and the best plan so far."""

    done: float
    within_band: bool
    cost: float
    plan: IntArray


@dataclass
class Control:
    """How a run can be watched and stopped. A run that nothing stops is decided by its inputs and seed alone."""

    deadline_s: float | None = None
    cancelled: Callable[[], bool] | None = None
    progress: Callable[[Progress], None] | None = None
    started: float = field(default_factory=time.monotonic)
    stopped: str | None = None
    trace: list[tuple[float, float, float]] = field(default_factory=list)

    def may_go_on(self) -> bool:
        """Whether neither the deadline nor the user has stopped the run; remembers which did."""
        if self.stopped is None and self.cancelled is not None and self.cancelled():
            self.stopped = "cancelled"
        if self.stopped is None and self.deadline_s is not None and self.elapsed_s() >= self.deadline_s:
            self.stopped = "deadline"
        return self.stopped is None

    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def report(self, done: float, board: Board) -> None:
        """Tell the listener and the trace of the best plan so far."""
        outside, cost = float(board.standing[2]), float(board.standing[3])
        self.trace.append((round(done, 4), outside, cost))
        if self.progress is not None:
            self.progress(Progress(done, is_inside(board), cost, board.best.copy()))


def is_inside(board: Board) -> bool:
    """Whether every beat of the best plan so far is inside its limits (one outside costs 1 or more; sums drift)."""
    return bool(board.standing[2] < _DRIFT)


def new_board(
    graph: UnitGraph,
    plan: IntArray,
    *,
    limits: tuple[LoadArray, LoadArray],
    fixed: IntArray,
    today: IntArray,
    prices: FloatArray,
    border_price: float,
    seed: int,
) -> Board:
    """A board on a copy of the plan; ``limits`` are for each beat, ``fixed`` for each unit (-1 = free)."""
    units, beats = graph.units, len(limits[0])
    return Board(
        offsets=graph.offsets,
        neighbours=graph.neighbours,
        borders=graph.borders,
        loads=graph.loads,
        fixed=fixed >= 0,
        today=today,
        prices=prices,
        lowest=limits[0],
        highest=limits[1],
        aims=np.array([border_price, 1.0, 1.0, 0.5]),
        plan=plan.copy(),
        beat_load=np.zeros(beats, np.int64),
        beat_units=np.zeros(beats, np.int32),
        draws=draw_state(seed),
        mark=np.zeros(units + 1, np.int64),
        queue=np.zeros(units, np.int32),
        standing=np.full(4, np.inf),
        best=plan.copy(),
    )


def anneal(
    board: Board,
    control: Control,
    *,
    steps: int,
    heat: tuple[float, float],
    outside_price: tuple[float, float],
) -> None:
    """
    Lower the temperature from ``heat[0]`` to ``heat[1]`` over ``steps`` tried moves; ``board.best`` is the result.

    ``outside_price`` is what a beat outside its limits costs, and what leaving them by a whole load costs on top.
    """
    board.aims[1:3] = outside_price
    measure(board)
    board.standing[2:] = board.standing[:2]
    for number in range(_SLICES):
        now = heat[0] * (heat[1] / heat[0]) ** (number / (_SLICES - 1))
        _one_slice(board, control, steps // _SLICES, now)
        if control.stopped is not None:
            break
        if number > _PATIENCE and board.standing[2] > 0:
            _raise_price(board)
        control.report((number + 1) / _SLICES, board)


def _one_slice(board: Board, control: Control, steps: int, heat: float) -> None:
    """Re-splits, then moves at one temperature, with a look at the clock every few hundredths of a second."""
    for _ in range(_RESPLITS_PER_SLICE):
        if not control.may_go_on():
            return
        resplit(board, 1, _LARGEST_RESPLIT)
    for done in range(0, steps, _STEPS_PER_LOOK):
        if not control.may_go_on():
            return
        walk(board, min(_STEPS_PER_LOOK, steps - done), heat)
    measure(board)


def _raise_price(board: Board) -> None:
    """Make it dearer to leave the limits, because no plan inside them was found in half of the time."""
    board.aims[1:3] *= _DEARER
    board.standing[2] *= _DEARER
    measure(board)
