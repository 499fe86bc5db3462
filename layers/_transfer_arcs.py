"""Which officer could go where, at what cost: the cheapest of all pairs, found without keeping all pairs."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from layers._compiled import compiled_without_allocation, share_range

IntArray = npt.NDArray[np.int32]
CostArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

COSTS_PER_M: Final = 10
"""Costs are whole decimetres, so that sums and proofs are exact."""

_ROWS_PER_CHUNK = 64
_NONE = np.iinfo(np.int64).max


class Side(NamedTuple):
    """Officers, or posts, that are alike: same place, kind and unit; parallel arrays of shape (n,)."""

    x_m: FloatArray
    y_m: FloatArray
    kind: IntArray
    """number of the pair of form and side"""
    unit: IntArray
    """unit of today of officers (-1 = none), unit that holds the posts"""
    number: CostArray


class Terms(NamedTuple):
    """What a pair costs and which pairs there are."""

    fits: npt.NDArray[np.bool_]
    """shape (kinds of officers, kinds of posts)"""
    farthest_m: float
    leaving: int
    """what leaving today's unit costs on top of the way, in decimetres"""


class Arcs(NamedTuple):
    """Pairs of an officer group and a post group with the cost of each, in order of officer and post."""

    officer: IntArray
    post: IntArray
    cost: CostArray


@compiled_without_allocation
def _cheapest_of_rows(
    ends: tuple[Side, Side],
    fits: npt.NDArray[np.bool_],
    farthest_m: float,
    leaving: tuple[int, int],
    price: tuple[CostArray, CostArray],
    rows: tuple[int, int],
    found: tuple[IntArray, CostArray, CostArray],
) -> None:
    """
    Write the cheapest pairs of some rows (groups of one side) with all columns (groups of the other), cheapest first.

    ``leaving`` is what leaving a unit costs the row's and the column's side (one of them is 0); ``found`` is the
    column, the cost and the cost less prices of each pair, filled beforehand with -1, 0 and what pairs must be below.
    """
    row_x, row_y, row_kind, row_unit, _ = ends[0]
    col_x, col_y, col_kind, col_unit, _ = ends[1]
    row_price, col_price = price
    other, cost, reduced = found
    most, farthest_squared = other.shape[1], farthest_m * farthest_m
    for row in range(rows[0], rows[1]):
        x, y, unit, kind, own_price = row_x[row], row_y[row], row_unit[row], row_kind[row], row_price[row]
        limit = reduced[row, most - 1]
        for col in range(len(col_x)):
            if not fits[kind, col_kind[col]]:
                continue
            away_x, away_y = x - col_x[col], y - col_y[col]
            squared = away_x * away_x + away_y * away_y
            stays = unit == col_unit[col]
            if squared > farthest_squared and not stays:
                continue
            whole = np.int64(np.sqrt(squared) * COSTS_PER_M + 0.5)
            if not stays:
                whole += leaving[0] if unit >= 0 else 0
                whole += leaving[1] if col_unit[col] >= 0 else 0
            less = whole - own_price - col_price[col]
            if less >= limit:
                continue
            place = most - 1
            while place > 0 and reduced[row, place - 1] > less:
                reduced[row, place] = reduced[row, place - 1]
                other[row, place] = other[row, place - 1]
                cost[row, place] = cost[row, place - 1]
                place -= 1
            reduced[row, place], other[row, place], cost[row, place] = less, col, whole
            limit = reduced[row, most - 1]


def _cheapest_of_side(
    ends: tuple[Side, Side],
    fits: npt.NDArray[np.bool_],
    farthest_m: float,
    leaving: tuple[int, int],
    price: tuple[CostArray, CostArray],
    most: int,
    below: int,
) -> tuple[IntArray, CostArray, CostArray]:
    """Columns, costs and costs less prices of the cheapest pairs of every row, shape (rows, most)."""
    shape = (len(ends[0].x_m), most)
    found = np.full(shape, -1, np.int32), np.zeros(shape, np.int64), np.full(shape, below, np.int64)

    def work(low: int, high: int) -> None:
        _cheapest_of_rows(ends, fits, farthest_m, leaving, price, (low, high), found)

    share_range(work, shape[0], smallest_chunk=_ROWS_PER_CHUNK)
    return found


def cheapest_arcs(
    officers: Side,
    posts: Side,
    terms: Terms,
    officer_price: CostArray,
    post_price: CostArray,
    *,
    most: int,
    below: int | None = None,
) -> Arcs:
    """
    The cheapest pairs of every officer group and of every post group, after prices are taken off.

    Every pair is looked at once in each direction; memory is that of the pairs handed back.

    Parameters
    ----------
    officer_price, post_price
        Taken off the cost of a pair, in decimetres.
    most
        Pairs for each group.
    below
        Only pairs whose cost less both prices is below this; default: all.

    Returns
    -------
    Arcs
        Each pair once.
    """
    limit = _NONE if below is None else below
    sides, fits, leaving = (officers, posts), terms.fits, terms.leaving
    post, cost, _ = _cheapest_of_side(
        sides, fits, terms.farthest_m, (leaving, 0), (officer_price, post_price), most, limit
    )
    row, place = np.nonzero(post >= 0)
    by_officer = Arcs(row.astype(np.int32), post[row, place], cost[row, place])
    officer, cost, _ = _cheapest_of_side(
        sides[::-1], fits.T.copy(), terms.farthest_m, (0, leaving), (post_price, officer_price), most, limit
    )
    row, place = np.nonzero(officer >= 0)
    return joined(by_officer, Arcs(officer[row, place], row.astype(np.int32), cost[row, place]))


def least_left(sides: tuple[Side, Side], terms: Terms, price: CostArray, *, of_posts: bool = False) -> CostArray:
    """Least cost less the other side's price of the pairs of each officer group, or of each post group; 0 for none."""
    nothing = np.zeros(len(sides[1 if of_posts else 0].x_m), np.int64)
    if of_posts:
        fits, leaving = terms.fits.T.copy(), (0, terms.leaving)
        found = _cheapest_of_side(sides[::-1], fits, terms.farthest_m, leaving, (nothing, price), 1, _NONE)
    else:
        leaving = (terms.leaving, 0)
        found = _cheapest_of_side(sides, terms.fits, terms.farthest_m, leaving, (nothing, price), 1, _NONE)
    return np.where(found[0][:, 0] >= 0, found[2][:, 0], 0)


def joined(*parts: Arcs) -> Arcs:
    """All arcs of several lists, each pair once, in order of officer and post."""
    officer, post, cost = (np.concatenate(column) for column in zip(*parts, strict=True))
    key = officer.astype(np.int64) << 32 | post.astype(np.int64)
    _, first = np.unique(key, return_index=True)
    return Arcs(officer[first], post[first], cost[first])


def no_arcs() -> Arcs:
    """No pair at all."""
    return Arcs(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64))
