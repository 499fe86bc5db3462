"""A hierarchy of grids over areas: what every cell is, and for the cells on a border the few edges that matter there.

The plane is cut into square cells. A cell that no edge meets is outside, inside one area, or inside several. Any other
cell is a *page*: its centre with the set of areas that hold the centre, and the edges that meet the cell, each with the
set of areas that it bounds. Walking from the centre to a point, every edge crossed toggles its set; what remains is the
set of areas that hold the point. Cells with many edges are cut again into a finer grid.

The centre's sets are found by walking along a row of cells from centre to centre, starting outside (in a finer grid: at
the centre of the cell that was cut). All walks are shifted by an infinitely small step, so that they meet no vertex and
no edge lengthwise (see ``layers._orientation``).
"""

from typing import NamedTuple

import numpy as np

from layers._compiled import compiled, compiled_without_allocation, share_range
from layers._edges import Edges, FloatArray, IntArray, toggle
from layers._grid_levels import FINER, CellEdges, Level, coarse_level, edges_of_cells, finer_level, smallest_cell
from layers._grid_pages import PAGE, PAGE_EDGE, Book, RecordArray, empty_book, thicker_book, write_pages
from layers._orientation import parted_by_shifted, side_of_shifted

OUTSIDE = -1

MOST_EDGES = 16
MOST_LEVELS = 6
UNCUT = np.iinfo(np.int32).max

SMALLEST_CHUNK = 64
"""Rows of cells that a thread is worth starting for."""


class GridIndex(NamedTuple):
    """Arrays that the lookup reads.

    ``cells`` says what a cell is: an area's row (>= 0), OUTSIDE, page p as ``-2 - 2 p`` or finer grid g as
    ``-3 - 2 g``. The first ``nx * ny`` are the coarse grid, row by row from the south; finer grid g follows at
    ``nx * ny + 64 g``. ``origins`` holds for each grid, the coarse one first, x and y of its south-west corner and its
    cells per unit. ``bounds`` are west, south, east, north.
    """

    bounds: tuple[float, float, float, float]
    nx: int
    ny: int
    origins: FloatArray
    cells: IntArray
    pages: RecordArray
    edges: RecordArray
    areas: IntArray


class _Ground(NamedTuple):
    """What the cells of a level are found from; ``cut`` are those to be cut, the first into finer grid ``grids``."""

    edges: Edges
    row_of_number: IntArray
    level: Level
    met: CellEdges
    cut: IntArray
    grids: int


class _Found(NamedTuple):
    """What is said of the cells of a level: the index's ``cells``, and how many areas hold each cut cell's centre."""

    cells: IntArray
    held: IntArray


class _Held(NamedTuple):
    """Areas that hold the centres of cells to be cut; ``noted`` (2,): the next of these cells, how many areas."""

    areas: IntArray
    noted: IntArray


class _Piece(NamedTuple):
    """Some rows of cells: whether there was room, how far the book is written, and the areas that hold cut centres."""

    complete: bool
    written: IntArray
    areas: IntArray


def index_edges(edges: Edges, row_of_number: IntArray, expected_points: int) -> GridIndex:
    """Build the hierarchy; pages list areas by ascending number, cells and pages name them by row."""
    if not len(edges.ends):
        nowhere = np.full(1, OUTSIDE, np.int32)
        nothing = np.empty(0, PAGE), np.empty(0, PAGE_EDGE), np.empty(0, np.int32)
        return GridIndex((0.0, 0.0, 0.0, 0.0), 1, 1, np.array([[0.0, 0.0, 1.0]]), nowhere, *nothing)
    x, y = edges.ends[:, 0::2], edges.ends[:, 1::2]
    bounds = (float(x.min()), float(y.min()), float(x.max()), float(y.max()))
    least = smallest_cell(bounds)
    coarse = level = coarse_level(edges, bounds, expected_points)
    book = empty_book(_room(2 * len(edges.ends), 0, 1))
    origins: list[FloatArray] = []
    cells: list[IntArray] = []
    grids = 0
    for depth in range(1, MOST_LEVELS + 1):
        met = edges_of_cells(edges, level)
        may_cut = depth < MOST_LEVELS and level.cell / FINER >= least
        cut = np.flatnonzero(np.diff(met.offsets) > (MOST_EDGES if may_cut else UNCUT)).astype(np.int32)
        found, pieces, book = _fill_level(_Ground(edges, row_of_number, level, met, cut, grids), book)
        origins.append(np.column_stack([level.origins, np.full(len(level.origins), 1.0 / level.cell)]))
        cells.append(found.cells)
        if not len(cut):
            break
        grids += len(cut)
        area_offsets = np.concatenate([[0], np.cumsum(found.held)]).astype(np.int32)
        level = finer_level(level, met, cut, area_offsets, np.concatenate([piece.areas for piece in pieces]))
    n_pages, n_edges, n_areas = book.written
    return GridIndex(
        bounds=bounds,
        nx=coarse.nx,
        ny=coarse.ny,
        origins=np.concatenate(origins),
        cells=np.concatenate(cells),
        pages=book.pages[:n_pages],
        edges=book.edges[:n_edges],
        areas=book.areas[:n_areas],
    )


