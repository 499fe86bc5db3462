"""Who is next to whom: shared borders with islands joined openly, and a metric hexagon grid."""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from libpysal.graph import Graph

from layers.frames import require_metric

__all__ = ["Neighbourhood", "contiguity", "hexagon_neighbours", "hexagons"]

_AXIAL_STEPS = np.array([(1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)], dtype=np.int64)
_CORNERS = np.array([(0, 2), (1, 1), (1, -1), (0, -2), (-1, -1), (-1, 1)], dtype=np.int64)  # in half widths, half sides
_CELL_SHIFT = np.int64(1) << 32


class Neighbourhood(NamedTuple):
    """
    Neighbours of areas, and which of them are not by a border.

    Attributes
    ----------
    graph
        Binary, symmetric, on the area ids in rising order; no area is its own neighbour.
    bridged
        Ids of the areas that share no border and were joined to their nearest ones instead.
    """

    graph: Graph
    bridged: pd.Index


def contiguity(
    areas_metric: gpd.GeoDataFrame, *, gap_m: float, min_border_m: float, islands_nearest: int
) -> Neighbourhood:
    """
    Neighbours by shared border; an area that shares none is joined to its nearest ones, and that is reported.

    Parameters
    ----------
    areas_metric
        Valid polygons, index ``area_id``, metric CRS.
    gap_m
        Borders this close count as shared: real tilings have slivers (setting, metres, 0 or more).
    min_border_m
        Least length of shared border in metres, above 0, so that a corner in common does not count (setting). With
        a gap, corners count up to about twice the gap: ask for more than that.
    islands_nearest
        How many nearest areas an island is joined to (setting), 0 leaves it alone.

    Returns
    -------
    Neighbourhood

    Raises
    ------
    NotMetricError
        When the CRS is not metric.
    ValueError
        When an id repeats or a number is out of range.
    """
    require_metric(areas_metric)
    if not areas_metric.index.is_unique:
        raise ValueError("an area appears twice")
    if gap_m < 0 or min_border_m <= 2 * gap_m or islands_nearest < 0:
        raise ValueError("need gap_m ≥ 0, min_border_m > 2 × gap_m and islands_nearest ≥ 0")
    areas = areas_metric.sort_index()
    shapes = areas.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    one, other = tree.query(shapes, predicate="dwithin", distance=gap_m)
    one, other = one[one < other], other[one < other]
    # A border within the gap of the other area, measured on the one's side.
    near = shapely.buffer(shapes[other], gap_m) if gap_m else shapely.boundary(shapes[other])
    border_m = shapely.length(shapely.intersection(shapely.boundary(shapes[one]), near))
    one, other = one[border_m >= min_border_m], other[border_m >= min_border_m]
    islands = np.setdiff1d(np.arange(len(areas)), np.concatenate([one, other]))
    bridges = _nearest(shapes, islands, min(islands_nearest, len(areas) - 1))
    pairs = np.concatenate([np.column_stack([one, other]), bridges])
    ids = areas.index.to_numpy()
    bridged = areas.index[islands] if len(bridges) else areas.index[:0]
    return Neighbourhood(_symmetric_graph(ids, ids[pairs[:, 0]], ids[pairs[:, 1]]), bridged)


