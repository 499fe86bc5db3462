"""Plans to start the search from: contiguous, complete, locks kept; balance is left to the search."""

import heapq
from collections import deque

import numpy as np

from layers._draws import draw_state
from layers._graph import FloatArray, IntArray, LoadArray, UnitGraph
from layers._rules import NOBODY
from layers._trees import split_by_trees

_TREES = 6


def plan_from_scratch(graph: UnitGraph, beats: int, locks: IntArray, seed: int) -> tuple[IntArray, IntArray]:
    """Plan by tree bisection of every territory, or by growth when units are locked; and the territory of each beat."""
    if (locks >= 0).any():
        return plan_from_today(graph, np.full(graph.units, NOBODY, np.int32), beats, locks, np.ones(graph.units))
    home = _homes(graph, np.full(beats, NOBODY, np.int32))
    plan = np.empty(graph.units, np.int32)
    draws = draw_state(seed)
    for territory in range(graph.territories):
        nodes = np.flatnonzero(graph.territory == territory).astype(np.int32)
        names = np.flatnonzero(home == territory).astype(np.int32)
        part = split_by_trees(graph.offsets, graph.neighbours, graph.loads, nodes, len(names), _TREES, draws)
        plan[nodes] = names[part]
    return plan, home


def plan_from_today(
    graph: UnitGraph, today: IntArray, beats: int, locks: IntArray, prices: FloatArray
) -> tuple[IntArray, IntArray]:
    """
    Today's plan made whole with little change, and the territory of each beat.

    A beat keeps its dearest connected piece (with its locked units); other pieces and units of nobody go to a bordering
    beat, lightest first; a beat without units starts at the unit farthest from all others, or at one of the heaviest's.

    Raises
    ------
    ValueError
        When locked units of one beat cannot be joined past units locked to others.
    """
    home = _homes(graph, _homes_of_today(graph, today, beats, locks))
    plan = np.where((today >= 0) & (home[today] == graph.territory), today, NOBODY).astype(np.int32)
    plan = np.where(locks >= 0, locks, plan).astype(np.int32)
    _join_locked(graph, plan, locks)
    for beat in range(beats):
        _keep_one_piece(graph, plan, beat, locks, prices)
    for beat in np.flatnonzero(np.bincount(plan[plan >= 0], minlength=beats) == 0).tolist():
        plan[_seed_unit(graph, plan, int(home[beat]), locks)] = beat
    _grow(graph, plan, beats)
    return plan, home


def _homes_of_today(graph: UnitGraph, today: IntArray, beats: int, locks: IntArray) -> IntArray:
    """Territory that holds most of a beat's load today, or its locked units; -1 for a beat without units."""
    named = np.where(locks >= 0, locks, today)
    held = np.flatnonzero(named >= 0)
    weight = np.zeros((beats, graph.territories))
    np.add.at(weight, (named[held], graph.territory[held]), graph.loads[held] + 1e-6)
    home = np.where(weight.any(axis=1), weight.argmax(axis=1), NOBODY).astype(np.int32)
    locked = np.flatnonzero(locks >= 0)
    home[locks[locked]] = graph.territory[locked]
    bound = np.zeros(beats, np.bool_)
    bound[locks[locked]] = True
    for territory in np.setdiff1d(np.arange(graph.territories), home):
        if (home < 0).sum() == 0:  # every beat has a home: the lightest one that can be spared moves
            spare = np.flatnonzero(~bound & (np.bincount(home, minlength=graph.territories)[home] > 1))
            if not len(spare):
                raise ValueError(
                    f"no beat is free to serve the separate part of unit {np.argmax(graph.territory == territory)}"
                )
            home[spare[np.argmin(weight.sum(axis=1)[spare])]] = territory
        else:
            home[np.argmax(home < 0)] = territory
    return home


def _homes(graph: UnitGraph, home: IntArray) -> IntArray:
    """Homes for the beats that have none: each goes where a beat carries most (Adams' rule) and has units for it."""
    filled = home.copy()
    load = np.bincount(graph.territory, weights=graph.loads, minlength=graph.territories)
    room = np.bincount(graph.territory, minlength=graph.territories)
    given = np.bincount(home[home >= 0], minlength=graph.territories)
    for beat in np.flatnonzero(home < 0):
        claim = np.where(given == 0, np.inf, np.where(given < room, load / np.maximum(given, 1), -1.0))
        filled[beat] = np.argmax(claim)
        given[filled[beat]] += 1
    return filled


