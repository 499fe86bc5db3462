"""A compound that needs several officers, split by its buildings into contiguous, even parts."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.spatial import Delaunay, QhullError

from layers._graph import UnitGraph, unit_graph
from layers.districting import partition
from layers.frames import FrameError, require_metric

__all__ = ["BuildingSplit", "building_graph", "split_by_buildings"]

_LONGEST_LINK = 4.0
"""a link longer than so many times the usual one is left out while the compound stays in one piece without it"""


@dataclass(frozen=True)
class BuildingSplit:
    """
    Parts of one compound.

    Attributes
    ----------
    part
        Part of each building, from 0, Int64, index as the buildings' (ascending); parts are numbered by first building.
    addresses
        Addresses of each part, int64, index ``part``.
    deviation
        Largest deviation of a part from an even share.
    least_deviation
        No split into as many parts has a smaller one (proved).
    """

    part: pd.Series
    addresses: pd.Series
    deviation: float
    least_deviation: float


def split_by_buildings(buildings_metric: gpd.GeoDataFrame, parts: int, *, seed: int = 0) -> BuildingSplit:
    """
    Split a compound's buildings into parts, each in one piece among neighbours, as even as the search finds.

    Buildings are never cut; they are neighbours when nothing lies between them (`building_graph`).

    Parameters
    ----------
    buildings_metric
        Points in a metric CRS, index unique building ids (numbers or texts of 幢), ``addresses`` (whole, 0 or more).
    parts
        2 or more, at most as many as there are buildings.
    seed
        Inputs and seed decide the split; the order of rows does not.

    Returns
    -------
    BuildingSplit

    Raises
    ------
    FrameError
        When points, ids or numbers are missing, repeated or wrong.
    NotMetricError
    ValueError
        When there are fewer buildings than parts, fewer than 2 parts, or no address.
    """
    buildings = buildings_metric.sort_index()
    if not 2 <= parts <= len(buildings):
        raise ValueError(f"{len(buildings)} buildings cannot be split into {parts} parts")
    graph = building_graph(buildings)
    plan = partition(graph, parts, band=0.0, seed=seed, moves_per_unit=max(300, 200_000 // graph.units))
    _, first, inverse = np.unique(plan.plan, return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first))[inverse]
    addresses = np.bincount(number, weights=graph.loads, minlength=parts).astype(np.int64)
    return BuildingSplit(
        part=pd.Series(number, index=buildings.index, name="part", dtype="Int64"),
        addresses=pd.Series(addresses, index=pd.RangeIndex(parts, name="part"), name="addresses"),
        deviation=plan.deviation,
        least_deviation=plan.least_deviation,
    )


def building_graph(buildings_metric: gpd.GeoDataFrame) -> UnitGraph:
    """
    Buildings (in the order of rows) and who stands next to whom: the Gabriel graph, without needless long links.

    Two buildings are neighbours when no other stands in the circle whose diameter joins them (Gabriel & Sokal 1969);
    the graph is connected. Buildings at one point are neighbours of each other.
    """
    require_metric(buildings_metric)
    points = buildings_metric.geometry.to_numpy()
    nowhere = (shapely.get_type_id(points) != shapely.GeometryType.POINT) | shapely.is_empty(points)
    if nowhere.any():
        raise FrameError("geometry", "a point is needed", buildings_metric.index[nowhere].tolist())
    if not buildings_metric.index.is_unique:
        raise FrameError("index", "building ids are repeated")
    numbers = buildings_metric["addresses"]
    if not (pd.api.types.is_integer_dtype(numbers) and (numbers >= 0).all()):
        raise FrameError("addresses", "whole numbers of 0 or more are needed")
    place, first, group = np.unique(shapely.get_coordinates(points), axis=0, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    together = np.column_stack([np.arange(len(points)), first[group]])
    together = together[together[:, 0] != together[:, 1]]
    links = _without_long_ones(place, _gabriel(place))
    return unit_graph(numbers.to_numpy(), np.vstack([together, first[links]]))


def _gabriel(place_m: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Pairs of points with no other in the circle between them, shape (m, 2)."""
    if len(place_m) < 3:
        return np.array([[0, 1]][: len(place_m) - 1], np.int64).reshape(-1, 2)
    try:
        corners = Delaunay(place_m - place_m.mean(axis=0)).simplices
    except QhullError:  # all in a row
        along = np.argsort((place_m - place_m[0]) @ (place_m[-1] - place_m[0]))
        return np.column_stack([along[:-1], along[1:]]).astype(np.int64)
    pairs = np.unique(np.sort(np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]])), axis=0)
    middle, radius = place_m[pairs].mean(axis=1), np.hypot(*(place_m[pairs[:, 0]] - place_m[pairs[:, 1]]).T) / 2
    tree = shapely.STRtree(shapely.points(place_m))
    nearest = tree.query_nearest(shapely.points(middle), return_distance=True, all_matches=False)
    clear = nearest[1] >= radius * (1 - 1e-9)
    kept: npt.NDArray[np.int64] = pairs[clear].astype(np.int64)
    return kept


def _without_long_ones(place_m: npt.NDArray[np.float64], links: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Links without those across open land that nobody needs: the longest go first, unless a piece would come off."""
    if len(links) < 2:
        return links
    length = np.hypot(*(place_m[links[:, 0]] - place_m[links[:, 1]]).T)
    kept = length <= _LONGEST_LINK * np.median(length)
    root = np.arange(len(place_m))

    def top(point: int) -> int:
        while root[point] != point:
            point = int(root[point])
        return point

    for number in np.lexsort((length, ~kept)).tolist():
        one, other = top(int(links[number, 0])), top(int(links[number, 1]))
        kept[number] |= one != other
        root[one] = other
    remaining: npt.NDArray[np.int64] = links[kept]
    return remaining
