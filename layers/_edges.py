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
    parts, row_of_part = shapely.get_parts(shapes, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    vertices, ring_of_vertex = shapely.get_coordinates(rings, return_index=True)
    if not (np.abs(vertices) <= LARGEST).all():
        raise ValueError("areas have coordinates that are not finite or beyond 2^200")
    numbers_of_ring = numbers[row_of_part[part_of_ring]].astype(np.int32)
    ends, area_offsets, areas = _merge_equal_edges(vertices, ring_of_vertex, numbers_of_ring)
    return Edges(ends, area_offsets, areas)


@compiled
def _merge_equal_edges(
    vertices: FloatArray, ring_of_vertex: npt.NDArray[np.int64], number_of_ring: IntArray
) -> tuple[FloatArray, IntArray, IntArray]:
    longest = max(len(vertices), 1)
    ends = np.empty((longest, 4))
    edge_of_segment = np.full(longest, -1, np.int32)  # a segment is named after its first vertex
    slots = 1
    while slots < 2 * longest:
        slots *= 2
    table = np.full(slots, -1, np.int32)
    count = _number_edges(vertices, ring_of_vertex, ends, edge_of_segment, table)
    area_offsets, areas = _areas_of_edges(edge_of_segment, ring_of_vertex, number_of_ring, count)
    return ends[:count].copy(), area_offsets, areas


@compiled_without_allocation
def _number_edges(
    vertices: FloatArray,
    ring_of_vertex: npt.NDArray[np.int64],
    ends: FloatArray,
    edge_of_segment: IntArray,
    table: IntArray,
) -> int:
    """Number the distinct edges through a hash table with open addressing; return how many there are."""
    bits = ends.view(np.uint64)
    last_slot = np.uint64(len(table) - 1)
    count = 0
    for i in range(len(vertices) - 1):
        if ring_of_vertex[i] != ring_of_vertex[i + 1]:
            continue
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
    edge_of_segment: IntArray, ring_of_vertex: npt.NDArray[np.int64], number_of_ring: IntArray, count: int
) -> tuple[IntArray, IntArray]:
    """List for each edge the areas that pass it an odd number of times."""
    room = np.zeros(count + 1, np.int32)
    for edge in edge_of_segment:
        if edge >= 0:
            room[edge + 1] += 1
    for edge in range(count):
        room[edge + 1] += room[edge]
    areas = np.empty(room[count], np.int32)
    filled = np.zeros(count, np.int32)
    for i in range(len(edge_of_segment)):
        edge = edge_of_segment[i]
        if edge < 0:
            continue
        area = number_of_ring[ring_of_vertex[i]]
        start = room[edge]
        for k in range(start, start + filled[edge]):
            if areas[k] == area:
                areas[k] = areas[start + filled[edge] - 1]
                filled[edge] -= 1
                break
        else:
            areas[start + filled[edge]] = area
            filled[edge] += 1
    offsets = np.zeros(count + 1, np.int32)
    for edge in range(count):
        start = room[edge]
        for k in range(filled[edge]):
            areas[offsets[edge] + k] = areas[start + k]
        offsets[edge + 1] = offsets[edge] + filled[edge]
    return offsets, areas[: offsets[count]].copy()
