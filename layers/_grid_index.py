"""A hierarchy of grids over areas: what every cell is, and for the cells on a border the few edges that matter there.

The plane is cut into square cells. A cell that no edge meets is outside, inside one area, or inside several. Any other
cell is a *page*: its centre with the set of areas that hold the centre, and the edges that meet the cell, each with the
set of areas that it bounds. Walking from the centre to a point, every edge crossed toggles its set; what remains is the
set of areas that hold the point. Cells with many edges are cut again into a finer grid.

The centre's sets are found by walking along a row of cells from centre to centre, starting outside (in a finer grid: at
the centre of the cell that was cut). All walks are shifted by an infinitely small step, so that they meet no vertex and
no edge lengthwise (see ``layers._orientation``).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from layers._compiled import compiled, compiled_without_allocation, share_range
from layers._edges import Edges, FloatArray, IntArray
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


class _Cut(NamedTuple):
    """Cells to be cut, and the areas that hold their centres; ``filled`` (2,) says how much is written."""

    cells: IntArray
    offsets: IntArray
    areas: IntArray
    filled: IntArray


class _Piece(NamedTuple):
    """Some rows of cells of a level, with their own pages and finer grids counted from 0.

    ``cut`` are the cells to be cut, ``cut_offsets`` and ``cut_areas`` the areas that hold the centre of each.
    """

    cells: IntArray
    pages: RecordArray
    edges: RecordArray
    areas: IntArray
    cut: IntArray
    cut_offsets: IntArray
    cut_areas: IntArray


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
    levels: list[Level] = []
    pieces: list[_Piece] = []
    for depth in range(1, MOST_LEVELS + 1):
        may_cut = depth < MOST_LEVELS and level.cell / FINER >= least
        met = edges_of_cells(edges, level)
        of_level = _fill_level(edges, level, met, row_of_number, MOST_EDGES if may_cut else UNCUT)
        levels.append(level)
        pieces.extend(of_level)
        cut = np.concatenate([piece.cut for piece in of_level])
        if not len(cut):
            break
        counts = np.concatenate([np.diff(piece.cut_offsets) for piece in of_level])
        area_offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        level = finer_level(level, met, cut, area_offsets, np.concatenate([piece.cut_areas for piece in of_level]))
    _number_through(pieces)
    return GridIndex(
        bounds=bounds,
        nx=coarse.nx,
        ny=coarse.ny,
        origins=np.concatenate(
            [np.column_stack([level.origins, np.full(len(level.origins), 1.0 / level.cell)]) for level in levels]
        ),
        cells=np.concatenate([piece.cells for piece in pieces]),
        pages=np.concatenate([piece.pages for piece in pieces]),
        edges=np.concatenate([piece.edges for piece in pieces]),
        areas=np.concatenate([piece.areas for piece in pieces]),
    )


def _fill_level(edges: Edges, level: Level, met: CellEdges, row_of_number: IntArray, most_edges: int) -> list[_Piece]:
    """The level's cells in pieces, on all cores."""
    pieces: dict[int, _Piece] = {}

    def fill(low: int, high: int) -> None:
        pieces[low] = _Piece(*_fill_cells(edges, level, met, row_of_number, most_edges, low, high))

    share_range(fill, len(level.origins) * level.ny, smallest_chunk=SMALLEST_CHUNK)
    return [pieces[low] for low in sorted(pieces)]


def _number_through(pieces: Sequence[_Piece]) -> None:
    """Count pages and finer grids through all pieces."""
    n_pages, n_edges, n_areas, n_cut = 0, 0, 0, 0
    for piece in pieces:
        _shift_codes(piece.cells, n_pages, n_cut)
        for column, shift in (("edge_start", n_edges), ("edge_end", n_edges), ("area_start", n_areas)):
            piece.pages[column] += shift
        piece.pages["next_page"][piece.pages["next_page"] >= 0] += n_pages
        n_pages, n_edges, n_areas = n_pages + len(piece.pages), n_edges + len(piece.edges), n_areas + len(piece.areas)
        n_cut += len(piece.cut)


@compiled_without_allocation
def _shift_codes(cells: IntArray, n_pages: int, n_cut: int) -> None:
    for place in range(len(cells)):
        if cells[place] < OUTSIDE:
            cells[place] -= 2 * (n_cut if cells[place] & 1 else n_pages)


