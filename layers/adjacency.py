"""Who borders on whom, and along how many metres: the graph that beats and plans are drawn on."""

from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers._overlay import rings_of
from layers.frames import require_metric

WIDEST_SLIVER_M: Final = 0.05
"""Borders up to this far apart (metres) are one border: slivers between neighbours do not part them."""

SHORTEST_BORDER_M: Final = 1.0
"""Shorter common borders (metres) are a touch at a corner, not a border."""


def adjacency(
    areas_metric: gpd.GeoDataFrame,
    *,
    widest_sliver_m: float = WIDEST_SLIVER_M,
    shortest_border_m: float = SHORTEST_BORDER_M,
) -> pd.DataFrame:
    """Pairs of areas with a common border.

    Edge against edge: of each edge, the stretch along which an edge of the other area runs at most `widest_sliver_m`
    away counts. Touching corners have no such stretch. Lengths from both sides are averaged. Where two borders part at
    an angle α the length is too long by at most `widest_sliver_m` / tan α.

    Parameters
    ----------
    areas_metric : polygons in a metric CRS, indexed by `area_id`; those of one level make sense.
    widest_sliver_m : metres that neighbours' borders may lie apart or overlap.
    shortest_border_m : metres from which on a common stretch is a border.

    Returns
    -------
    `a`, `b` (int64 `area_id`, a < b) and `shared_border_m` (float64), in order of a and b.

    Raises
    ------
    NotMetricError
    """
    require_metric(areas_metric)
    start, end, area = _edges(areas_metric.geometry.to_numpy())
    edge, other = _close_edges(start, end, area, widest_sliver_m)
    stretch_m = _common_stretch(start, end, edge, other, widest_sliver_m)
    area_ids = areas_metric.index.to_numpy()
    one, two = area_ids[area[edge]], area_ids[area[other]]
    pairs = pd.DataFrame({"a": np.minimum(one, two), "b": np.maximum(one, two), "shared_border_m": stretch_m / 2.0})
    shared = pairs.groupby(["a", "b"])["shared_border_m"].sum()
    return shared[shared >= shortest_border_m].reset_index()


def _edges(
    polygons: npt.NDArray[np.object_],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Start and end of every edge (n, 2) and the position of its polygon; edges of no length are left out."""
    rings, polygon_of_ring = rings_of(polygons)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    is_edge = (ring[1:] == ring[:-1]) & (coordinates[1:] != coordinates[:-1]).any(axis=1)
    return coordinates[:-1][is_edge], coordinates[1:][is_edge], polygon_of_ring[ring[:-1][is_edge]]


def _close_edges(
    start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], area: npt.NDArray[np.intp], within_m: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pairs of edges of different areas whose boxes come as close as that; every pair both ways round."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    tree = shapely.STRtree(shapely.linestrings(np.stack([start, end], axis=1)))
    reach = shapely.box(*(low - within_m).T, *(high + within_m).T)
    edge, other = tree.query(reach)
    apart = area[edge] != area[other]
    return edge[apart], other[apart]


def _common_stretch(
    start: npt.NDArray[np.float64],
    end: npt.NDArray[np.float64],
    edge: npt.NDArray[np.intp],
    other: npt.NDArray[np.intp],
    within_m: float,
) -> npt.NDArray[np.float64]:
    """Metres of each edge beside which the other edge runs at most `within_m` away."""
    origin, along = start[edge], end[edge] - start[edge]
    length = np.hypot(*along.T)
    along /= length[:, None]
    # the other edge's ends, seen from the edge: how far along it, how far beside it
    ahead = np.stack([((ends[other] - origin) * along).sum(axis=1) for ends in (start, end)])
    beside = np.stack([_cross(along, ends[other] - origin) for ends in (start, end)])
    # beside is linear in ahead: keep the part of the other edge between -within_m and +within_m ...
    run, drift = ahead[1] - ahead[0], beside[1] - beside[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = np.sort(np.stack([(-within_m - beside[0]) / drift, (within_m - beside[0]) / drift]), axis=0)
    parallel = drift == 0.0
    always = parallel & (np.abs(beside[0]) <= within_m)
    enters = np.where(parallel, 0.0, np.clip(crossings[0], 0.0, 1.0))
    leaves = np.where(parallel, np.where(always, 1.0, 0.0), np.clip(crossings[1], 0.0, 1.0))
    # ... and of that, the part that lies beside the edge and not before or behind it
    one, two = ahead[0] + enters * run, ahead[0] + leaves * run
    stretch: npt.NDArray[np.float64] = np.minimum(np.maximum(one, two), length) - np.maximum(np.minimum(one, two), 0.0)
    return np.maximum(stretch, 0.0)


def _cross(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
