"""Shapes that every feature's routes share: pages of rows, and frames as GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import geopandas as gpd
import pandas as pd
import shapely
from fastapi import Query
from fastapi.responses import Response
from pydantic import BaseModel

Item = TypeVar("Item")
Model = TypeVar("Model", bound=BaseModel)

GEOJSON = "application/geo+json"
DEGREE_STEP = 1e-7
"""Coordinates on the wire are rounded to this step of a degree, about 1 cm."""


class Page(BaseModel, Generic[Item]):
    """One page of a list: `total` counts all rows in the viewer's scope, `offset` is where this page begins."""

    items: Sequence[Item]
    total: int
    offset: int
    limit: int


Offset = Annotated[int, Query(ge=0, le=10_000_000, description="Rows to skip.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows on one page.")]


def items_of(model: type[Model], frame: pd.DataFrame, offset: int = 0, limit: int | None = None) -> list[Model]:
    """Turn rows of a frame, its index among the columns, into wire items; NA becomes null."""
    rows = frame.iloc[offset : None if limit is None else offset + limit].reset_index().astype(object)
    return [model.model_validate(row) for row in rows.where(rows.notna(), None).to_dict("records")]


def geojson(frame: gpd.GeoDataFrame) -> Response:
    """Serve a lon-lat frame as GeoJSON (RFC 7946); the index becomes the feature id."""
    rounded = frame.set_geometry(
        shapely.transform(frame.geometry.to_numpy(), lambda xy: (xy / DEGREE_STEP).round() * DEGREE_STEP), crs=frame.crs
    )
    body = rounded.to_json(default=str, ensure_ascii=False, separators=(",", ":"))
    return Response(body, media_type=GEOJSON)
