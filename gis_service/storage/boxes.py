"""Bounding-box filters that use the spatial index of whichever database runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select, text
from sqlalchemy.orm import Session

from gis_service.storage.rows import LONLAT_SRID

Box = tuple[float, float, float, float]


def narrows_first(session: Session) -> bool:
    """Say whether the box must come first: SQLite would begin with the index of another filter, and read far more."""
    return bool(session.get_bind().dialect.name == "sqlite")


def in_box(session: Session, row: Any, box: Box) -> ColumnElement[bool]:
    """The filter for rows whose `geom` touches the box (west, south, east, north in degrees lon-lat).

    `row` is a class of rows, or on PostGIS whatever has a column `geom`.
    SpatiaLite uses its index only when asked through the virtual table `SpatialIndex`; PostGIS by the operator `&&`.
    """
    if session.get_bind().dialect.name == "sqlite":
        frame = func.BuildMbr(*box, LONLAT_SRID)
        found: Any = (
            select(literal_column("ROWID"))
            .select_from(text("SpatialIndex"))
            .where(literal_column("f_table_name") == row.__tablename__, literal_column("search_frame") == frame)
        )
        in_index: ColumnElement[bool] = row.__table__.c.id.in_(found)
        return in_index
    overlaps: ColumnElement[bool] = row.geom.op("&&")(func.ST_MakeEnvelope(*box, LONLAT_SRID))
    return overlaps