def _around(graph: UnitGraph, unit: int) -> list[int]:
    around: list[int] = graph.neighbours[graph.offsets[unit] : graph.offsets[unit + 1]].tolist()
    return around


def _join_locked(graph: UnitGraph, plan: IntArray, locks: IntArray) -> None:
    """Give every beat the units that its locked ones need between them to be in one piece."""
    claimed = locks.copy()
    for beat in np.unique(locks[locks >= 0]).tolist():
        while len(pieces := _pieces(graph, np.flatnonzero(claimed == beat).tolist())) > 1:
            claimed[_path(graph, claimed, pieces[0], set().union(*pieces[1:]), beat)] = beat
    plan[claimed >= 0] = claimed[claimed >= 0]


def _keep_one_piece(graph: UnitGraph, plan: IntArray, beat: int, locks: IntArray, prices: FloatArray) -> None:
    """Leave a beat the piece with its locked units or, without any, the dearest; the rest is nobody's."""
    pieces = _pieces(graph, np.flatnonzero(plan == beat).tolist())
    pieces.sort(key=lambda piece: (not (locks[piece] == beat).any(), -prices[piece].sum(), piece[0]))
    for piece in pieces[1:]:
        plan[piece] = NOBODY


def _pieces(graph: UnitGraph, units: list[int]) -> list[list[int]]:
    """Connected pieces of a set of units, each in ascending order."""
    waiting, pieces = set(units), []
    for unit in units:
        if unit in waiting:
            waiting.discard(unit)
            piece = [unit]
            for member in piece:
                found = [other for other in _around(graph, member) if other in waiting]
                waiting.difference_update(found)
                piece += found
            pieces.append(sorted(piece))
    return pieces


def _path(graph: UnitGraph, claimed: IntArray, start: list[int], goal: set[int], beat: int) -> list[int]:
    """Fewest units that join two pieces of a beat without a unit claimed by another."""
    before = dict.fromkeys(start, NOBODY)
    waiting = deque(start)
    while waiting:
        unit = waiting.popleft()
        if unit in goal:
            path = []
            while unit != NOBODY:
                path.append(unit)
                unit = before[unit]
            return path
        for other in _around(graph, unit):
            if other not in before and claimed[other] in (NOBODY, beat):
                before[other] = unit
                waiting.append(other)
    raise ValueError(f"the units locked to beat {beat} cannot be joined past units locked to other beats")


def _seed_unit(graph: UnitGraph, plan: IntArray, territory: int, locks: IntArray) -> int:
    """A unit for a beat that has none: nobody's, farthest from every beat; else one that a heavy beat can spare."""
    own = np.flatnonzero(graph.territory == territory)
    distance = {unit: 0 for unit in own.tolist() if plan[unit] >= 0}
    waiting = deque(distance)
    last = NOBODY
    while waiting:
        unit = waiting.popleft()
        last = unit if plan[unit] < 0 else last
        for other in _around(graph, unit):
            if other not in distance and plan[other] < 0:
                distance[other] = distance[unit] + 1
                waiting.append(other)
    if last != NOBODY:
        return last
    free = own[plan[own] < 0]
    if len(free):
        return int(free[0])
    load = np.bincount(plan[own], weights=graph.loads[own])
    for beat in np.argsort(-load, kind="stable"):
        units = own[plan[own] == beat].tolist()
        for unit in units:
            rest = [other for other in units if other != unit]
            if rest and locks[unit] < 0 and len(_pieces(graph, rest)) == 1:
                return int(unit)
    raise ValueError("there are more beats than units free to found them")


def _grow(graph: UnitGraph, plan: IntArray, beats: int) -> None:
    """Give every unit of nobody to a beat that it borders; the lightest beat chooses first."""
    load: LoadArray = np.zeros(beats, np.int64)
    held = np.flatnonzero(plan >= 0)
    np.add.at(load, plan[held], graph.loads[held])
    frontier: list[deque[int]] = [deque() for _ in range(beats)]
    for unit in held.tolist():
        frontier[plan[unit]].extend(other for other in _around(graph, unit) if plan[other] < 0)
    heap = [(int(load[beat]), beat) for beat in range(beats) if frontier[beat]]
    heapq.heapify(heap)
    while heap:
        _, beat = heapq.heappop(heap)
        while frontier[beat]:
            unit = frontier[beat].popleft()
            if plan[unit] < 0:
                plan[unit] = beat
                load[beat] += graph.loads[unit]
                frontier[beat].extend(other for other in _around(graph, unit) if plan[other] < 0)
                heapq.heappush(heap, (int(load[beat]), beat))
                break
