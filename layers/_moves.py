"""Moves on a plan of beats: flips, swaps, chains and re-splits, each with contiguity checked before it is made."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from layers._compiled import compiled
from layers._draws import DrawState, draw_below, draw_share
from layers._graph import FloatArray, IntArray, LoadArray
from layers._trees import split_by_trees

_LONGEST_CHAIN = 4
_GATHERED = 64
_TRIES = 6
_TREES = 4


class Board(NamedTuple):
    """A plan being worked on, and all that a move needs to know; the arrays below ``aims`` change with every move."""

    offsets: IntArray
    neighbours: IntArray
    borders: FloatArray
    loads: LoadArray
    fixed: npt.NDArray[np.bool_]
    """units that must stay in their beat"""
    today: IntArray
    """beat of each unit today, -1 = nobody's"""
    prices: FloatArray
    """what it costs when a unit leaves today's beat"""
    lowest: LoadArray
    highest: LoadArray
    """inclusive limits on the load of each beat"""
    aims: FloatArray
    """[price of a metre of border between beats, of a beat outside its limits, of leaving them by one whole load;
    chance that a lone flip that is not allowed is followed up by a chain]"""
    plan: IntArray
    beat_load: LoadArray
    beat_units: IntArray
    draws: DrawState
    mark: LoadArray
    """last search that saw a unit; the final entry numbers the searches"""
    queue: IntArray
    standing: FloatArray
    """[cost of beats outside their limits, cost inside, and both for the best plan so far]"""
    best: IntArray
    """the plan that leaves the limits least and, among those, costs least"""


@compiled
def outside(board: Board, beat: int, load: int) -> float:
    """Cost of a load that is outside the beat's limits, 0 inside."""
    beyond = max(load - board.highest[beat], board.lowest[beat] - load)
    if beyond <= 0:
        return 0.0
    price: float = board.aims[1] + board.aims[2] * beyond / max(board.highest[beat], 1)
    return price


@compiled
def _kept_together(board: Board, unit: int) -> bool:
    """Whether the unit's beat stays in one piece, and not empty, when the unit leaves it."""
    own = board.plan[unit]
    if board.beat_units[own] < 2:
        return False
    search = board.mark[-1] + 2
    board.mark[-1] = search
    wanted, first = 0, -1
    for place in range(board.offsets[unit], board.offsets[unit + 1]):
        other = board.neighbours[place]
        if board.plan[other] == own:
            board.mark[other] = search  # wanted
            wanted += 1
            first = other
    if wanted < 2:
        return wanted == 1
    reached = search + 1
    board.mark[-1] = reached
    board.mark[unit] = reached
    board.mark[first] = reached
    board.queue[0] = first
    head, tail, found = 0, 1, 1
    while head < tail:
        node = board.queue[head]
        head += 1
        for place in range(board.offsets[node], board.offsets[node + 1]):
            other = board.neighbours[place]
            if board.plan[other] == own and board.mark[other] != reached:
                if board.mark[other] == search:
                    found += 1
                    if found == wanted:
                        return True
                board.mark[other] = reached
                board.queue[tail] = other
                tail += 1
    return False


@compiled
def _change_inside(board: Board, unit: int, to: int) -> float:
    """Change of the cost inside the band (changed units, border between beats) when a unit goes to another beat."""
    own, change, today = board.plan[unit], 0.0, board.today[unit]
    if own == today:
        change += board.prices[unit]
    elif to == today:
        change -= board.prices[unit]
    if board.aims[0] > 0:
        for place in range(board.offsets[unit], board.offsets[unit + 1]):
            beat = board.plan[board.neighbours[place]]
            if beat == own:
                change += board.aims[0] * board.borders[place]
            elif beat == to:
                change -= board.aims[0] * board.borders[place]
    return change


@compiled
def _flip(board: Board, unit: int, to: int) -> None:
    """Give a unit to another beat and keep loads, sizes and the two costs."""
    own, load = board.plan[unit], board.loads[unit]
    board.standing[1] += _change_inside(board, unit, to)
    board.standing[0] -= outside(board, own, board.beat_load[own]) + outside(board, to, board.beat_load[to])
    board.beat_load[own] -= load
    board.beat_units[own] -= 1
    board.beat_load[to] += load
    board.beat_units[to] += 1
    board.standing[0] += outside(board, own, board.beat_load[own]) + outside(board, to, board.beat_load[to])
    board.plan[unit] = to


