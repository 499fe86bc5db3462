"""Points far from others of their kind: an address a kilometre from the rest of its road is likely misplaced."""

from typing import Any, Final

import numpy as np
import pandas as pd
from pyproj import CRS, Transformer
from scipy.spatial import KDTree

from layers.frames import LONLAT, require_metric

FEWEST: Final = 5
"""A group of fewer says nothing about where it is."""

_NEIGHBOUR: Final = 3
"""The third nearest sibling is looked at, so that two that are misplaced together do not vouch for each other."""

_APART_M: Final = 1e8
"""Groups are laid so far from each other in a third dimension; the earth is smaller."""


def sibling_distances(points: pd.DataFrame, group: pd.Series, metric_crs: Any) -> pd.DataFrame:
    """How far each point is from others of its group.

    Parameters
    ----------
    points
        Index of whole numbers from 0 up; `lon`, `lat` in degrees, NaN where there is no point.
    group
        What the points belong to, such as their road; NA for nothing.
    metric_crs
        CRS to measure in.

    Returns
    -------
    pandas.DataFrame
        On the index of the points: `distance_m` (Float64) to the third nearest of the group, and `nearest`, the label
        of the nearest. NA without a point or a group, or in a group of fewer than `FEWEST`.

    Raises
    ------
    NotMetricError
    """
    require_metric(metric_crs)
    located = np.isfinite(points["lon"].to_numpy(dtype=np.float64)) & np.isfinite(points["lat"].to_numpy())
    numbers = pd.Series(pd.factorize(group)[0], index=points.index).where(located, -1)
    sizes = numbers.map(numbers[numbers >= 0].value_counts()).fillna(0)
    at = np.flatnonzero((sizes >= FEWEST).to_numpy())
    nearest = np.full(len(points), -1, dtype=np.int64)
    distance_m = np.full(len(points), np.nan)
    if len(at):
        transformer = Transformer.from_crs(LONLAT, CRS.from_user_input(metric_crs), always_xy=True)
        x, y = transformer.transform(points["lon"].to_numpy()[at], points["lat"].to_numpy()[at])
        places = np.column_stack([x, y, numbers.to_numpy()[at] * _APART_M])
        sought = list(range(1, 2 + _NEIGHBOUR))
        distances, found = (np.asarray(each) for each in KDTree(places).query(places, k=sought))
        # of points at one place any may come first: the nearest is the first that is not the point itself
        itself = found[:, 0] == np.arange(len(at))
        other = np.where(itself, found[:, 1], found[:, 0])
        distance_m[at] = distances[:, _NEIGHBOUR]
        nearest[at] = points.index.to_numpy()[at[other]]
    return pd.DataFrame(
        {
            "distance_m": pd.arrays.FloatingArray(np.nan_to_num(distance_m), np.isnan(distance_m)),
            "nearest": pd.arrays.IntegerArray(nearest, nearest < 0),
        },
        index=points.index,
    )
