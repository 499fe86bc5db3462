"""Grids of one cell size, and which edges meet each of their cells."""

from typing import NamedTuple

import numpy as np

from layers._compiled import compiled, compiled_without_allocation
from layers._edges import Edges, FloatArray, IntArray

CELLS_PER_EDGE = 1.5
"""Cells of the coarse grid for each edge, when as many points as edges are expected; it grows with their root."""

MOST_CELLS = 1 << 22
FINER = 8

# An edge belongs to a cell when it comes within this share of a cell's width: more than all rounding errors together,
# as no cell is narrower than 2^16 units in the last place of the largest coordinate.
MARGIN = 2.0**-9
ULPS_PER_CELL = 2.0**16


class Level(NamedTuple):
    """Grids of ``nx`` by ``ny`` square cells; each knows its edges and one point whose areas are known.

    ``origins`` (g, 2) are south-west corners. The edges of grid i are
    ``edge_ids[edge_offsets[i]:edge_offsets[i + 1]]``, ascending. ``starts`` (g, 2) are the points; the areas that hold
    point i are listed likewise. The coarse grid has no such point: walks begin west of it, in no area.
    """

    origins: FloatArray
    cell: float
    nx: int
    ny: int
    edge_offsets: IntArray
    edge_ids: IntArray
    starts: FloatArray
    start_area_offsets: IntArray
    start_areas: IntArray


class CellEdges(NamedTuple):
    """Edges that meet cell c of a level: ``ids[offsets[c]:offsets[c + 1]]``, ascending."""

    offsets: IntArray
    ids: IntArray


def smallest_cell(bounds: tuple[float, float, float, float]) -> float:
    """Width of a cell below which rounding errors would count, for areas within the bounds."""
    return ULPS_PER_CELL * float(np.spacing(max(map(abs, bounds))))


def coarse_level(edges: Edges, bounds: tuple[float, float, float, float], expected_points: int) -> Level:
    """One grid over the bounds: the more points are to be looked up, the more cells are worth making."""
    west, south, east, north = bounds
    count = len(edges.ends)
    width, height = east - west, north - south
    wanted = min(CELLS_PER_EDGE * np.sqrt(count * max(expected_points, count / 4)), MOST_CELLS)
    cell = max(float(np.sqrt(width / wanted * height)), max(width, height) / wanted, smallest_cell(bounds))
    return Level(
        origins=np.array([[west, south]]),
        cell=cell,
        nx=int(width / cell) + 1,
        ny=int(height / cell) + 1,
        edge_offsets=np.array([0, count], np.int32),
        edge_ids=np.arange(count, dtype=np.int32),
        starts=np.empty((0, 2)),
        start_area_offsets=np.zeros(1, np.int32),
        start_areas=np.empty(0, np.int32),
    )


def finer_level(level: Level, met: CellEdges, cut: IntArray, area_offsets: IntArray, areas: IntArray) -> Level:
    """One grid in each of the ``cut`` cells of a level; walks start at the cell's centre, whose areas are given."""
    grid, place = np.divmod(cut, level.nx * level.ny)
    column_row = np.column_stack([place % level.nx, place // level.nx])
    lengths = met.offsets[cut + 1] - met.offsets[cut]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    return Level(
        origins=level.origins[grid] + column_row * level.cell,
        cell=level.cell / FINER,
        nx=FINER,
        ny=FINER,
        edge_offsets=offsets,
        edge_ids=met.ids[np.repeat(met.offsets[cut], lengths) + within],
        starts=level.origins[grid] + (column_row + 0.5) * level.cell,
        start_area_offsets=area_offsets,
        start_areas=areas,
    )


def edges_of_cells(edges: Edges, level: Level) -> CellEdges:
    """For every cell of every grid of the level the edges that meet it."""
    return CellEdges(*_edges_of_cells(edges.ends, level))


@compiled
def _edges_of_cells(ends: FloatArray, level: Level) -> tuple[IntArray, IntArray]:
    offsets = np.zeros(len(level.origins) * level.nx * level.ny + 1, np.int32)
    meetings = np.empty((2 * len(level.edge_ids) + 1, 2), np.int32)
    count = _meet(ends, level, offsets, meetings)
    if count > len(meetings):
        offsets[:] = 0
        meetings = np.empty((count, 2), np.int32)
        _meet(ends, level, offsets, meetings)
    _starts_from_counts(offsets)
    ids = np.empty(count, np.int32)
    for k in range(count):
        place = meetings[k, 0]
        ids[offsets[place]] = meetings[k, 1]
        offsets[place] += 1
    offsets[1:] = offsets[:-1].copy()  # filling moved every start to its end
    offsets[0] = 0
    return offsets, ids


@compiled_without_allocation
def _meet(ends: FloatArray, level: Level, counts: IntArray, meetings: IntArray) -> int:
    """Count the edges of every cell, and write each meeting (cell, edge) while there is room; return how many."""
    per_unit = 1.0 / level.cell
    origins, nx, ny = level.origins, level.nx, level.ny
    count = 0
    for grid in range(len(origins)):
        west, south = origins[grid, 0], origins[grid, 1]
        for k in range(level.edge_offsets[grid], level.edge_offsets[grid + 1]):
            edge = level.edge_ids[k]
            ua, va = (ends[edge, 0] - west) * per_unit, (ends[edge, 1] - south) * per_unit
            ub, vb = (ends[edge, 2] - west) * per_unit, (ends[edge, 3] - south) * per_unit
            first_row, past_row = _cell_range(min(va, vb), max(va, vb), ny)
            for row in range(first_row, past_row):
                first, past = _cell_range(*_span_in_row(ua, va, ub, vb, row), nx)
                base = (grid * ny + row) * nx
                for place in range(base + first, base + past):
                    counts[place] += 1
                    if count < len(meetings):
                        meetings[count, 0], meetings[count, 1] = place, edge
                    count += 1
    return count


@compiled_without_allocation
def _cell_range(low: float, high: float, count: int) -> tuple[int, int]:
    """Range of the cells, of ``count`` in a line, that come within the margin of low to high; empty when none does."""
    first = min(max(low - MARGIN, 0.0), float(count))
    last = min(max(high + MARGIN, -1.0), count - 1.0)
    return int(first), int(np.floor(last)) + 1


@compiled_without_allocation
def _starts_from_counts(counts: IntArray) -> None:
    total = 0
    for k in range(len(counts)):
        here = counts[k]
        counts[k] = total
        total += here


@compiled_without_allocation
def _span_in_row(ua: float, va: float, ub: float, vb: float, row: int) -> tuple[float, float]:
    """Least and greatest u of the part of an edge within a row of cells, the row widened by the margin."""
    if va == vb:
        return min(ua, ub), max(ua, ub)
    t0 = min(max((row - MARGIN - va) / (vb - va), 0.0), 1.0)
    t1 = min(max((row + 1 + MARGIN - va) / (vb - va), 0.0), 1.0)
    u0, u1 = ua + t0 * (ub - ua), ua + t1 * (ub - ua)
    return min(u0, u1), max(u0, u1)
