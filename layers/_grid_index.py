"""A hierarchy of grids over areas: what every cell is, and for the cells on a border the few edges that matter there.

The plane is cut into square cells. A cell that no edge meets is outside, inside one area, or inside several. Any other
cell is a *page*: its centre with the set of areas that hold the centre, and the edges that meet the cell, each with the
set of areas that it bounds. Walking from the centre to a point, every edge crossed toggles its set; what remains is the
set of areas that hold the point. Cells with many edges are cut again into a finer grid.

The centre's sets are found by walking along a row of cells from centre to centre, starting outside (or, in a finer grid,
at the centre of the cell that was cut). All walks are shifted by an infinitely small step, so that they meet no vertex
and no edge lengthwise (see ``layers._orientation``).
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from layers._compiled import compiled
from layers._edges import Edges, FloatArray, IntArray
from layers._orientation import parted_by_shifted, side_of_shifted

RecordArray = npt.NDArray[np.void]

OUTSIDE = -1

PAGE = np.dtype(
    [
        ("x", "f8"),
        ("y", "f8"),
        ("inside", "u8"),  # areas that hold the centre, as bits
        ("edge_start", "i4"),
        ("edge_end", "i4"),
        ("area_start", "i4"),  # the area of bit 0
        ("next_page", "i4"),  # a page has 64 bits; further areas of the cell are on the next one, -1 when there is none
    ]
)
EDGE = np.dtype([("ax", "f8"), ("ay", "f8"), ("bx", "f8"), ("by", "f8"), ("bounds", "u8")])

CELLS_PER_EDGE = 16
MOST_CELLS = 1 << 22
FINER = 8
MOST_EDGES = 16
MOST_LEVELS = 6
WORD = 64

# An edge belongs to a cell when it comes within this share of a cell's width: more than all rounding errors together, as
# no cell is narrower than 2^16 units in the last place of the largest coordinate.
_MARGIN = 2.0**-9
_ULPS_PER_CELL = 2.0**16


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


@dataclass
class _Level:
    """Grids of one size; each knows its edges, a point whose areas are known, and these areas."""

    origins: FloatArray
    cell: float
    nx: int
    ny: int
    edge_offsets: IntArray
    edge_ids: IntArray
    start_areas_offsets: IntArray
    start_areas: IntArray
    starts: FloatArray


@dataclass
class _Parts:
    """What the levels add to the index."""

    origins: list[FloatArray] = field(default_factory=list)
    cells: list[IntArray] = field(default_factory=list)
    pages: list[RecordArray] = field(default_factory=list)
    edges: list[RecordArray] = field(default_factory=list)
    areas: list[IntArray] = field(default_factory=list)

    def sizes(self) -> tuple[int, int, int]:
        return sum(map(len, self.pages)), sum(map(len, self.edges)), sum(map(len, self.areas))


def index_edges(edges: Edges, row_of_number: IntArray) -> GridIndex:
    """Build the hierarchy; pages list areas by ascending number, cells and pages name them by row."""
    ends = edges.ends
    if not len(ends):
        nothing = np.array([OUTSIDE], np.int32)
        return GridIndex(
            (0.0, 0.0, 0.0, 0.0), 1, 1, np.array([[0.0, 0.0, 1.0]]), nothing,
            np.empty(0, PAGE), np.empty(0, EDGE), np.empty(0, np.int32),
        )  # fmt: skip
    west, east = float(ends[:, [0, 2]].min()), float(ends[:, [0, 2]].max())
    south, north = float(ends[:, [1, 3]].min()), float(ends[:, [1, 3]].max())
    largest = max(map(abs, (west, south, east, north)))
    smallest_cell = _ULPS_PER_CELL * float(np.spacing(largest))
    level = _coarse_level(edges, (west, south, east, north), smallest_cell)
    nx, ny = level.nx, level.ny
    parts = _Parts()
    grids = 0
    for depth in range(MOST_LEVELS):
        may_cut = depth + 1 < MOST_LEVELS and level.cell / FINER >= smallest_cell
        cell_offsets, cell_edges = _edges_of_cells(
            ends, level.origins, level.cell, level.nx, level.ny, level.edge_offsets, level.edge_ids
        )
        cells, pages, page_edges, areas, cut, cut_offsets, cut_areas = _fill_cells(
            ends, edges.area_offsets, edges.areas, row_of_number,
            level.origins, level.cell, level.nx, level.ny, level.edge_offsets, level.edge_ids,
            level.starts, level.start_areas_offsets, level.start_areas,
            cell_offsets, cell_edges, MOST_EDGES if may_cut else np.iinfo(np.int32).max, grids, *parts.sizes(),
        )  # fmt: skip
        parts.origins.append(np.column_stack([level.origins, np.full(len(level.origins), 1.0 / level.cell)]))
        for kept, added in zip(
            (parts.cells, parts.pages, parts.edges, parts.areas), (cells, pages, page_edges, areas), strict=True
        ):
            kept.append(added)
        if not len(cut):
            break
        grids += len(cut)
        level = _finer_level(level, cell_offsets, cell_edges, cut, cut_offsets, cut_areas)
    return GridIndex(
        (west, south, east, north), nx, ny,
        *(np.concatenate(kept) for kept in (parts.origins, parts.cells, parts.pages, parts.edges, parts.areas)),
    )  # fmt: skip


def _coarse_level(edges: Edges, bounds: tuple[float, float, float, float], smallest_cell: float) -> _Level:
    west, south, east, north = bounds
    count = len(edges.ends)
    width, height = east - west, north - south
    wanted = min(CELLS_PER_EDGE * count, MOST_CELLS)
    cell = max(np.sqrt(width * height / wanted), max(width, height) / wanted, smallest_cell)
    return _Level(
        origins=np.array([[west, south]]),
        cell=float(cell),
        nx=int(width / cell) + 1,
        ny=int(height / cell) + 1,
        edge_offsets=np.array([0, count], np.int32),
        edge_ids=np.arange(count, dtype=np.int32),
        start_areas_offsets=np.zeros(2, np.int32),
        start_areas=np.empty(0, np.int32),
        starts=np.empty((0, 2)),
    )


def _finer_level(
    level: _Level,
    cell_offsets: IntArray,
    cell_edges: IntArray,
    cut: IntArray,
    cut_offsets: IntArray,
    cut_areas: IntArray,
) -> _Level:
    grid, place = np.divmod(cut, level.nx * level.ny)
    row, column = np.divmod(place, level.nx)
    corner = level.origins[grid] + np.column_stack([column, row]) * level.cell
    lengths = cell_offsets[cut + 1] - cell_offsets[cut]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    return _Level(
        origins=corner,
        cell=level.cell / FINER,
        nx=FINER,
        ny=FINER,
        edge_offsets=offsets,
        edge_ids=cell_edges[np.repeat(cell_offsets[cut], lengths) + within],
        start_areas_offsets=cut_offsets,
        start_areas=cut_areas,
        starts=level.origins[grid] + (np.column_stack([column, row]) + 0.5) * level.cell,
    )


@compiled
def _edges_of_cells(
    ends: FloatArray, origins: FloatArray, cell: float, nx: int, ny: int, edge_offsets: IntArray, edge_ids: IntArray
) -> tuple[IntArray, IntArray]:
    """For every cell of every grid the edges that meet it, ascending: offsets and edges."""
    per_unit = 1.0 / cell
    offsets = np.zeros(len(origins) * nx * ny + 1, np.int32)
    listed = np.empty(0, np.int32)
    for filling in (False, True):
        for grid in range(len(origins)):
            base = grid * nx * ny
            for k in range(edge_offsets[grid], edge_offsets[grid + 1]):
                edge = edge_ids[k]
                ua = (ends[edge, 0] - origins[grid, 0]) * per_unit
                va = (ends[edge, 1] - origins[grid, 1]) * per_unit
                ub = (ends[edge, 2] - origins[grid, 0]) * per_unit
                vb = (ends[edge, 3] - origins[grid, 1]) * per_unit
                first_row = max(0, int(np.floor(min(va, vb) - _MARGIN)))
                last_row = min(ny - 1, int(np.floor(max(va, vb) + _MARGIN)))
                for row in range(first_row, last_row + 1):
                    u0, u1 = _span_in_row(ua, va, ub, vb, row)
                    first = max(0, int(np.floor(u0 - _MARGIN)))
                    last = min(nx - 1, int(np.floor(u1 + _MARGIN)))
                    for place in range(base + row * nx + first, base + row * nx + last + 1):
                        if filling:
                            listed[offsets[place]] = edge
                        offsets[place] += 1
        if not filling:
            total = 0
            for place in range(len(offsets)):
                here = offsets[place]
                offsets[place] = total
                total += here
            listed = np.empty(total, np.int32)
    for place in range(len(offsets) - 1, 0, -1):  # filling moved every start to its end
        offsets[place] = offsets[place - 1]
    offsets[0] = 0
    return offsets, listed


@compiled
def _span_in_row(ua: float, va: float, ub: float, vb: float, row: int) -> tuple[float, float]:
    """Least and greatest u of the part of an edge within a row of cells, the row widened by the margin."""
    if va == vb:
        return min(ua, ub), max(ua, ub)
    t0 = min(max((row - _MARGIN - va) / (vb - va), 0.0), 1.0)
    t1 = min(max((row + 1 + _MARGIN - va) / (vb - va), 0.0), 1.0)
    u0, u1 = ua + t0 * (ub - ua), ua + t1 * (ub - ua)
    return min(u0, u1), max(u0, u1)


@compiled
def _fill_cells(
    ends: FloatArray,
    area_offsets: IntArray,
    areas: IntArray,
    row_of_number: IntArray,
    origins: FloatArray,
    cell: float,
    nx: int,
    ny: int,
    edge_offsets: IntArray,
    edge_ids: IntArray,
    starts: FloatArray,
    start_areas_offsets: IntArray,
    start_areas: IntArray,
    cell_offsets: IntArray,
    cell_edges: IntArray,
    most_edges: int,
    grids_before: int,
    pages_before: int,
    edges_before: int,
    areas_before: int,
) -> tuple[IntArray, RecordArray, RecordArray, IntArray, IntArray, IntArray, IntArray]:
    """Walk along every row of every grid; say what each cell is and write the pages, and which cells are to be cut."""
    cells = np.empty(len(origins) * nx * ny, np.int32)
    pages = np.empty(256, PAGE)
    page_edges = np.empty(1024, EDGE)
    page_areas = np.empty(256, np.int32)
    cut = np.empty(64, np.int32)
    cut_offsets = np.zeros(65, np.int32)
    cut_areas = np.empty(64, np.int32)
    n_pages, n_edges, n_areas, n_cut = 0, 0, 0, 0
    here = np.empty(len(row_of_number), np.int32)  # areas that hold the centre of the cell
    local = np.empty(len(row_of_number), np.int32)  # these and those that have an edge in the cell
    none = edge_ids[:0]
    for grid_row in range(len(origins) * ny):
        grid, row = grid_row // ny, grid_row % ny
        y = origins[grid, 1] + (row + 0.5) * cell
        if len(starts):
            x_before, y_before = starts[grid, 0], starts[grid, 1]
            before = edge_ids[edge_offsets[grid] : edge_offsets[grid + 1]]
            size = start_areas_offsets[grid + 1] - start_areas_offsets[grid]
            here[:size] = start_areas[start_areas_offsets[grid] : start_areas_offsets[grid + 1]]
        else:
            x_before, y_before, before, size = origins[grid, 0] - cell, y, none, 0
        plain = -2  # what an edgeless cell here is; -2: not known yet
        for column in range(nx):
            place = grid_row * nx + column
            met = cell_edges[cell_offsets[place] : cell_offsets[place + 1]]
            x = origins[grid, 0] + (column + 0.5) * cell
            if len(before) or len(met):
                size = _walk(ends, area_offsets, areas, before, met, x_before, y_before, x, y, here, size)
                plain = -2
            x_before, y_before, before = x, y, met
            if not len(met) and plain == -2 and size < 2:
                plain = row_of_number[here[0]] if size else OUTSIDE
            if not len(met) and plain != -2:
                cells[place] = plain
                continue
            if len(met) > most_edges:
                cut = _with_room(cut, n_cut + 1)
                cut_offsets = _with_room(cut_offsets, n_cut + 2)
                cut_areas = _with_room(cut_areas, cut_offsets[n_cut] + size)
                cut[n_cut] = place
                cut_areas[cut_offsets[n_cut] : cut_offsets[n_cut] + size] = here[:size]
                cut_offsets[n_cut + 1] = cut_offsets[n_cut] + size
                cells[place] = -3 - 2 * (grids_before + n_cut)
                n_cut += 1
                continue
            locals_ = _local_areas(area_offsets, areas, met, here, size, local)
            needed = max(1, (locals_ + WORD - 1) // WORD)
            pages = _with_room(pages, n_pages + needed)
            page_edges = _with_room(page_edges, n_edges + needed * len(met))
            page_areas = _with_room(page_areas, n_areas + locals_)
            cells[place] = -2 - 2 * (pages_before + n_pages)
            if not len(met):
                plain = cells[place]
            for word in range(needed):
                numbers = local[word * WORD : min((word + 1) * WORD, locals_)]
                page = pages[n_pages]
                page.x, page.y = x, y
                page.inside = _bits(here[:size], numbers)
                page.edge_start = edges_before + n_edges
                page.area_start = areas_before + n_areas
                page.next_page = pages_before + n_pages + 1 if word + 1 < needed else -1
                n_edges = _write_edges(page_edges, n_edges, ends, area_offsets, areas, met, numbers, x, y)
                page.edge_end = edges_before + n_edges
                for number in numbers:
                    page_areas[n_areas] = row_of_number[number]
                    n_areas += 1
                n_pages += 1
    return (
        cells, pages[:n_pages].copy(), page_edges[:n_edges].copy(), page_areas[:n_areas].copy(),
        cut[:n_cut].copy(), cut_offsets[: n_cut + 1].copy(), cut_areas[: cut_offsets[n_cut]].copy(),
    )  # fmt: skip


@compiled
def _walk(
    ends: FloatArray,
    area_offsets: IntArray,
    areas: IntArray,
    before: IntArray,
    met: IntArray,
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    here: IntArray,
    size: int,
) -> int:
    """Go from one centre to the next and toggle in ``here`` the areas of every edge crossed; return how many remain.

    ``before`` and ``met`` are the ascending edges of the two cells; an edge in both is crossed once.
    """
    i, j = 0, 0
    while i < len(before) or j < len(met):
        if j == len(met) or (i < len(before) and before[i] < met[j]):
            edge = before[i]
            i += 1
        else:
            edge = met[j]
            i += i < len(before) and before[i] == edge
            j += 1
        ax, ay, bx, by = ends[edge]
        if side_of_shifted(ax, ay, bx, by, x0, y0) == side_of_shifted(ax, ay, bx, by, x1, y1):
            continue
        if not parted_by_shifted(x0, y0, x1, y1, ax, ay, bx, by):
            continue
        for k in range(area_offsets[edge], area_offsets[edge + 1]):
            size = _toggle(here, size, areas[k])
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
def _local_areas(
    area_offsets: IntArray, areas: IntArray, met: IntArray, here: IntArray, size: int, local: IntArray
) -> int:
    """Write the areas concerned by a cell into ``local``, ascending, each once; return how many."""
    count = 0
    for k in range(size):
        count = _insert(local, count, here[k])
    for edge in met:
        for k in range(area_offsets[edge], area_offsets[edge + 1]):
            count = _insert(local, count, areas[k])
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
def _bits(chosen: IntArray, numbers: IntArray) -> np.uint64:
    """The set ``chosen`` as bits over the ascending ``numbers``; what is not among them is left out."""
    bits = np.uint64(0)
    for number in chosen:
        for bit in range(len(numbers)):
            if numbers[bit] == number:
                bits |= np.uint64(1) << np.uint64(bit)
                break
    return bits


@compiled
def _write_edges(
    page_edges: RecordArray,
    n_edges: int,
    ends: FloatArray,
    area_offsets: IntArray,
    areas: IntArray,
    met: IntArray,
    numbers: IntArray,
    x: float,
    y: float,
) -> int:
    """Write the edges that bound any of ``numbers``, each directed so that the cell's centre lies on its left."""
    for edge in met:
        bounds = _bits(areas[area_offsets[edge] : area_offsets[edge + 1]], numbers)
        if bounds == np.uint64(0):
            continue
        ax, ay, bx, by = ends[edge]
        if side_of_shifted(ax, ay, bx, by, x, y) < 0:
            ax, ay, bx, by = bx, by, ax, ay
        written = page_edges[n_edges]
        written.ax, written.ay, written.bx, written.by, written.bounds = ax, ay, bx, by, bounds
        n_edges += 1
    return n_edges


@compiled
def _with_room(array: npt.NDArray[np.generic], size: int) -> npt.NDArray[np.generic]:
    """The array, or a copy twice as long when it is shorter than ``size``."""
    if size <= len(array):
        return array
    longer = np.empty(max(2 * len(array), size), array.dtype)
    longer[: len(array)] = array
    return longer
