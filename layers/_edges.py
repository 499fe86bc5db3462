"""Polygons taken apart into distinct edges, each with the areas whose boundary it is part of."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from layers._compiled import compiled, compiled_without_allocation
from layers._orientation import LARGEST, SMALLEST

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

_POLYGONAL = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


class Edges(NamedTuple):
    """Distinct undirected segments of all boundaries.

    ``ends`` is (n, 4): x, y of one end and x, y of the other. The areas of edge i are
    ``areas[area_offsets[i]:area_offsets[i + 1]]``. An edge that one area passes an even number of times (the bare spike
    of an invalid ring) bounds nothing and is not listed for that area: areas are read by the even-odd rule.
    """

    ends: FloatArray
    area_offsets: IntArray
    areas: IntArray


def distinct_edges(geometries: Sequence[object] | npt.NDArray[np.object_], numbers: IntArray) -> Edges:
    """Edges of polygons and multipolygons, holes included; missing and empty geometries have none.

    Parameters
    ----------
    geometries
        Polygons or multipolygons in one planar coordinate system.
    numbers
        The number under which the areas of an edge are listed, one for each geometry.

    Raises
    ------
    TypeError
        When a geometry is neither polygon nor multipolygon.
    ValueError
        When a coordinate is not finite or beyond 2^200.
    """
    shapes = np.asarray(geometries, dtype=object)
    kinds = shapely.get_type_id(shapes)
    odd = np.flatnonzero(~np.isin(kinds, (shapely.GeometryType.MISSING, *_POLYGONAL)))
    if odd.size:
        message = f"areas must be polygons or multipolygons; the one at position {odd[0]} is {shapes[odd[0]].geom_type}"
        raise TypeError(message)
    rings, row_of_ring = _single_rings(shapes, kinds)
    vertices = shapely.get_coordinates(rings)
    if not _all_within(vertices.ravel(), LARGEST):
        raise ValueError("areas have coordinates that are not finite or beyond 2^200")
    ring_offsets = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(rings))])
    numbers_of_ring = numbers[row_of_ring].astype(np.int32)
    ends, area_offsets, areas = _merge_equal_edges(vertices, ring_offsets, numbers_of_ring)
    return Edges(ends, area_offsets, areas)


def _single_rings(
    shapes: npt.NDArray[np.object_], kinds: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    """Geometries of one ring each and the row each comes from; most areas are one already and need not be copied."""
    single = (kinds == shapely.GeometryType.POLYGON) & (shapely.get_num_interior_rings(shapes) == 0)
    others = np.flatnonzero(~single)
    parts, part_from = shapely.get_parts(shapes[others], return_index=True)
    rings, ring_from = shapely.get_rings(parts, return_index=True)
    return (
        np.concatenate([shapes[single], rings]),
        np.concatenate([np.flatnonzero(single), others[part_from[ring_from]]]),
    )


@compiled_without_allocation
def _all_within(values: FloatArray, limit: float) -> bool:
    within = True
    for value in values:
        within &= abs(value) <= limit
    return within


def _merge_equal_edges(
    vertices: FloatArray, ring_offsets: npt.NDArray[np.int64], number_of_ring: IntArray
) -> tuple[FloatArray, IntArray, IntArray]:
    longest = max(len(vertices), 1)
    ends = np.empty((longest, 4))
    edge_of_segment = np.empty(longest, np.int32)  # a segment is named after its first vertex
    table = np.full(1 << (2 * longest - 1).bit_length(), -1, np.int32)
    count = _number_edges(vertices, ring_offsets, ends, edge_of_segment, table)
    area_offsets, areas = _areas_of_edges(edge_of_segment, ring_offsets, number_of_ring, count)
    return ends[:count], area_offsets, areas


@compiled_without_allocation
def _number_edges(
    vertices: FloatArray,
    ring_offsets: npt.NDArray[np.int64],
    ends: FloatArray,
    edge_of_segment: IntArray,
    table: IntArray,
) -> int:
    """Number the distinct edges through a hash table with open addressing; return how many there are."""
    bits = ends.view(np.uint64)
    last_slot = np.uint64(len(table) - 1)
    count = 0
    for ring in range(len(ring_offsets) - 1):
        edge_of_segment[ring_offsets[ring + 1] - 1] = -1
        for i in range(ring_offsets[ring], ring_offsets[ring + 1] - 1):
            edge_of_segment[i] = -1
            ax, ay = _flushed(vertices[i, 0]), _flushed(vertices[i, 1])
            bx, by = _flushed(vertices[i + 1, 0]), _flushed(vertices[i + 1, 1])
            if ax == bx and ay == by:
                continue
            if ax > bx or (ax == bx and ay > by):
                ax, ay, bx, by = bx, by, ax, ay
            ends[count, 0], ends[count, 1], ends[count, 2], ends[count, 3] = ax, ay, bx, by
            slot = _hash(bits, count) & last_slot
            while table[slot] >= 0 and not _equal(ends, table[slot], count):
                slot = (slot + np.uint64(1)) & last_slot
            if table[slot] < 0:
                table[slot] = count
                count += 1
            edge_of_segment[i] = table[slot]
    return count


@compiled_without_allocation
def _flushed(value: float) -> float:
    return 0.0 if abs(value) < SMALLEST else value


@compiled_without_allocation
def _equal(ends: FloatArray, i: int, j: int) -> bool:
    same = True
    for k in range(4):
        same &= ends[i, k] == ends[j, k]
    return same


@compiled_without_allocation
def _hash(bits: npt.NDArray[np.uint64], i: int) -> np.uint64:
    mixed = np.uint64(0x9E3779B97F4A7C15)
    for k in range(4):
        mixed = (mixed ^ bits[i, k]) * np.uint64(0xFF51AFD7ED558CCD)
        mixed ^= mixed >> np.uint64(32)
    return mixed


@compiled
def _areas_of_edges(
    edge_of_segment: IntArray, ring_offsets: npt.NDArray[np.int64], number_of_ring: IntArray, count: int
) -> tuple[IntArray, IntArray]:
    """List for each edge the areas that pass it an odd number of times."""
    room = np.zeros(count + 1, np.int32)
    for edge in edge_of_segment[: ring_offsets[-1]]:
        if edge >= 0:
            room[edge + 1] += 1
    for edge in range(count):
        room[edge + 1] += room[edge]
    areas = np.empty(room[count], np.int32)
    filled = np.zeros(count, np.int32)
    _toggle_areas(edge_of_segment, ring_offsets, number_of_ring, room, areas, filled)
    offsets = np.zeros(count + 1, np.int32)
    for edge in range(count):
        start = room[edge]
        for k in range(filled[edge]):
            areas[offsets[edge] + k] = areas[start + k]
        offsets[edge + 1] = offsets[edge] + filled[edge]
    return offsets, areas[: offsets[count]].copy()


@compiled_without_allocation
def _toggle_areas(
    edge_of_segment: IntArray,
    ring_offsets: npt.NDArray[np.int64],
    number_of_ring: IntArray,
    room: IntArray,
    areas: IntArray,
    filled: IntArray,
) -> None:
    for ring in range(len(ring_offsets) - 1):
        for edge in edge_of_segment[ring_offsets[ring] : ring_offsets[ring + 1]]:
            if edge >= 0:
                filled[edge] = toggle(areas[room[edge] : room[edge + 1]], filled[edge], number_of_ring[ring])


@compiled_without_allocation
def toggle(listed: IntArray, size: int, number: int) -> int:
    """Strike the number from the first ``size`` of the list when it is there, else add it; return the new size."""
    for k in range(size):
        if listed[k] == number:
            listed[k] = listed[size - 1]
            return size - 1
    listed[size] = number
    return size + 1
