"""Prices to start from: officers and posts on a coarse grid, solved in full, carried over to every place."""

import numpy as np

from layers._transfer_arcs import COSTS_PER_M, Arcs, CostArray, FloatArray, Side, Terms, least_left
from layers._transfer_flow import cheapest_flow

_CELLS_ACROSS = 16
_MOST_PAIRS = 100_000


def start_prices(officers: Side, posts: Side, terms: Terms, empty_price: int) -> tuple[CostArray, CostArray]:
    """
    Prices of officer groups and post groups that no pair undercuts, near those of the cheapest plan.

    The coarse plan forgets the farthest way and continuity; a group's price is the least that any pair leaves it
    (the c-transform of optimal transport), so the prices are valid however coarse the plan was.
    """
    coarse_officers, coarse_posts = _coarse(officers, posts)
    rows, columns = len(coarse_officers.x_m), len(coarse_posts.x_m)
    giver, taker = (np.ravel(index).astype(np.int32) for index in np.indices((rows, columns)))
    fitting = terms.fits[coarse_officers.kind[giver], coarse_posts.kind[taker]]
    giver, taker = giver[fitting], taker[fitting]
    away_x = coarse_officers.x_m[giver] - coarse_posts.x_m[taker]
    away_y = coarse_officers.y_m[giver] - coarse_posts.y_m[taker]
    cost = np.rint(np.hypot(away_x, away_y) * COSTS_PER_M).astype(np.int64)
    flow = cheapest_flow(Arcs(giver, taker, cost), coarse_officers.number, coarse_posts.number, empty_price)
    anywhere = Terms(terms.fits, float("inf"), 0)
    officer_price = np.minimum(least_left((officers, coarse_posts), anywhere, flow.post_price), 0)
    return officer_price, np.minimum(least_left((officers, posts), terms, officer_price, of_posts=True), empty_price)


def _coarse(officers: Side, posts: Side) -> tuple[Side, Side]:
    """Both sides on a grid, with few enough cells that all pairs can be listed."""
    across = _CELLS_ACROSS
    while True:
        sides = _on_grid(officers, posts, across), _on_grid(posts, officers, across)
        if len(sides[0].x_m) * len(sides[1].x_m) <= _MOST_PAIRS or across == 1:
            return sides
        across //= 2


def _on_grid(side: Side, other: Side, across: int) -> Side:
    """One group for each kind in each cell of the common grid, at the mean place of its members."""
    cell = np.zeros(len(side.x_m), np.int64)
    for own, others in ((side.x_m, other.x_m), (side.y_m, other.y_m)):
        low, high = min(own.min(), others.min()), max(own.max(), others.max())
        step = (high - low) / across or 1.0
        cell = cell * across + np.minimum(((own - low) / step).astype(np.int64), across - 1)
    _, first, group = np.unique(cell * (int(side.kind.max()) + 1) + side.kind, return_index=True, return_inverse=True)
    number = np.bincount(group, weights=side.number)

    def mean(values: FloatArray) -> FloatArray:
        middle: FloatArray = np.bincount(group, weights=values * side.number) / np.maximum(number, 1)
        return middle

    nowhere = np.full(len(first), -1, np.int32)
    return Side(mean(side.x_m), mean(side.y_m), side.kind[first], nowhere, number.astype(np.int64))
