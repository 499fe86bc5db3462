"""What no plan can beat: bounds on balance and on changes, each valid for every contiguous plan."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import coo_array, csr_array

from layers._graph import FloatArray, IntArray, LoadArray, UnitGraph

_JOINING_RINGS = 2
_RINGS = 5


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
) -> float:
    """
    Lower bound on the price of changed units over all contiguous plans inside the limits.

    A mixed-integer relaxation, solved by HiGHS. A unit's ring is its distance in borders from a beat's units of today.
    Unless a beat loses all of these, a unit that joins it has a neighbour in it, and a unit that joins from a far ring
    brings a unit of every nearer ring along: both hold for every connected beat. Units of the first two rings are
    told apart; farther ones are counted by number, load and nearest ring, so that nothing is excluded.
    The bound is the one that the solver has proved when it ends or time runs out.

    Returns
    -------
    float
        0 or more (0 when nothing was proved), ``inf`` when no plan inside the limits exists.
    """
    model = _relaxation(graph, today, limits)
    cost, least, most = np.zeros(model.size), np.zeros(model.size), np.ones(model.size)
    leaves = model.columns["leaves"]
    cost[leaves] = np.where(today >= 0, prices, 0.0)
    least[leaves[(today < 0) | ((locks >= 0) & (locks != today))]] = 1
    most[leaves[(locks >= 0) & (locks == today)]] = 0
    for name in ("number", "flow", "sent", "received"):
        most[model.columns[name]] = np.inf
    least[model.columns["emptied"][np.bincount(today[today >= 0], minlength=len(limits[0])) == 0]] = 1
    whole = np.zeros(model.size, np.int8)
    for name in ("joins", "far", "emptied", "reached"):
        whole[model.columns[name]] = 1
    matrix, low, high = model.rows()
    result: OptimizeResult = milp(
        cost,
        integrality=whole,
        bounds=Bounds(least, most),
        constraints=LinearConstraint(matrix, low, high),
        options={"time_limit": deadline_s, "mip_rel_gap": 0.0},
    )
    if result.status == 2:
        return float("inf")
    bound = result.mip_dual_bound
    return max(float(bound), 0.0) if bound is not None and np.isfinite(bound) else 0.0


_Term = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]


@dataclass
class _Model:
    """Named blocks of unknowns, and rows that are written one family at a time."""

    columns: dict[str, npt.NDArray[np.int64]]
    size: int = 0
    count: int = 0
    entries: list[npt.NDArray[np.float64]] = field(default_factory=list)
    sides: list[npt.NDArray[np.float64]] = field(default_factory=list)

    @classmethod
    def of(cls, **shapes: tuple[int, ...]) -> "_Model":
        """A model with blocks of these shapes and no rows."""
        columns, start = {}, 0
        for name, shape in shapes.items():
            length = int(np.prod(shape))
            columns[name] = np.arange(start, start + length).reshape(shape)
            start += length
        return cls(columns, start)

    def add(
        self, low: npt.ArrayLike, high: npt.ArrayLike, *terms: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]
    ) -> None:
        """Add a family of rows ``low <= sum of terms <= high``; a term is (row, column, coefficient)."""
        low, high = np.broadcast_arrays(np.asarray(low, np.float64), np.asarray(high, np.float64))
        for rows, columns, values in terms:
            row, column, value = (np.ravel(part) for part in np.broadcast_arrays(rows, columns, values))
            self.entries.append(np.vstack([row + self.count, column, value]))
        self.sides.append(np.vstack([low, high]))
        self.count += len(low)

    def rows(self) -> tuple[csr_array, FloatArray, FloatArray]:
        """The matrix of all rows and their two sides."""
        row, column, value = np.hstack(self.entries)
        shape = (self.count, self.size)
        matrix = coo_array((value, (row.astype(np.int32), column.astype(np.int32))), shape=shape).tocsr()
        low, high = np.hstack(self.sides)
        return matrix, low, high


def _rings(graph: UnitGraph, today: IntArray, beats: int) -> npt.NDArray[np.int64]:
    """Borders between each unit and each beat's units of today, shape (units, beats), ``_RINGS`` where it is more."""
    count = graph.units
    shape = (count, count)
    adjacent = csr_array((np.ones(len(graph.neighbours), np.float32), graph.neighbours, graph.offsets), shape=shape)
    held = np.flatnonzero(today >= 0)
    near = np.zeros((count, beats), np.bool_)
    near[held, today[held]] = True
    ring = np.where(near, 0, _RINGS)
    for step in range(1, _RINGS):
        near = near | ((adjacent @ near.astype(np.float32)) > 0)
        ring[near & (ring == _RINGS)] = np.minimum(ring, step)[near & (ring == _RINGS)]
    return ring


