"""Uniform spanning trees, and cutting a connected set of units into beats along them."""

import numpy as np

from layers._compiled import compiled
from layers._draws import DrawState, draw_below
from layers._graph import IntArray, LoadArray


@compiled
def _random_tree(
    offsets: IntArray, neighbours: IntArray, nodes: IntArray, piece: IntArray, parent: IntArray, draws: DrawState
) -> None:
    """Uniform spanning tree of a connected set (Wilson 1996: loop-erased random walks); the root is its own parent.

    ``nodes`` are the units of one piece; ``piece`` has the same number for all of them and another for everybody else.
    """
    own = piece[nodes[0]]
    for node in nodes:
        parent[node] = -1
    settled = np.zeros(len(piece), np.bool_)
    root = nodes[draw_below(draws, len(nodes))]
    parent[root] = root
    settled[root] = True
    for node in nodes:
        walker = node
        while not settled[walker]:
            step = neighbours[offsets[walker] + draw_below(draws, offsets[walker + 1] - offsets[walker])]
            if piece[step] == own:
                parent[walker] = step
                walker = step
        walker = node
        while not settled[walker]:
            settled[walker] = True
            walker = parent[walker]


@compiled
def _leaves_first(nodes: IntArray, parent: IntArray, order: IntArray, children: IntArray) -> None:
    """Write the nodes of a tree into ``order``, every node before its parent."""
    for node in nodes:
        children[node] = 0
    for node in nodes:
        if parent[node] != node:
            children[parent[node]] += 1
    filled = 0
    for node in nodes:
        if children[node] == 0:
            order[filled] = node
            filled += 1
    done = 0
    while done < filled:
        above = parent[order[done]]
        if above != order[done]:
            children[above] -= 1
            if children[above] == 0:
                order[filled] = above
                filled += 1
        done += 1


@compiled
def _best_edge(
    order: IntArray, parent: IntArray, below: LoadArray, loads: LoadArray, count: int, beats: int
) -> tuple[int, int, float]:
    """Tree edge whose removal balances best: its lower node, the beats that go below it, and how unfair that is.

    Every edge is evaluated, in one pass from the leaves: the load below it against the nearest whole number of beats;
    an error is weighed by the smaller side, which has fewer beats to share it.
    """
    total = np.int64(0)
    for place in range(count):
        node = order[place]
        below[node] = 0
        total += loads[node]
    fair = total / beats if total > 0 else 1.0  # units without any load can be shared out too
    best_node, best_beats, best_error = -1, 0, np.inf
    for place in range(count - 1):
        node = order[place]
        below[node] += loads[node]
        below[parent[node]] += below[node]
        share = min(max(round(below[node] / fair), 1), beats - 1)
        error = abs(below[node] / fair - share) / min(share, beats - share)
        if error < best_error:
            best_node, best_beats, best_error = node, share, error
    return best_node, best_beats, best_error


@compiled
def _take_below(order: IntArray, parent: IntArray, count: int, cut: int, piece: IntArray, name: int) -> int:
    """Give the nodes at and below ``cut`` the piece number ``name``; return how many they are."""
    taken = 0
    for place in range(count - 1, -1, -1):
        node = order[place]
        if node == cut or (parent[node] != node and piece[parent[node]] == name):
            piece[node] = name
            taken += 1
    return taken


@compiled
def split_by_trees(
    offsets: IntArray,
    neighbours: IntArray,
    loads: LoadArray,
    nodes: IntArray,
    beats: int,
    tries: int,
    draws: DrawState,
) -> IntArray:
    """
    Cut a connected set of units into contiguous beats by recursive bisection along random spanning trees.

    Each bisection draws ``tries`` trees and cuts the edge that balances best among all edges of all trees (ReCom's
    step: DeFord, Duchin & Solomon 2021; here every edge of a tree is evaluated in one pass).

    Returns
    -------
    numpy.ndarray
        Number of the beat, 0 to ``beats`` - 1, parallel to ``nodes``. Needs as many units as beats; a piece that has
        fewer units than the beats that its load calls for gets one beat a unit.
    """
    units = len(loads)
    parent, children = np.empty(units, np.int32), np.empty(units, np.int32)
    below = np.empty(units, np.int64)
    piece = np.full(units, -1, np.int32)  # the first beat number of the piece that a unit lies in
    share = np.zeros(beats, np.int64)
    share[0] = beats
    for node in nodes:
        piece[node] = 0
    first = 0
    while first < beats:
        own = nodes[piece[nodes] == first]
        while share[first] > 1:
            count = len(own)
            order = np.empty(count, np.int32)
            best_error, best_beats = np.inf, 0
            best_piece = piece
            for _ in range(tries):
                _random_tree(offsets, neighbours, own, piece, parent, draws)
                _leaves_first(own, parent, order, children)
                node, part, error = _best_edge(order, parent, below, loads, count, share[first])
                if error < best_error:
                    trial = piece.copy()
                    taken = _take_below(order, parent, count, node, trial, first + share[first] - part)
                    part = min(max(part, share[first] - (count - taken)), taken)
                    best_error, best_beats = error, part
                    for unit in own:
                        if trial[unit] != first:
                            trial[unit] = first + share[first] - part
                    best_piece = trial
            piece = best_piece
            share[first + share[first] - best_beats] = best_beats
            share[first] -= best_beats
            own = own[piece[own] == first]
        first += 1
    return piece[nodes]
