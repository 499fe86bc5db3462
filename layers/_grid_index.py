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
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from layers._compiled import compiled, share_range
from layers._edges import Edges, FloatArray, IntArray
from layers._grid_levels import FINER, CellEdges, Level, coarse_level, edges_of_cells, finer_level, smallest_cell
from layers._orientation import parted_by_shifted, side_of_shifted

RecordArray = npt.NDArray[Any]  # numba reads the fields of a record as attributes, for which there are no types
Scalar = TypeVar("Scalar", bound=np.generic)

OUTSIDE = -1

PAGE = np.dtype(
    [
        ("x", "f8"),
        ("y", "f8"),
        ("inside", "u8"),  # areas that hold the centre, as bits
        ("edge_start", "i4"),
        ("edge_end", "i4"),
        ("area_start", "i4"),  # the area of bit 0
        ("next_page", "i4"),  # with the cell's areas beyond the 64 of this one; -1 when there is none
    ]
)
PAGE_EDGE = np.dtype([("ax", "f8"), ("ay", "f8"), ("bx", "f8"), ("by", "f8"), ("bounds", "u8")])

WORD = 64
MOST_EDGES = 16
MOST_LEVELS = 6
UNCUT = np.iinfo(np.int32).max

SMALLEST_CHUNK = 64
"""Rows of cells that a thread is worth starting for."""


class GridIndex(NamedTuple):
    """Arrays that the lookup reads.

    ``cells`` says what a cell is: an area's row (>= 0), OUTSIDE, page p as ``-2 - 2 p`` or finer grid g as ``-3 - 2 g``.
    The first ``nx * ny`` are the coarse grid, row by row from the south; finer grid g follows at ``nx * ny + 64 g``.
    ``origins`` holds for each grid, the coarse one first, x and y of its south-west corner and its cells per unit.
    ``bounds`` are west, south, east, north.
    """

    bounds: tuple[float, float, float, float]
    nx: int
    ny: int
    origins: FloatArray
    cells: IntArray
    pages: RecordArray
    edges: RecordArray
    areas: IntArray


class _Book(NamedTuple):
    """Pages, their edges and their areas; the arrays have room to spare, ``filled`` (3,) says how much is written."""

    pages: RecordArray
    edges: RecordArray
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


def index_edges(edges: Edges, row_of_number: IntArray) -> GridIndex:
    """Build the hierarchy; pages list areas by ascending number, cells and pages name them by row."""
    if not len(edges.ends):
        nowhere = np.full(1, OUTSIDE, np.int32)
        nothing = np.empty(0, PAGE), np.empty(0, PAGE_EDGE), np.empty(0, np.int32)
        return GridIndex((0.0, 0.0, 0.0, 0.0), 1, 1, np.array([[0.0, 0.0, 1.0]]), nowhere, *nothing)
    corners = edges.ends.reshape(-1, 2)
    (west, south), (east, north) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    least = smallest_cell(edges)
    coarse = level = coarse_level(edges, (west, south, east, north))
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
        bounds=(west, south, east, north),
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


@compiled
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
    base = first_row * level.nx
    cells = np.empty((last_row - first_row) * level.nx, np.int32)
    book = _Book(np.empty(256, PAGE), np.empty(1024, PAGE_EDGE), np.empty(512, np.int32), np.zeros(3, np.int32))
    cut, cut_offsets, cut_areas = np.empty(64, np.int32), np.zeros(65, np.int32), np.empty(64, np.int32)
    n_cut = 0
    here = np.empty(len(row_of_number), np.int32)  # areas that hold the centre of the cell
    local = np.empty(len(row_of_number), np.int32)  # these and those that have an edge in the cell
    for grid_row in range(first_row, last_row):
        size = 0
        for place in range(grid_row * level.nx, (grid_row + 1) * level.nx):
            low, high = met.offsets[place], met.offsets[place + 1]
            if place > grid_row * level.nx and high == met.offsets[place - 1]:  # no edge meets it or its neighbour
                cells[place - base] = cells[place - base - 1]
                continue
            centre = _centre(level, place)
            if place == grid_row * level.nx:
                size = _enter_row(edges, level, met.ids[low:high], place, here)
            else:
                before = met.ids[met.offsets[place - 1] : low]
                size = _walk(edges, before, met.ids[low:high], _centre(level, place - 1), centre, here, size)
            if low == high and size < 2:
                cells[place - base] = row_of_number[here[0]] if size else OUTSIDE
            elif high - low <= most_edges:
                cells[place - base] = -2 - 2 * book.filled[0]
                book = _write_pages(book, edges, met.ids[low:high], centre, here[:size], local, row_of_number)
            else:
                cells[place - base] = -3 - 2 * n_cut
                cut, cut_offsets = _with_room(cut, n_cut + 1), _with_room(cut_offsets, n_cut + 2)
                cut_areas = _with_room(cut_areas, cut_offsets[n_cut] + size)
                cut[n_cut] = place
                cut_offsets[n_cut + 1] = cut_offsets[n_cut] + size
                cut_areas[cut_offsets[n_cut] : cut_offsets[n_cut + 1]] = here[:size]
                n_cut += 1
    return (
        cells,
        book.pages[: book.filled[0]],
        book.edges[: book.filled[1]],
        book.areas[: book.filled[2]],
        cut[:n_cut],
        cut_offsets[: n_cut + 1],
        cut_areas[: cut_offsets[n_cut]],
    )