def hexagons(points_metric: gpd.GeoSeries, *, size_m: float) -> tuple[gpd.GeoDataFrame, pd.Series]:
    """
    Bin points into a grid of regular hexagons that stand on a corner.

    The grid is anchored at the origin of the CRS, so the same place is in the same cell in every run; borders that
    cells share are the same to the last bit. Only cells that hold a point are made.

    Parameters
    ----------
    points_metric
        Points without empties, metric CRS.
    size_m
        Width of a cell in metres: from side to opposite side, and from centre to the neighbour's centre (setting).

    Returns
    -------
    cells : geopandas.GeoDataFrame
        Index ``cell_id`` int64 rising; axial coordinates ``q`` (east), ``r`` (north-east), int64; ``points``, int64;
        hexagons.
    cell_ids : pandas.Series
        ``cell_id`` of each point, on the index of the points.

    Raises
    ------
    NotMetricError
        When the CRS is not metric.
    ValueError
        When the size is not above 0, or a point is missing, empty or not finite.

    References
    ----------
    Red Blob Games, "Hexagonal Grids": axial coordinates and cube rounding.
    """
    require_metric(points_metric)
    if not (np.isfinite(size_m) and size_m > 0):
        raise ValueError(f"a cell must be wider than 0 m: {size_m}")
    places = points_metric.to_numpy()
    if (shapely.is_missing(places) | shapely.is_empty(places)).any():
        raise ValueError("a point is missing or empty")
    x_m, y_m = shapely.get_x(places), shapely.get_y(places)
    if not (np.isfinite(x_m).all() and np.isfinite(y_m).all()):
        raise ValueError("a point is not finite, or not a point")
    side_m = size_m / np.sqrt(3)
    q, r = _round_axial(x_m / size_m - y_m / (3 * side_m), 2 * y_m / (3 * side_m))
    cell_ids = pd.Series(q * _CELL_SHIFT + r, index=points_metric.index, name="cell_id", dtype="int64")
    found, first, points = np.unique(cell_ids.to_numpy(), return_index=True, return_counts=True)
    q, r = q[first], r[first]
    # Corners are whole multiples of half a width and half a side: neighbours compute the very same floats.
    lattice = np.column_stack([2 * q + r, 3 * r])[:, None, :] + _CORNERS
    cells = gpd.GeoDataFrame(
        {"q": q, "r": r, "points": points},
        geometry=shapely.polygons(lattice * np.array([size_m / 2, side_m / 2])),
        index=pd.Index(found, name="cell_id"),
        crs=points_metric.crs,
    )
    return cells, cell_ids


def hexagon_neighbours(cells: gpd.GeoDataFrame) -> Neighbourhood:
    """
    Neighbours of hexagons: the cells one axial step away; a cell with no other next to it has none.

    Parameters
    ----------
    cells
        From `hexagons`: index ``cell_id``, columns ``q`` and ``r``.

    Returns
    -------
    Neighbourhood
        Nothing is bridged: a lone cell says that nothing is near.
    """
    ids = cells.index.to_numpy()
    beside = (cells["q"].to_numpy()[:, None] + _AXIAL_STEPS[:3, 0]) * _CELL_SHIFT
    beside = beside + cells["r"].to_numpy()[:, None] + _AXIAL_STEPS[:3, 1]
    focal, neighbour = np.repeat(ids, 3), beside.ravel()
    present = np.isin(neighbour, ids)
    return Neighbourhood(_symmetric_graph(np.sort(ids), focal[present], neighbour[present]), cells.index[:0])


def _nearest(shapes: npt.NDArray[np.object_], islands: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.int64]:
    """Return (island, other) rows for the k nearest others of each island, equal distances by position."""
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for island in islands if k else islands[:0]:
        distance_m = shapely.distance(shapes[island], shapes)
        distance_m[island] = np.inf
        nearest = np.argsort(distance_m, kind="stable")[:k]
        pairs.append(np.column_stack([np.full(k, island), nearest]))
    return np.concatenate(pairs)


def _round_axial(q: npt.NDArray[np.float64], r: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], ...]:
    """Return the cell of fractional axial coordinates: round all three cube axes, mend the one rounded most."""
    cube = np.stack([q, r, -q - r])
    nearest = np.rint(cube)
    off = np.abs(nearest - cube)
    q_worst = (off[0] > off[1]) & (off[0] > off[2])
    r_worst = ~q_worst & (off[1] > off[2])
    q_cell = np.where(q_worst, -nearest[1] - nearest[2], nearest[0])
    r_cell = np.where(r_worst, -nearest[0] - nearest[2], nearest[1])
    return q_cell.astype(np.int64), r_cell.astype(np.int64)


def _symmetric_graph(ids: npt.NDArray[np.int64], one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> Graph:
    """Return a binary graph on ``ids`` with every pair both ways, once."""
    pairs = np.unique(np.concatenate([np.column_stack([one, other]), np.column_stack([other, one])]), axis=0)
    alone = np.setdiff1d(ids, pairs[:, 0])
    focal = np.concatenate([pairs[:, 0], alone])
    neighbour = np.concatenate([pairs[:, 1], alone])
    weight = np.concatenate([np.ones(len(pairs)), np.zeros(len(alone))])
    order = np.lexsort([neighbour, focal])
    return Graph.from_arrays(focal[order], neighbour[order], weight[order])
