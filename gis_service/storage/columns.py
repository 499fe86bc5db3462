"""Long reads as columns: COPY on PostGIS, points unpacked from SpatiaLite's own blobs; for 10^5 rows and more."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv
from sqlalchemy import LargeBinary, Select, func, type_coerce
from sqlalchemy.orm import Session

from gis_service.storage.bulk import POINT_BLOB

_BUFFER_BYTES: Final = 1 << 24


def read_columns(
    session: Session, query: Select[*tuple[Any, ...]], types: Mapping[str, pa.DataType], *, point: Any = None
) -> pa.Table:
    """Run `query` and return its columns as Arrow arrays of `types`, NULL where the database has NULL.

    Parameters
    ----------
    query
        Columns named as in `types`, in that order.
    types
        Type of each column: integers, floats and text.
    point
        A POINT column to add as `lon` and `lat` (float64, NULL without a point).
    """
    if session.get_bind().dialect.name == "postgresql":
        return _copied(session, query, types, point)
    return _fetched(session, query, types, point)


def _copied(
    session: Session, query: Select[*tuple[Any, ...]], types: Mapping[str, pa.DataType], point: Any
) -> pa.Table:
    if point is not None:
        query = query.add_columns(func.ST_X(point), func.ST_Y(point))
        types = {**types, "lon": pa.float64(), "lat": pa.float64()}
    driver: Any = session.connection().connection.driver_connection
    received = io.BytesIO()
    with driver.cursor() as cursor, cursor.copy(f"COPY ({_literal(session, query)}) TO STDOUT (FORMAT csv)") as copy:
        for piece in copy:
            received.write(piece)
    if not received.tell():
        return pa.table({name: pa.array([], kind) for name, kind in types.items()})
    received.seek(0)
    return arrow_csv.read_csv(
        received,
        read_options=arrow_csv.ReadOptions(column_names=list(types), block_size=_BUFFER_BYTES),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        # PostgreSQL writes NULL as nothing and an empty text as two quotes
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict(types), null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )


def _fetched(
    session: Session, query: Select[*tuple[Any, ...]], types: Mapping[str, pa.DataType], point: Any
) -> pa.Table:
    if point is not None:
        query = query.add_columns(type_coerce(point, LargeBinary))
    driver: Any = session.connection().connection.driver_connection
    rows = driver.execute(_literal(session, query)).fetchall()
    columns = [[row[position] for row in rows] for position in range(len(types) + (point is not None))]
    table = {name: pa.array(column, kind) for (name, kind), column in zip(types.items(), columns, strict=False)}
    return pa.table(table if point is None else {**table, **_unpacked(columns[-1])})


def _unpacked(blobs: list[bytes | None]) -> dict[str, pa.Array]:
    """Longitude and latitude of SpatiaLite's point blobs."""
    absent = np.fromiter((blob is None for blob in blobs), dtype=np.bool_, count=len(blobs))
    packed = np.frombuffer(b"".join(blob or bytes(POINT_BLOB.itemsize) for blob in blobs), dtype=POINT_BLOB)
    lonlat = packed["lonlat"]
    return {
        name: pa.array(np.ascontiguousarray(lonlat[:, position]), mask=absent)
        for position, name in enumerate(("lon", "lat"))
    }


def _literal(session: Session, query: Select[*tuple[Any, ...]]) -> str:
    """The statement as the driver itself takes it, without the rows that SQLAlchemy would make of the answer."""
    session.flush()
    return str(query.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
