"""Points looked up in a grid index: the loop over points, in machine code."""

from typing import Any

import numpy as np
import numpy.typing as npt

from layers._compiled import compiled, compiled_without_allocation
from layers._edges import FloatArray, IntArray
from layers._grid_index import OUTSIDE, GridIndex
from layers._grid_levels import FINER
from layers._grid_pages import RecordArray
from layers._orientation import SMALLEST, orientation, parted_by_shifted, shifted_off

AMBIGUOUS = -2
NO_POINT = -3

BLOCK = 1024


@compiled
def look_up(
    x: FloatArray, y: FloatArray, index: GridIndex, owner: IntArray, on_boundary: npt.NDArray[np.bool_]
) -> None:
    """Write each point's owner (a row, OUTSIDE, AMBIGUOUS or NO_POINT), and whether the boundary rule named it."""
    places, on_pages, touched = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32), np.empty(BLOCK)
    for low in range(0, len(x), BLOCK):
        high = min(low + BLOCK, len(x))
        px, py = x[low:high], y[low:high]
        _place(px, py, index, places)
        _look_up_block(px, py, index, owner[low:high], on_boundary[low:high], places, on_pages, touched)


@compiled_without_allocation
def _place(x: FloatArray, y: FloatArray, index: GridIndex, places: IntArray) -> None:
    """Write each point's place in the coarse grid, OUTSIDE or NO_POINT.

    Without a branch and in numbers of 32 bits, so that the compiler makes it a loop over several points at once.
    """
    west, south, east, north = index.bounds
    per_unit, last_column, last_row = index.origins[0, 2], np.int32(index.nx - 1), np.int32(index.ny - 1)
    nx = np.int32(index.nx)
    for i in range(len(x)):
        px, py = _flushed(x[i]), _flushed(y[i])
        within = (px >= west) & (px <= east) & (py >= south) & (py <= north)
        column = np.int32((px - west) * per_unit if within else 0.0)
        row = np.int32((py - south) * per_unit if within else 0.0)
        place = min(row, last_row) * nx + min(column, last_column)
        elsewhere = OUTSIDE if (px - px == 0.0) & (py - py == 0.0) else NO_POINT
        places[i] = place if within else elsewhere


@compiled_without_allocation
def _look_up_block(
    x: FloatArray,
    y: FloatArray,
    index: GridIndex,
    owner: IntArray,
    on_boundary: npt.NDArray[np.bool_],
    places: IntArray,
    on_pages: IntArray,
    touched: FloatArray,
) -> None:
    """Look up so many points that what they need stays in the processor's cache.

    Points near each other in the arrays may lie anywhere, so nearly every step of one waits for memory. The same step
    is therefore done for all of them before the next: first the cells, then those of finer grids, the pages, the edges
    are fetched, many at once as none waits for another; then the decisions find everything at hand. It takes a third of
    the time.
    """
    count = 0
    for i in range(len(x)):
        place = places[i]
        cell = index.cells[place] if place >= 0 else place
        owner[i] = cell
        on_boundary[i] = False
        on_pages[count] = i
        count += (cell < OUTSIDE) & (place >= 0)
    kept = 0
    for k in range(count):
        i = on_pages[k]
        cell = _finest(_flushed(x[i]), _flushed(y[i]), owner[i], index)
        owner[i] = cell
        on_pages[kept] = i
        kept += cell < OUTSIDE
    count = kept
    for k in range(count):
        touched[k] = index.pages[(-2 - owner[on_pages[k]]) >> 1].edge_start
    for k in range(count):
        if touched[k] < len(index.edges):
            touched[k] = index.edges[int(touched[k])].bx
    for k in range(count):
        i = on_pages[k]
        owner[i], on_boundary[i] = _decide(_flushed(x[i]), _flushed(y[i]), (-2 - owner[i]) >> 1, index)