@compiled
def _centre(level: Level, place: int) -> tuple[float, float]:
    """Centre of a cell, the cells of all grids counted through."""
    grid_row, column = place // level.nx, place % level.nx
    grid, row = grid_row // level.ny, grid_row % level.ny
    return (
        level.origins[grid, 0] + (column + 0.5) * level.cell,
        level.origins[grid, 1] + (row + 0.5) * level.cell,
    )


@compiled
def _enter_row(edges: Edges, level: Level, met: IntArray, place: int, here: IntArray) -> int:
    """Go to the first cell of a row; write the areas that hold its centre into ``here``; return how many."""
    x, y = _centre(level, place)
    if not len(level.starts):
        return _walk(edges, met[:0], met, (x - level.cell, y), (x, y), here, 0)
    grid = place // (level.nx * level.ny)
    first, last = level.start_area_offsets[grid], level.start_area_offsets[grid + 1]
    here[: last - first] = level.start_areas[first:last]
    around = level.edge_ids[level.edge_offsets[grid] : level.edge_offsets[grid + 1]]
    start = (level.starts[grid, 0], level.starts[grid, 1])
    return _walk(edges, met[:0], around, start, (x, y), here, last - first)


@compiled
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


@compiled
def _toggle(here: IntArray, size: int, number: int) -> int:
    for k in range(size):
        if here[k] == number:
            here[k] = here[size - 1]
            return size - 1
    here[size] = number
    return size + 1


@compiled
def _write_pages(
    book: _Book,
    edges: Edges,
    met: IntArray,
    centre: tuple[float, float],
    here: IntArray,
    local: IntArray,
    row_of_number: IntArray,
) -> _Book:
    """Write the page of a cell, or several when it concerns more than 64 areas."""
    count = _local_areas(edges, met, here, local)
    n_pages, n_edges, n_areas = book.filled[0], book.filled[1], book.filled[2]
    words = max(1, (count + WORD - 1) // WORD)
    if (
        n_pages + words > len(book.pages)
        or n_edges + words * len(met) > len(book.edges)
        or n_areas + count > len(book.areas)
    ):
        book = _Book(
            _with_room(book.pages, n_pages + words),
            _with_room(book.edges, n_edges + words * len(met)),
            _with_room(book.areas, n_areas + count),
            book.filled,
        )
    for word in range(words):
        first, last = word * WORD, min((word + 1) * WORD, count)
        page = book.pages[n_pages]
        page.x, page.y = centre
        page.area_start, page.edge_start = n_areas, n_edges
        page.next_page = n_pages + 1 if word + 1 < words else -1
        page.inside = np.uint64(0)
        for number in here:
            page.inside |= _bit(number, local, first, last)
        n_edges = _write_edges(book.edges, n_edges, edges, met, centre, local[first:last])
        page.edge_end = n_edges
        for k in range(first, last):
            book.areas[n_areas] = row_of_number[local[k]]
            n_areas += 1
        n_pages += 1
    book.filled[0], book.filled[1], book.filled[2] = n_pages, n_edges, n_areas
    return book


@compiled
def _write_edges(
    page_edges: RecordArray, n_edges: int, edges: Edges, met: IntArray, centre: tuple[float, float], numbers: IntArray
) -> int:
    """Write the edges that bound any of ``numbers``, each directed so that the cell's centre lies on its left."""
    for edge in met:
        bounds = np.uint64(0)
        for k in range(edges.area_offsets[edge], edges.area_offsets[edge + 1]):
            bounds |= _bit(edges.areas[k], numbers, 0, len(numbers))
        if bounds == np.uint64(0):
            continue
        ax, ay, bx, by = edges.ends[edge, 0], edges.ends[edge, 1], edges.ends[edge, 2], edges.ends[edge, 3]
        if side_of_shifted(ax, ay, bx, by, centre[0], centre[1]) < 0:
            ax, ay, bx, by = bx, by, ax, ay
        written = page_edges[n_edges]
        written.ax, written.ay, written.bx, written.by, written.bounds = ax, ay, bx, by, bounds
        n_edges += 1
    return n_edges


@compiled
def _local_areas(edges: Edges, met: IntArray, here: IntArray, local: IntArray) -> int:
    """Write the areas concerned by a cell into ``local``, ascending, each once; return how many."""
    count = 0
    for number in here:
        count = _insert(local, count, number)
    for edge in met:
        for k in range(edges.area_offsets[edge], edges.area_offsets[edge + 1]):
            count = _insert(local, count, edges.areas[k])
    return count


@compiled
def _insert(local: IntArray, count: int, number: int) -> int:
    place = count
    while place > 0 and local[place - 1] >= number:
        place -= 1
    if place < count and local[place] == number:
        return count
    for k in range(count, place, -1):
        local[k] = local[k - 1]
    local[place] = number
    return count + 1


@compiled
def _bit(number: int, local: IntArray, first: int, last: int) -> np.uint64:
    """The bit of a number among ``local[first:last]``; none when it is not there."""
    for k in range(first, last):
        if local[k] == number:
            return np.uint64(1) << np.uint64(k - first)
    return np.uint64(0)


@compiled
def _with_room(array: npt.NDArray[Scalar], size: int) -> npt.NDArray[Scalar]:
    """The array, or a longer copy when it is shorter than ``size``."""
    if size <= len(array):
        return array
    longer = np.empty(max(2 * len(array), size), array.dtype)
    longer[: len(array)] = array
    return longer