@compiled
def _change(board: Board, unit: int, to: int) -> float:
    """Change of the whole cost when a unit goes to another beat."""
    own, load = board.plan[unit], board.loads[unit]
    change = outside(board, own, board.beat_load[own] - load) - outside(board, own, board.beat_load[own])
    change += outside(board, to, board.beat_load[to] + load) - outside(board, to, board.beat_load[to])
    return change + _change_inside(board, unit, to)


@compiled
def _near(board: Board, start: int, own: int) -> int:
    """List in ``queue`` a unit and those nearest to it of a beat that it is in or borders; return how many they are."""
    reached = board.mark[-1] + 1
    board.mark[-1] = reached
    board.mark[start] = reached
    board.queue[0] = start
    head, tail = 0, 1
    while head < tail < _GATHERED:
        node = board.queue[head]
        head += 1
        for place in range(board.offsets[node], board.offsets[node + 1]):
            other = board.neighbours[place]
            if board.plan[other] == own and board.mark[other] != reached and tail < _GATHERED:
                board.mark[other] = reached
                board.queue[tail] = other
                tail += 1
    return tail


@compiled
def _mending_flip(board: Board, start: int, own: int) -> tuple[int, int]:
    """The best of some random flips near a unit, out of a beat or, when its load is too low, into it; -1 for none."""
    inward = board.beat_load[own] < board.lowest[own]
    count = _near(board, start, own)
    best_unit, best_to, best_change = -1, -1, np.inf
    for _ in range(_TRIES):
        unit = board.queue[draw_below(board.draws, count)]
        place = board.offsets[unit] + draw_below(board.draws, board.offsets[unit + 1] - board.offsets[unit])
        other = board.neighbours[place]
        to = board.plan[other]
        if board.plan[unit] != own or to == own or start in (unit, other):
            continue
        if inward:
            unit, to = other, own
        if not board.fixed[unit]:
            change = _change(board, unit, to)
            if change < best_change:
                best_unit, best_to, best_change = unit, to, change
    return best_unit, best_to


@compiled
def _chain(board: Board, unit: int, to: int, allowed: float) -> bool:
    """Flip a unit, then others that mend what it broke, until the sum of changes is allowed; undo all if it never is.

    A chain of two that comes back is a swap; a longer one shifts load along a path of beats.
    """
    moved, came_from = np.empty(_LONGEST_CHAIN, np.int32), np.empty(_LONGEST_CHAIN, np.int32)
    out_before, in_before, length = board.standing[0], board.standing[1], 0
    while length < _LONGEST_CHAIN:
        so_far = board.standing[0] - out_before + board.standing[1] - in_before
        last = length == _LONGEST_CHAIN - 1 or (length == 0 and draw_share(board.draws) > board.aims[3])
        if last and so_far + _change(board, unit, to) > allowed:
            break
        if not _kept_together(board, unit):
            break
        moved[length], came_from[length] = unit, board.plan[unit]
        _flip(board, unit, to)
        length += 1
        if board.standing[0] - out_before + board.standing[1] - in_before <= allowed:
            return True
        if last:
            break
        own = came_from[length - 1]
        if outside(board, own, board.beat_load[own]) <= outside(board, to, board.beat_load[to]):
            own = to
        unit, to = _mending_flip(board, unit, own)
        if unit < 0:
            break
    for place in range(length - 1, -1, -1):
        _flip(board, moved[place], came_from[place])
    board.standing[0], board.standing[1] = out_before, in_before
    return False


@compiled
def _keep_best(board: Board) -> None:
    """Remember the plan when it leaves the band less than the best so far or, as far out, costs less."""
    out_now, in_now, out_best, in_best = board.standing
    if out_now < out_best - 1e-6 or (out_now < out_best + 1e-6 and in_now < in_best - 1e-6):
        board.standing[2], board.standing[3] = out_now, in_now
        board.best[:] = board.plan


@compiled
def walk(board: Board, steps: int, heat: float) -> None:
    """Try random moves at one temperature; a plan dearer by ``change`` is accepted with chance exp(-change / heat)."""
    units = len(board.plan)
    for _ in range(steps):
        unit = draw_below(board.draws, units)
        degree = board.offsets[unit + 1] - board.offsets[unit]
        if degree == 0 or board.fixed[unit]:
            continue
        to = board.plan[board.neighbours[board.offsets[unit] + draw_below(board.draws, degree)]]
        if to != board.plan[unit] and _chain(board, unit, to, -heat * np.log(draw_share(board.draws))):
            _keep_best(board)