@compiled
def _fill_cells(
    edges: Edges,
    level: Level,
    met: CellEdges,
    row_of_number: IntArray,
    most_edges: int,
    first_row: int,
    last_row: int,
) -> tuple[IntArray, RecordArray, RecordArray, IntArray, IntArray, IntArray, IntArray]:
    """Walk along rows of cells, the rows of all grids counted through, and say what each cell is: a ``_Piece``.

    A cell that more than ``most_edges`` edges meet is to be cut.
    """
    cells = np.empty((last_row - first_row) * level.nx, np.int32)
    first, last = first_row * level.nx, last_row * level.nx
    book, cut = empty_book(*_room_for_pages(met.offsets[first : last + 1])), _room_to_cut(64)
    here = np.empty(len(row_of_number), np.int32)  # areas that hold the centre of the cell
    local = np.empty(len(row_of_number), np.int32)  # these and those that have an edge in the cell
    for row in range(first_row, last_row):
        row_cells = cells[(row - first_row) * level.nx : (row - first_row + 1) * level.nx]
        pages_before, cut_before = book.filled.copy(), cut.filled.copy()
        while not _fill_row(edges, level, met, row_of_number, most_edges, row, row_cells, book, cut, here, local):
            book.filled[:], cut.filled[:] = pages_before, cut_before
            book, cut = thicker_book(book), _more_room_to_cut(cut)
    return (
        cells,
        book.pages[: book.filled[0]],
        book.edges[: book.filled[1]],
        book.areas[: book.filled[2]],
        cut.cells[: cut.filled[0]],
        cut.offsets[: cut.filled[0] + 1],
        cut.areas[: cut.filled[1]],
    )


@compiled_without_allocation
def _fill_row(  # noqa: PLR0917 - numba passes by position
    edges: Edges,
    level: Level,
    met: CellEdges,
    row_of_number: IntArray,
    most_edges: int,
    row: int,
    cells: IntArray,
    book: Book,
    cut: _Cut,
    here: IntArray,
    local: IntArray,
) -> bool:
    """Say what each cell of a row is; False when there is no room to write it down."""
    size = 0
    for column in range(level.nx):
        place = row * level.nx + column
        low, high = met.offsets[place], met.offsets[place + 1]
        if column and high == met.offsets[place - 1]:  # like its neighbour: no edge meets either of them
            cells[column] = cells[column - 1]
            continue
        centre = _centre(level, place)
        if column:
            before = met.ids[met.offsets[place - 1] : low]
            size = _walk(edges, before, met.ids[low:high], _centre(level, place - 1), centre, here, size)
        else:
            size = _enter_row(edges, level, met.ids[low:high], place, here)
        if low == high and size < 2:
            cells[column] = row_of_number[here[0]] if size else OUTSIDE
        elif high - low <= most_edges:
            cells[column] = -2 - 2 * book.filled[0]
            if not write_pages(book, edges, met.ids[low:high], centre, here[:size], local, row_of_number):
                return False
        else:
            cells[column] = -3 - 2 * cut.filled[0]
            if not _note_to_cut(cut, place, here, size):
                return False
    return True


@compiled_without_allocation
def _room_for_pages(offsets: IntArray) -> tuple[int, int]:
    """How many cells are met by edges, and edges by cells: about the pages to be written and the edges on them."""
    pages = 1
    for place in range(len(offsets) - 1):
        pages += offsets[place + 1] > offsets[place]
    return pages, offsets[-1] - offsets[0] + 1


@compiled
def _room_to_cut(cells: int) -> _Cut:
    return _Cut(
        np.empty(cells, np.int32), np.zeros(cells + 1, np.int32), np.empty(cells, np.int32), np.zeros(2, np.int32)
    )


@compiled
def _more_room_to_cut(cut: _Cut) -> _Cut:
    longer = _room_to_cut(2 * len(cut.cells))
    longer.cells[: len(cut.cells)] = cut.cells
    longer.offsets[: len(cut.offsets)] = cut.offsets
    longer.areas[: len(cut.areas)] = cut.areas
    longer.filled[:] = cut.filled
    return longer


@compiled_without_allocation
def _note_to_cut(cut: _Cut, place: int, here: IntArray, size: int) -> bool:
    n_cut, n_areas = cut.filled[0], cut.filled[1]
    if n_cut + 1 > len(cut.cells) or n_areas + size > len(cut.areas):
        return False
    cut.cells[n_cut] = place
    for k in range(size):
        cut.areas[n_areas + k] = here[k]
    cut.offsets[n_cut + 1] = n_areas + size
    cut.filled[0], cut.filled[1] = n_cut + 1, n_areas + size
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
                size = _toggle(here, size, edges.areas[k])
    return size


@compiled_without_allocation
def _toggle(here: IntArray, size: int, number: int) -> int:
    for k in range(size):
        if here[k] == number:
            here[k] = here[size - 1]
            return size - 1
    here[size] = number
    return size + 1