def _relaxation(graph: UnitGraph, today: IntArray, limits: tuple[LoadArray, LoadArray]) -> _Model:
    units, beats = graph.units, len(limits[0])
    ring = _rings(graph, today, beats)
    unit, beat = np.nonzero((ring > 0) & (ring <= _JOINING_RINGS))
    source = np.where(today >= 0, today, beats)
    nearest = np.full((beats + 1, beats), _RINGS)
    np.minimum.at(nearest, source, ring)
    nearest = np.maximum(nearest, _JOINING_RINGS + 1)
    giver, taker = np.nonzero(nearest < _RINGS)
    model = _Model.of(
        leaves=(units,),
        joins=(len(unit),),
        far=(units,),
        emptied=(beats,),
        reached=(beats, _RINGS + 1),
        number=(beats,),
        flow=(len(giver),),
        sent=(beats + 1,),
        received=(beats,),
    )
    col = model.columns
    every, each, pair = np.arange(units), np.arange(beats), np.arange(len(unit))
    held = np.flatnonzero(today >= 0)
    loads = graph.loads.astype(np.float64)
    load_today = np.bincount(today[held], weights=loads[held], minlength=beats)
    room = limits[1] - load_today
    out = (today[held], col["leaves"][held], -loads[held])
    arriving = (taker, col["flow"], 1.0), (each, col["received"], 1.0)
    # a unit that leaves joins one beat, near or far
    model.add(np.zeros(units), 0, (every, col["leaves"], 1), (unit, col["joins"], -1), (every, col["far"], -1))
    # every load ends inside its limits
    model.add(limits[0] - load_today, room, out, (beat, col["joins"], loads[unit]), *arriving)
    # what leaves a beat for afar arrives afar, in load and in number
    sent = (np.arange(beats + 1), col["sent"], 1)
    model.add(np.zeros(beats + 1), 0, (source, col["far"], -loads), (giver, col["flow"], 1), sent)
    model.add([0], 0, (0, col["sent"], 1), (0, col["received"], -1))
    model.add([0], 0, (0, col["far"], -1), (0, col["number"], 1))
    # load comes from a ring only to a beat that the ring has reached; not more than the beat can hold or makes room for
    for step in range(_JOINING_RINGS + 1, _RINGS + 1):
        from_here = nearest[giver, taker] >= step
        inflow = (taker[from_here], col["flow"][from_here], 1), arriving[1]
        model.add(np.full(beats, -np.inf), 0, *inflow, (each, col["reached"][:, step], -limits[1]))
        model.add(np.full(beats, -np.inf), 0, *inflow, out, (each, col["reached"][:, step], -room))
    # a ring is reached through every nearer one, unless the beat was emptied; each far ring takes a unit of its own
    for step in range(1, _RINGS):
        farther = (each, col["reached"][:, step + 1], 1)
        model.add(np.full(beats, -np.inf), 0, farther, (each, col["reached"][:, step], -1), (each, col["emptied"], -1))
    for step in range(1, _JOINING_RINGS + 1):
        here = ring[unit, beat] == step
        through = (beat[here], col["joins"][here], -1)
        model.add(np.full(beats, -np.inf), 0, (each, col["reached"][:, step], 1), through, (each, col["emptied"], -1))
    far_rings = col["reached"][:, _JOINING_RINGS + 1 :]
    spared = (each, col["emptied"], -far_rings.shape[1])
    model.add(np.full(beats, -np.inf), 0, (each[:, None], far_rings, 1), (each, col["number"], -1), spared)
    # an emptied beat lost every unit of today
    row = np.arange(len(held))
    model.add(np.full(len(held), -np.inf), 0, (row, col["emptied"][today[held]], 1), (row, col["leaves"][held], -1))
    _add_company(model, graph, today, ring, unit, beat, pair)
    return model


def _add_company(
    model: _Model,
    graph: UnitGraph,
    today: IntArray,
    ring: npt.NDArray[np.int64],
    unit: npt.NDArray[np.int64],
    beat: npt.NDArray[np.int64],
    pair: npt.NDArray[np.int64],
) -> None:
    """A unit that joins a beat has a neighbour in it: one that stays, one that joins too, or one from afar."""
    col = model.columns
    place_of = np.full(ring.shape, -1)
    place_of[unit, beat] = pair
    degree = np.diff(graph.offsets)[unit]
    row = np.repeat(pair, degree)
    within = np.arange(len(row)) - np.repeat(np.cumsum(degree) - degree, degree)
    neighbour = graph.neighbours[graph.offsets[unit][row] + within]
    stays = today[neighbour] == beat[row]
    joining = place_of[neighbour, beat[row]]
    outermost = np.flatnonzero(ring[unit, beat] == _JOINING_RINGS)
    model.add(
        np.full(len(pair), -np.inf),
        np.bincount(row[stays], minlength=len(pair)),
        (pair, col["joins"], 1),
        (row[stays], col["leaves"][neighbour[stays]], 1),
        (row[joining >= 0], col["joins"][joining[joining >= 0]], -1),
        (pair, col["emptied"][beat], -1),
        (outermost, col["reached"][beat[outermost], _JOINING_RINGS + 1], -1),
    )
