"""What every table shares: the declarative base, periods of validity, geometry columns in lon-lat."""

from __future__ import annotations

from datetime import date
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, ColumnElement, Integer, MetaData, and_, or_
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

LONLAT_SRID = 4326

#: 64-bit keys; SQLite counts rows by itself only for the plain INTEGER type
RowId = BigInteger().with_variant(Integer, "sqlite")


class Row(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Period:
    """A row that holds from a day (included) to a day (excluded); no end means until further notice."""

    valid_from: Mapped[date] = mapped_column(index=True)
    valid_to: Mapped[date | None] = mapped_column(index=True)

    @classmethod
    def valid_on(cls, day: date) -> ColumnElement[bool]:
        """The filter for rows that hold on `day`."""
        return holds_on(cls.valid_from, cls.valid_to, day)


def holds_on(start: Any, end: Any, day: date) -> ColumnElement[bool]:
    """Half-open periods: `start <= day < end`, an absent end being never."""
    return and_(start <= day, or_(end.is_(None), end > day))


def geometry_column(kind: str, *, nullable: bool = False) -> Any:
    """A lon-lat geometry column of `kind` (POINT, MULTIPOLYGON) with a spatial index."""
    return mapped_column(Geometry(kind, srid=LONLAT_SRID, spatial_index=True), nullable=nullable, deferred=True)
