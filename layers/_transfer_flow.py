"""The cheapest flow of officers into posts on a list of arcs, and the prices that prove it."""

from typing import NamedTuple

import numpy as np
from ortools.graph.python import min_cost_flow

from layers._compiled import compiled
from layers._transfer_arcs import Arcs, CostArray, IntArray


class Flow(NamedTuple):
    """
    Officers on each arc, empty posts, and prices in decimetres that prove that no flow on the arcs is better.

    No arc costs less than its two prices, and none that is used costs more; officers' prices are 0 or less, 0 where
    somebody is left over; posts' prices are ``empty_price`` or less, as much where a post stays empty.
    """

    used: CostArray
    empty: CostArray
    left_over: CostArray
    officer_price: CostArray
    post_price: CostArray


class FlowError(RuntimeError):
    """The solver ended without an optimal flow, though one always exists."""


def cheapest_flow(arcs: Arcs, officers: CostArray, posts: CostArray, empty_price: int) -> Flow:
    """
    Fill posts at the least sum of costs, an empty post costing ``empty_price`` (cost scaling, OR-Tools).

    Parameters
    ----------
    officers, posts
        Officers in each group and posts in each group.

    Returns
    -------
    Flow
    """
    givers, takers = len(officers), len(posts)
    rest = givers + takers  # one more node: what nobody fills comes from it, who is left over goes to it
    solver = min_cost_flow.SimpleMinCostFlow()
    giver, taker = np.arange(givers, dtype=np.int32), np.arange(givers, rest, dtype=np.int32)
    numbers = solver.add_arcs_with_capacity_and_unit_cost(
        np.concatenate([arcs.officer, np.full(takers, rest, np.int32), giver]),
        np.concatenate([arcs.post + np.int32(givers), taker, np.full(givers, rest, np.int32)]),
        np.concatenate([np.minimum(officers[arcs.officer], posts[arcs.post]), posts, officers]),
        np.concatenate([arcs.cost, np.full(takers, empty_price, np.int64), np.zeros(givers, np.int64)]),
    )
    supply = np.concatenate([officers, -posts, [posts.sum() - officers.sum()]])
    solver.set_nodes_supplies(np.arange(rest + 1, dtype=np.int32), supply)
    if solver.solve() != solver.OPTIMAL:
        raise FlowError("no optimal flow was found")
    flows = np.asarray(solver.flows(numbers), np.int64)
    used, empty, left_over = np.split(flows, [len(arcs.cost), len(arcs.cost) + takers])
    distance = _distances(*_residual(arcs, used, givers, rest), _first_guess(empty, left_over, empty_price))
    return Flow(used, empty, left_over, -distance[:givers], distance[givers:rest])


def _residual(arcs: Arcs, used: CostArray, givers: int, nodes: int) -> tuple[IntArray, IntArray, CostArray]:
    """Arcs on which the flow could still change: offsets by node, other node and cost; a used pair also backwards."""
    back = used > 0
    start = np.concatenate([arcs.officer, arcs.post[back] + np.int32(givers)])
    end = np.concatenate([arcs.post + np.int32(givers), arcs.officer[back]])
    cost = np.concatenate([arcs.cost, -arcs.cost[back]])
    order = np.argsort(start, kind="stable")
    offsets = np.searchsorted(start[order], np.arange(nodes + 1)).astype(np.int32)
    return offsets, end[order], cost[order]


def _first_guess(empty: CostArray, left_over: CostArray, empty_price: int) -> CostArray:
    """Distance of each node from the node of what is left over and empty, along one arc; far when there is none."""
    far = 2 * empty_price
    return np.concatenate([np.where(left_over > 0, 0, far), np.full(len(empty), empty_price, np.int64)])


@compiled
def _distances(offsets: IntArray, ends: IntArray, costs: CostArray, distance: CostArray) -> CostArray:
    """
    Shortest ways in the residual network of an optimal flow, from first guesses that are ways.

    Label correcting with a queue; there is no negative cycle because the flow is optimal.
    """
    nodes = len(distance)
    queue = np.arange(nodes).astype(np.int32)
    queued = np.ones(nodes, np.bool_)
    head, count = 0, nodes
    while count > 0:
        node = queue[head]
        head = (head + 1) % nodes
        count -= 1
        queued[node] = False
        for place in range(offsets[node], offsets[node + 1]):
            end, way = ends[place], distance[node] + costs[place]
            if way < distance[end]:
                distance[end] = way
                if not queued[end]:
                    queued[end] = True
                    queue[(head + count) % nodes] = end
                    count += 1
    return distance