def _room(meetings: int, rows: int, generosity: int) -> IntArray:
    """Pages, edges and areas (3,) to leave room for in so many rows of cells that edges meet so often."""
    return generosity * np.array([meetings + rows, meetings, 2 * (meetings + rows)], np.int32)


def _fill_level(ground: _Ground, book: Book) -> tuple[_Found, list[_Piece], Book]:
    """Say what each cell of the level is, and write the pages; with more room where areas are heaped on each other."""
    generosity = 1
    while True:
        found, pieces, longer = _try_to_fill(ground, book, generosity)
        if all(piece.complete for piece in pieces):
            return found, pieces, longer._replace(written=pieces[-1].written)
        generosity *= 2


def _try_to_fill(ground: _Ground, book: Book, generosity: int) -> tuple[_Found, list[_Piece], Book]:
    """The same on all cores: rows know where in the book there is room for them, so that nobody waits for others."""
    level, offsets = ground.level, ground.met.offsets
    rows = len(level.origins) * level.ny
    found = _Found(np.empty(rows * level.nx, np.int32), np.empty(len(ground.cut), np.int32))
    longer = thicker_book(book, book.written + _room(offsets[-1], rows, generosity))
    pieces: dict[int, _Piece] = {}

    def fill(low: int, high: int) -> None:
        start, end = (book.written + _room(offsets[row * level.nx], row, generosity) for row in (low, high))
        pieces[low] = _Piece(*_fill_rows(ground, longer._replace(written=start, end=end), found, low, high, generosity))

    share_range(fill, rows, smallest_chunk=SMALLEST_CHUNK)
    return found, [pieces[low] for low in sorted(pieces)], longer


@compiled
def _fill_rows(
    ground: _Ground, book: Book, found: _Found, first_row: int, past_row: int, generosity: int
) -> tuple[bool, IntArray, IntArray]:
    """Walk along rows of cells, the rows of all grids counted through: a ``_Piece``."""
    first_cut, past_cut = np.searchsorted(ground.cut, np.array([first_row, past_row]) * ground.level.nx)
    held = _Held(np.empty(generosity * 4 * (past_cut - first_cut), np.int32), np.array([first_cut, 0]))
    here = np.empty(len(ground.row_of_number), np.int32)  # areas that hold the centre of the cell
    local = np.empty(len(ground.row_of_number), np.int32)  # these and those that have an edge in the cell
    complete = True
    for row in range(first_row, past_row):
        complete = complete and _fill_row(ground, book, found, row, held, here, local)
    return complete, book.written, held.areas[: held.noted[1]]