@compiled
def measure(board: Board) -> None:
    """Count loads, sizes and the two costs of the plan afresh."""
    board.beat_load[:] = 0
    board.beat_units[:] = 0
    inside = 0.0
    for unit in range(len(board.plan)):
        beat = board.plan[unit]
        board.beat_load[beat] += board.loads[unit]
        board.beat_units[beat] += 1
        if board.today[unit] >= 0 and board.today[unit] != beat:
            inside += board.prices[unit]
        for place in range(board.offsets[unit], board.offsets[unit + 1]):
            if board.neighbours[place] > unit and board.plan[board.neighbours[place]] != beat:
                inside += board.aims[0] * board.borders[place]
    board.standing[0] = 0.0
    for beat in range(len(board.beat_load)):
        board.standing[0] += outside(board, beat, board.beat_load[beat])
    board.standing[1] = inside


@compiled
def resplit(board: Board, rounds: int, largest: int) -> None:
    """
    Merge a beat outside its limits with one or two neighbours and cut the whole again along random spanning trees.

    ``rounds`` times, while any beat is outside; kept when the cost does not grow. ``largest`` is 2 or 3 beats.
    """
    for _ in range(rounds):
        beat = _one_outside(board)
        if beat < 0:
            return
        merged = _with_neighbours(board, beat, 2 + draw_below(board.draws, largest - 1))
        if len(merged) < 2:
            continue
        nodes = np.flatnonzero(_listed(board.plan, merged, len(board.beat_load))).astype(np.int32)
        before = board.plan[nodes]
        out_before, in_before = board.standing[0], board.standing[1]
        part = split_by_trees(board.offsets, board.neighbours, board.loads, nodes, len(merged), _TREES, board.draws)
        named = _named_as_before(board, nodes, part, merged)
        for place in range(len(nodes)):
            if board.plan[nodes[place]] != named[place]:
                _flip(board, nodes[place], named[place])
        held = True
        for place in range(len(nodes)):
            held = held and (named[place] == before[place] or not board.fixed[nodes[place]])
        if held and board.standing[0] + board.standing[1] <= out_before + in_before:
            _keep_best(board)
            continue
        for place in range(len(nodes)):
            if board.plan[nodes[place]] != before[place]:
                _flip(board, nodes[place], before[place])
        board.standing[0], board.standing[1] = out_before, in_before


@compiled
def _listed(plan: IntArray, beats: IntArray, count: int) -> npt.NDArray[np.bool_]:
    """Which units lie in one of the beats."""
    wanted = np.zeros(count, np.bool_)
    for beat in beats:
        wanted[beat] = True
    return wanted[plan]


@compiled
def _one_outside(board: Board) -> int:
    """A random beat outside its limits, -1 when there is none."""
    chosen, seen = -1, 0
    for beat in range(len(board.beat_load)):
        if outside(board, beat, board.beat_load[beat]) > 0:
            seen += 1
            if draw_below(board.draws, seen) == 0:
                chosen = beat
    return chosen


@compiled
def _with_neighbours(board: Board, beat: int, size: int) -> IntArray:
    """A beat and random beats that border it or each other, up to ``size`` in all."""
    merged = np.full(size, beat, np.int32)
    count = 1
    while count < size:
        chosen, seen = -1, 0
        for unit in np.flatnonzero(_listed(board.plan, merged, len(board.beat_load))):
            for place in range(board.offsets[unit], board.offsets[unit + 1]):
                other = board.plan[board.neighbours[place]]
                if not (merged[:count] == other).any():
                    seen += 1
                    if draw_below(board.draws, seen) == 0:
                        chosen = other
        if chosen < 0:
            break
        merged[count:] = chosen
        count += 1
    return merged[:count]


@compiled
def _named_as_before(board: Board, nodes: IntArray, part: IntArray, merged: IntArray) -> IntArray:
    """Name parts after the merged beats, one to one, so that locks hold and the dearest units keep today's beat."""
    size = len(merged)
    kept = np.zeros((size, size))
    for place in range(len(nodes)):
        unit = nodes[place]
        for name in range(size):
            if board.today[unit] == merged[name]:
                kept[part[place], name] += board.prices[unit]
            if board.plan[unit] == merged[name] and board.fixed[unit]:
                kept[part[place], name] += 1e12
    name_of_part = np.zeros(size, np.int32)
    for _ in range(size):
        best = np.argmax(kept)
        row, column = best // size, best % size
        name_of_part[row] = merged[column]
        kept[row, :] = -1.0
        kept[:, column] = -1.0
    return name_of_part[part]
