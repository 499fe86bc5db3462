"""Queries to frames: the one place where rows of the database become (Geo)DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely
from geopandas.array import GeometryArray
from pyproj import CRS
from sqlalchemy import Select, func
from sqlalchemy.orm import Session

from layers.frames import LONLAT

Dtypes = Mapping[str, str]

_LONLAT: Final = CRS.from_user_input(LONLAT)


def read_frame(
    session: Session, query: Select[*tuple[Any, ...]], *, dtypes: Dtypes | None = None, index: str | None = None
) -> pd.DataFrame:
    """Run `query`; every column is named as in the query, `dtypes` casts the ones that may hold NULL."""
    result = session.execute(query)
    names = list(result.keys())
    rows = result.fetchall()
    cells = zip(*rows, strict=True) if rows else ((),) * len(names)
    said = dtypes or {}
    columns = {name: _column(values, said.get(name)) for name, values in zip(names, cells, strict=True)}
    at = None if index is None else pd.Index(columns.pop(index), name=index)
    return pd.DataFrame(columns, index=at, copy=False)


def _column(values: tuple[Any, ...], dtype: str | None) -> Any:
    """One column at once as what it is to be: casting a frame afterwards takes nine times as long for a few rows."""
    if dtype is None:
        return pd.Series(values, dtype=None if values else "object").array
    return pd.array(list(values), dtype=dtype)  # type: ignore[call-overload]  # names of dtypes are plain texts here


def read_geoframe(
    session: Session,
    query: Select[*tuple[Any, ...]],
    geometry: Any,
    *,
    dtypes: Dtypes | None = None,
    index: str | None = None,
) -> gpd.GeoDataFrame:
    """Run `query` with the lon-lat geometry column `geometry` added as the frame's geometry."""
    frame = read_frame(session, query.add_columns(func.ST_AsBinary(geometry).label("wkb")), dtypes=dtypes, index=index)
    shapes = shapely.from_wkb(frame.pop("wkb").to_numpy(dtype=object))
    frame["geometry"] = GeometryArray(shapes, crs=_LONLAT)
    return gpd.GeoDataFrame(frame, geometry="geometry")
