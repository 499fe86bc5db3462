"""Shapes that every feature's routes share: pages of rows, and frames as GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import geopandas as gpd
from fastapi import Query
from fastapi.responses import Response
from pydantic import BaseModel

Item = TypeVar("Item")

GEOJSON = "application/geo+json"


class Page(BaseModel, Generic[Item]):
    """One page of a list: `total` counts all rows in the viewer's scope, `offset` is where this page begins."""

    items: Sequence[Item]
    total: int
    offset: int
    limit: int


Offset = Annotated[int, Query(ge=0, le=10_000_000, description="Rows to skip.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows on one page.")]


def geojson(frame: gpd.GeoDataFrame, *, coordinate_precision: int = 7) -> Response:
    """Serve a lon-lat frame as GeoJSON (RFC 7946); the index becomes the feature id.

    Coordinates are written with `coordinate_precision` decimals of a degree (7 is about 1 cm).
    """
    body = frame.to_json(
        na="null",
        drop_id=False,
        to_wgs84=False,
        default=str,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    del coordinate_precision
    return Response(body, media_type=GEOJSON)