@compiled
def look_up_candidates(
    x: FloatArray,
    y: FloatArray,
    index: GridIndex,
) -> tuple[npt.NDArray[np.int64], IntArray]:
    """All areas that hold each point inside, for points that lie on pages: offsets and rows, by ascending number."""
    offsets = np.zeros(len(x) + 1, np.int64)
    rows = np.empty(0, np.int32)
    places = np.empty(len(x), np.int32)
    _place(x, y, index, places)
    for filling in (False, True):
        count = 0
        for i in range(len(x)):
            px, py = _flushed(x[i]), _flushed(y[i])
            page = (-2 - _finest(px, py, index.cells[places[i]], index)) >> 1
            while page >= 0:
                holding, touched = _areas_at(px, py, index.pages[page], index.edges)
                inside = holding & ~touched
                while inside:
                    if filling:
                        rows[count] = index.areas[index.pages[page].area_start + _lowest_bit(inside)]
                    count += 1
                    inside &= inside - np.uint64(1)
                page = index.pages[page].next_page
            offsets[i + 1] = count
        if not filling:
            rows = np.empty(count, np.int32)
    return offsets, rows


@compiled_without_allocation
def _flushed(value: float) -> float:
    return 0.0 if abs(value) < SMALLEST else value


@compiled_without_allocation
def _finest(px: float, py: float, cell: int, index: GridIndex) -> int:
    """What the finest cell around the point is, in a coarse cell that is ``cell``; never a finer grid."""
    while cell < OUTSIDE and cell & 1:
        grid = (-3 - cell) >> 1
        column = min(max(int((px - index.origins[grid + 1, 0]) * index.origins[grid + 1, 2]), 0), FINER - 1)
        row = min(max(int((py - index.origins[grid + 1, 1]) * index.origins[grid + 1, 2]), 0), FINER - 1)
        cell = index.cells[index.nx * index.ny + (grid * FINER + row) * FINER + column]
    return int(cell)


@compiled_without_allocation
def _areas_at(px: float, py: float, page: Any, edges: RecordArray) -> tuple[np.uint64, np.uint64]:
    """Areas that hold the point after the infinitely small shift, and areas on whose boundary it lies without it."""
    holding = page.inside
    touched = np.uint64(0)
    x, y = page.x, page.y
    for k in range(page.edge_start, page.edge_end):
        edge = edges[k]
        side = orientation(edge.ax, edge.ay, edge.bx, edge.by, px, py)
        if side > 0:
            continue
        if side == 0:
            if min(edge.ax, edge.bx) <= px <= max(edge.ax, edge.bx) and min(edge.ay, edge.by) <= py <= max(
                edge.ay, edge.by
            ):
                touched |= edge.bounds
            if shifted_off(edge.ax, edge.ay, edge.bx, edge.by) > 0:
                continue
        if parted_by_shifted(x, y, px, py, edge.ax, edge.ay, edge.bx, edge.by):
            holding ^= edge.bounds
    return holding, touched


@compiled_without_allocation
def _decide(px: float, py: float, page: int, index: GridIndex) -> tuple[int, bool]:
    """Owner of a point on a page and whether it was found by the rule for boundaries."""
    inside_count = 0
    first_inside, first_shifted, first_touched = OUTSIDE, OUTSIDE, OUTSIDE
    while page >= 0:
        holding, touched = _areas_at(px, py, index.pages[page], index.edges)
        start = index.pages[page].area_start
        inside = holding & ~touched
        if inside:
            if first_inside == OUTSIDE:
                first_inside = index.areas[start + _lowest_bit(inside)]
            inside_count += 2 if inside & (inside - np.uint64(1)) else 1
        if touched:
            if first_touched == OUTSIDE:
                first_touched = index.areas[start + _lowest_bit(touched)]
            if holding & touched and first_shifted == OUTSIDE:
                first_shifted = index.areas[start + _lowest_bit(holding & touched)]
        page = index.pages[page].next_page
    if inside_count > 1:
        return AMBIGUOUS, False
    if inside_count == 1:
        return first_inside, False
    if first_shifted != OUTSIDE:
        return first_shifted, True
    return first_touched, first_touched != OUTSIDE


@compiled_without_allocation
def _lowest_bit(bits: np.uint64) -> int:
    bit = 0
    while not bits & np.uint64(1):
        bits >>= np.uint64(1)
        bit += 1
    return bit
