"""Which area owns a point? Exact, one owner for every boundary point, from plain coordinate arrays.

The areas are indexed once (``AreaLocator.build``); then most points are answered by one look into a grid and the rest
by testing the few edges of their cell, on all cores. A result depends on the areas' keys and shapes only, never on the
order of areas or points.

Coordinates are planar, in whatever unit the areas are in; longitude and latitude are taken as a plane. A coordinate
closer to zero than 2^-200 counts as zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers._compiled import share_range
from layers._edges import IntArray, distinct_edges
from layers._grid_index import OUTSIDE, GridIndex, index_edges
from layers._grid_lookup import AMBIGUOUS, NO_POINT, look_up, look_up_candidates
from layers.crs import to_metric
from layers.frames import LONLAT, require_lonlat

__all__ = [
    "AMBIGUOUS",
    "NO_POINT",
    "OUTSIDE",
    "STATUSES",
    "AreaLocator",
    "Located",
    "affected_points",
    "locate_areas",
    "nearest_areas",
]

SMALLEST_CHUNK: Final = 1 << 15
"""Points that a thread is worth starting for."""

EXPECTED_POINTS: Final = 300_000
"""Points that an index is made for when nobody says how many will come: the addresses of a district."""

STATUSES: Final = ("owned", "outside", "no_point", "overlap")


@dataclass(frozen=True)
class Located:
    """What was found for n points.

    Attributes
    ----------
    owner : (n,) the owning area's position among those given to ``build``, or ``OUTSIDE`` (-1), ``AMBIGUOUS`` (-2: the
        interiors of several areas hold the point) or ``NO_POINT`` (-3: a coordinate is NaN or infinite).
    on_boundary : (n,) whether no interior holds the point and the boundary rule chose the owner.
    ambiguous : (m,) ascending positions of the ambiguous points.
    candidate_offsets, candidates : areas that hold ambiguous point k are
        ``candidates[candidate_offsets[k]:candidate_offsets[k + 1]]``, by ascending key.
    """

    owner: IntArray
    on_boundary: npt.NDArray[np.bool_]
    ambiguous: npt.NDArray[np.int64]
    candidate_offsets: npt.NDArray[np.int64]
    candidates: IntArray


class AreaLocator:
    """Polygons indexed for locating points."""

    def __init__(self, index: GridIndex) -> None:
        self._index = index

    @classmethod
    def build(
        cls,
        geometries: Sequence[object] | npt.NDArray[np.object_] | gpd.GeoSeries,
        keys: Sequence[str],
        *,
        expected_points: int = EXPECTED_POINTS,
    ) -> "AreaLocator":
        """Index polygons.

        Parameters
        ----------
        geometries
            Polygons and multipolygons, or None. An invalid one is read by the even-odd rule.
        keys
            One distinct key for each, such as the area's code; the smallest decides where the half-open rule does not.
        expected_points
            About how many points will be looked up in all: for many a finer index is worth its time. It changes no
            answer.

        Raises
        ------
        TypeError
            When a geometry is neither polygon nor multipolygon.
        ValueError
            When a coordinate is not finite or beyond 2^200, or keys repeat or are not as many as the geometries.
        """
        shapes = np.asarray(geometries, dtype=object)
        if len(keys) != len(shapes):
            raise ValueError(f"{len(shapes)} geometries with {len(keys)} keys")
        named = np.asarray(keys, dtype=object)
        by_key = np.argsort(named, kind="stable").astype(np.int32)
        repeated = np.flatnonzero(named[by_key[1:]] == named[by_key[:-1]])
        if repeated.size:
            raise ValueError(f"key {named[by_key[repeated[0]]]!r} stands for more than one area")
        numbers = np.empty(len(shapes), np.int32)
        numbers[by_key] = np.arange(len(shapes), dtype=np.int32)
        return cls(index_edges(distinct_edges(shapes, numbers), by_key, expected_points))

    def locate(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Located:
        """Owner of each point; ``x`` and ``y`` are (n,) in the unit of the areas, NaN where there is no point.

        One interior holds the point: that area owns it. Several: ambiguous. None, but boundaries pass through the
        point: the area that holds the point shifted by (e, e^2), e > 0 infinitely small, owns it (half-open edges, the
        same for both neighbours of a shared edge); when none does (outer border) or several do (overlap), the smallest
        key of those that touch the point, or of those several, decides.

        Raises
        ------
        ValueError
            When x and y are not two one-dimensional arrays of one length.
        """
        x, y = np.ascontiguousarray(x, dtype=np.float64), np.ascontiguousarray(y, dtype=np.float64)
        if x.ndim != 1 or x.shape != y.shape:
            raise ValueError(f"x and y must be one-dimensional and of one length, not {x.shape} and {y.shape}")
        owner = np.empty(len(x), np.int32)
        on_boundary = np.empty(len(x), np.bool_)

        def locate_piece(low: int, high: int) -> None:
            look_up(x[low:high], y[low:high], self._index, owner[low:high], on_boundary[low:high])

        share_range(locate_piece, len(x), smallest_chunk=SMALLEST_CHUNK)
        ambiguous = np.flatnonzero(owner == AMBIGUOUS)
        offsets, candidates = look_up_candidates(x[ambiguous], y[ambiguous], self._index)
        return Located(owner, on_boundary, ambiguous, offsets, candidates)


def locate_areas(
    areas: gpd.GeoDataFrame, addresses: pd.DataFrame, *, locator: AreaLocator | None = None
) -> pd.DataFrame:
    """The area that owns each address, for all addresses or any subset.

    Parameters
    ----------
    areas
        AREAS of one level, in longitude and latitude.
    addresses
        ADDRESSES; NaN where there is no point.
    locator
        ``AreaLocator.build(areas.geometry, areas["code"])`` when it is at hand already.

    Returns
    -------
    pandas.DataFrame
        On the index of the addresses: ``area_id`` (Int64, NA unless owned), ``status`` (categorical, one of
        ``STATUSES``), ``on_boundary`` (bool: owned by the boundary rule) and ``candidates`` (tuple of area ids by
        ascending code, empty unless there is an overlap).

    Raises
    ------
    NotLonLatError
        When the areas are in another CRS.
    """
    require_lonlat(areas)
    finder = locator or AreaLocator.build(areas.geometry, areas["code"].to_list(), expected_points=len(addresses))
    found = finder.locate(addresses["lon"].to_numpy(), addresses["lat"].to_numpy())
    area_ids = areas.index.to_numpy()
    owned = found.owner >= 0
    area_id = np.zeros(len(addresses), np.int64)
    area_id[owned] = area_ids[found.owner[owned]]
    status_codes: npt.NDArray[np.integer] = np.zeros(len(addresses), np.int8)
    for code, owner in enumerate((OUTSIDE, NO_POINT, AMBIGUOUS), start=1):
        status_codes[found.owner == owner] = code
    candidates = np.empty(len(addresses), dtype=object)
    candidates.fill(())
    overlapping = np.split(area_ids[found.candidates], found.candidate_offsets[1:-1])
    for position, ids in zip(found.ambiguous, overlapping, strict=False):
        candidates[position] = tuple(ids.tolist())
    return pd.DataFrame(
        {
            "area_id": pd.arrays.IntegerArray(area_id, ~owned),
            "status": pd.Categorical.from_codes(status_codes, categories=pd.Index(STATUSES)),
            "on_boundary": found.on_boundary,
            "candidates": candidates,
        },
        index=addresses.index,
    )


def affected_points(
    before: Sequence[object] | npt.NDArray[np.object_] | gpd.GeoSeries,
    after: Sequence[object] | npt.NDArray[np.object_] | gpd.GeoSeries,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
) -> npt.NDArray[np.int64]:
    """Points whose owner or candidates a boundary change may alter, so that no others need be located again.

    Parameters
    ----------
    before, after
        Old and new geometry of the changed areas only, aligned; None for an area that did not or does not exist.
    x, y
        (n,) coordinates of the points, in the unit of the areas.

    Returns
    -------
    numpy.ndarray
        Ascending positions: the points in the interior of another changed area than before, and (to be on the safe
        side) those on a boundary or in several interiors of changed areas, before or after.
    """
    keys = [f"{position:09}" for position in range(len(before))]
    old = AreaLocator.build(before, keys, expected_points=np.size(x)).locate(x, y)
    new = AreaLocator.build(after, keys, expected_points=np.size(x)).locate(x, y)
    undecided = old.on_boundary | new.on_boundary | (old.owner == AMBIGUOUS) | (new.owner == AMBIGUOUS)
    return np.flatnonzero(undecided | (old.owner != new.owner))


def nearest_areas(areas: gpd.GeoDataFrame, addresses: pd.DataFrame, metric_crs: object) -> pd.DataFrame:
    """The nearest area of each address and how far it is: a suggestion for those that lie outside every area.

    Parameters
    ----------
    areas
        AREAS of one level, in longitude and latitude.
    addresses
        ADDRESSES, meant to be few; NaN where there is no point.
    metric_crs
        CRS to measure in; of areas equally near the one with the smallest code is named.

    Returns
    -------
    pandas.DataFrame
        On the index of the addresses: ``nearest_area_id`` (Int64) and ``distance_m`` (Float64, 0 inside), NA without a
        point.

    Raises
    ------
    NotLonLatError, NotMetricError
    """
    areas_metric = to_metric(areas, metric_crs)
    by_code = areas_metric.sort_values("code", kind="stable")
    located = addresses[np.isfinite(addresses["lon"]) & np.isfinite(addresses["lat"])]
    points_metric = gpd.points_from_xy(located["lon"], located["lat"], crs=LONLAT).to_crs(areas_metric.crs)
    tree = shapely.STRtree(by_code.geometry.to_numpy())
    (point, area), distances_m = tree.query_nearest(np.asarray(points_metric), return_distance=True)
    nearest = (
        pd.DataFrame({"point": point, "area": area, "distance_m": distances_m})
        .sort_values(["point", "area"])
        .drop_duplicates("point")
    )
    return pd.DataFrame(
        {
            "nearest_area_id": pd.array(by_code.index.to_numpy()[nearest["area"]], dtype="Int64"),
            "distance_m": pd.array(nearest["distance_m"].to_numpy(), dtype="Float64"),
        },
        index=located.index[nearest["point"]],
    ).reindex(addresses.index)
