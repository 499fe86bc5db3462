"""Whether what a file says is what the database has, column by column."""

from __future__ import annotations

from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

#: two points nearer than this are one, degrees (0.1 mm)
SAME_POINT_DEG: Final = 1e-9


def differing(new: pd.Series, old: pd.Series) -> pd.Series:
    """Where two columns on one index differ; two absent values are the same."""
    if isinstance(new, gpd.GeoSeries):
        return pd.Series(_shapes_differ(new.to_numpy(), np.asarray(old, dtype=object)), index=new.index)
    if pd.api.types.is_datetime64_any_dtype(new.dtype) or pd.api.types.is_numeric_dtype(new.dtype):
        same = new.eq(old).fillna(value=False)
    else:
        same = pd.Series(new.astype(object).map(_plain) == old.astype(object).map(_plain), index=new.index)
    return ~(same.astype(bool) | (new.isna() & old.isna()))


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _shapes_differ(new: npt.NDArray[np.object_], old: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Points by distance, other shapes by their normal form: a ring that begins elsewhere is the same ring."""
    absent_new, absent_old = shapely.is_missing(new), shapely.is_missing(old)
    differ: npt.NDArray[np.bool_] = absent_new != absent_old
    both = np.flatnonzero(~absent_new & ~absent_old)
    points = shapely.get_type_id(new[both]) == shapely.GeometryType.POINT
    at = both[points]
    gap = np.abs(shapely.get_coordinates(new[at]) - shapely.get_coordinates(old[at])).max(axis=1, initial=0.0)
    differ[at] = gap > SAME_POINT_DEG
    shaped = both[~points]
    differ[shaped] = ~shapely.equals_exact(new[shaped], old[shaped], tolerance=0.0, normalize=True)
    return differ
