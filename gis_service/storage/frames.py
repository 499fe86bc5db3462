"""Queries to frames: the one place where rows of the database become (Geo)DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import Select, func
from sqlalchemy.orm import Session

from layers.frames import LONLAT

Dtypes = Mapping[str, str]


def read_frame(
    session: Session, query: Select[*tuple[Any, ...]], *, dtypes: Dtypes | None = None, index: str | None = None
) -> pd.DataFrame:
    """Run `query`; every column is named as in the query, `dtypes` casts the ones that may hold NULL."""
    result = session.execute(query)
    columns = list(result.keys())
    rows = result.fetchall()
    frame = pd.DataFrame(
        dict(zip(columns, zip(*rows, strict=True), strict=True)) if rows else {}, columns=pd.Index(columns)
    )
    frame = frame.astype(dict(dtypes or {}))
    return frame.set_index(index) if index else frame


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
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=LONLAT)