@compiled_without_allocation
def _fill_row(
    ground: _Ground, book: Book, found: _Found, row: int, held: _Held, here: IntArray, local: IntArray
) -> bool:
    """Say what each cell of a row is; False when there is no room to write it down."""
    edges, level, met, cells = ground.edges, ground.level, ground.met, found.cells
    size = 0
    for place in range(row * level.nx, (row + 1) * level.nx):
        low, high = met.offsets[place], met.offsets[place + 1]
        first = place == row * level.nx
        if not first and high == met.offsets[place - 1]:  # like its neighbour: no edge meets either of them
            cells[place] = cells[place - 1]
            continue
        centre = _centre(level, place)
        if first:
            size = _enter_row(edges, level, met.ids[low:high], place, here)
        else:
            before = met.ids[met.offsets[place - 1] : low]
            size = _walk(edges, before, met.ids[low:high], _centre(level, place - 1), centre, here, size)
        if low == high and size < 2:
            cells[place] = ground.row_of_number[here[0]] if size else OUTSIDE
        elif _is_next(ground.cut, held.noted[0], place):
            cells[place] = -3 - 2 * (ground.grids + held.noted[0])
            if not _note_held(held, found.held, here[:size]):
                return False
        else:
            cells[place] = -2 - 2 * book.written[0]
            if not write_pages(book, edges, met.ids[low:high], centre, here[:size], local, ground.row_of_number):
                return False
    return True


@compiled_without_allocation
def _is_next(cut: IntArray, following: int, place: int) -> bool:
    return following < len(cut) and cut[following] == place


@compiled_without_allocation
def _note_held(held: _Held, counts: IntArray, here: IntArray) -> bool:
    """Note the areas that hold the centre of the next cell to be cut; False when there is no room."""
    cut, count = held.noted[0], held.noted[1]
    if count + len(here) > len(held.areas):
        return False
    for number in here:
        held.areas[count] = number
        count += 1
    counts[cut] = len(here)
    held.noted[0], held.noted[1] = cut + 1, count
    return True


@compiled_without_allocation
def _centre(level: Level, place: int) -> tuple[float, float]:
    """Centre of a cell, the cells of all grids counted through."""
    grid_row, column = place // level.nx, place % level.nx
    grid, row = grid_row // level.ny, grid_row % level.ny
    return (
        level.origins[grid, 0] + (column + 0.5) * level.cell,
        level.origins[grid, 1] + (row + 0.5) * level.cell,
    )


@compiled_without_allocation
def _enter_row(edges: Edges, level: Level, met: IntArray, place: int, here: IntArray) -> int:
    """Go to the first cell of a row; write the areas that hold its centre into ``here``; return how many."""
    x, y = _centre(level, place)
    if not len(level.starts):
        return _walk(edges, met[:0], met, (x - level.cell, y), (x, y), here, 0)
    grid = place // (level.nx * level.ny)
    first, last = level.start_area_offsets[grid], level.start_area_offsets[grid + 1]
    for k in range(first, last):
        here[k - first] = level.start_areas[k]
    around = level.edge_ids[level.edge_offsets[grid] : level.edge_offsets[grid + 1]]
    start = (level.starts[grid, 0], level.starts[grid, 1])
    return _walk(edges, met[:0], around, start, (x, y), here, last - first)


@compiled_without_allocation
def _walk(
    edges: Edges,
    before: IntArray,
    met: IntArray,
    start: tuple[float, float],
    end: tuple[float, float],
    here: IntArray,
    size: int,
) -> int:
    """Go from one centre to the next and toggle in ``here`` the areas of every edge crossed; return how many remain.

    ``before`` and ``met`` are the ascending edges of the two cells; an edge in both is crossed once.
    """
    west, east = min(start[0], end[0]), max(start[0], end[0])
    south, north = min(start[1], end[1]), max(start[1], end[1])
    i, j = 0, 0
    while i < len(before) or j < len(met):
        if j == len(met) or (i < len(before) and before[i] < met[j]):
            edge = before[i]
            i += 1
        else:
            edge = met[j]
            i += i < len(before) and before[i] == edge
            j += 1
        ax, ay, bx, by = edges.ends[edge, 0], edges.ends[edge, 1], edges.ends[edge, 2], edges.ends[edge, 3]
        if max(ax, bx) < west or min(ax, bx) > east or max(ay, by) < south or min(ay, by) > north:
            continue
        if side_of_shifted(ax, ay, bx, by, start[0], start[1]) == side_of_shifted(ax, ay, bx, by, end[0], end[1]):
            continue
        if parted_by_shifted(start[0], start[1], end[0], end[1], ax, ay, bx, by):
            for k in range(edges.area_offsets[edge], edges.area_offsets[edge + 1]):
                size = toggle(here, size, edges.areas[k])
    return size
