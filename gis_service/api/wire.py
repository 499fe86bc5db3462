"""Shapes that every feature's routes share: pages of rows, and frames as GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

import geopandas as gpd
import pandas as pd
import shapely
from annotated_types import Ge, Le
from fastapi import Query
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, Field

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


RowKey = Annotated[int, Ge(1), Le(2**63 - 1)]
"""The id of a row, as both databases can hold it: in a path, a query or a body."""


def _storable(text: str) -> str:
    if "\x00" in text or text != text.encode("utf-8", "replace").decode():
        raise ValueError("has a character that cannot be stored")
    return text


PlainText = Annotated[str, AfterValidator(_storable)]
"""Text that both databases can hold: without NUL and without half a surrogate pair."""

Offset = Annotated[int, Query(ge=0, le=10_000_000, description="Rows to skip.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows on one page.")]


Withheld = Annotated[
    list[str], Field(description="Figures that are null because a count is below 5 or would give one away.")
]
"""Names of the fields of a row that are null because they are withheld."""


def _in_utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


Instant = Annotated[datetime, AfterValidator(_in_utc)]
"""An instant with its zone (RFC 3339); columns without one are in UTC."""


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
