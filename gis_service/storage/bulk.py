"""Frames into tables: COPY on PostGIS, prepared statements on SpatiaLite, in the caller's transaction.

A frame's columns are the table's; the index means nothing. Geometry columns hold shapely geometries in lon-lat,
JSON columns plain lists, dates datetime64; NA is NULL everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import shapely
from geoalchemy2 import Geometry
from pyarrow import csv as arrow_csv
from sqlalchemy import JSON, Date, DateTime, LargeBinary, Table, func, select, text
from sqlalchemy.orm import Session

from gis_service.storage.rows import LONLAT_SRID, Row

Progress = Callable[[int, int], None]

CHUNK_ROWS: Final = 20_000
LOOKED_AT_FROM: Final = 10_000
"""Rows added at once after which PostGIS counts anew what is in a table: until then its plans are for a small one."""

POINT_BLOB: Final = np.dtype(
    [
        ("start", "u1"),
        ("little_endian", "u1"),
        ("srid", "<i4"),
        ("bounds", "<f8", 4),
        ("bounds_end", "u1"),
        ("kind", "<i4"),
        ("lonlat", "<f8", 2),
        ("end", "u1"),
    ]
)
"""A point as SpatiaLite stores it: https://www.gaia-gis.it/gaia-sins/BLOB-Geometry.html."""

_names = count()


def table_of(row: type[Row]) -> Table:
    """The table of a row class."""
    return cast("Table", row.__table__)


def reserve_ids(session: Session, row: type[Row], number: int) -> npt.NDArray[np.int64]:
    """Take `number` fresh ids of the table of `row` for rows that this transaction will insert."""
    table = table_of(row)
    if session.get_bind().dialect.name == "postgresql":
        next_id = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
        found = session.scalar(select(func.array_agg(next_id)).select_from(func.generate_series(1, number)))
        return np.array(found or [], dtype=np.int64)
    first = (session.scalar(select(func.max(table.c.id))) or 0) + 1
    return np.arange(first, first + number, dtype=np.int64)


def insert_frame(
    session: Session, row: type[Row], frame: pd.DataFrame, progress: Progress | None = None
) -> npt.NDArray[np.int64]:
    """Insert every row of `frame` into the table of `row`; rows without an `id` column get fresh ones.

    Returns
    -------
    The ids, in the order of the frame.
    """
    rows = frame if "id" in frame.columns else frame.assign(id=reserve_ids(session, row, len(frame)))
    append_frame(session, row, rows, progress)
    return rows["id"].to_numpy(dtype=np.int64)


def append_frame(session: Session, row: type[Row], rows: pd.DataFrame, progress: Progress | None = None) -> None:
    """Insert rows as they are; without an `id` column the database numbers them."""
    table = table_of(row)
    said = rows.notna().any()
    rows = rows[[name for name in rows.columns if said[name] or table.c[name].server_default is not None]]
    postgres = session.get_bind().dialect.name == "postgresql"
    insert = _copy_into if postgres else _insert_into
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = rows.iloc[start : start + CHUNK_ROWS]
        insert(session, table, chunk, table.name)
        if progress is not None:
            progress(start + len(chunk), len(rows))
    if postgres and len(rows) >= LOOKED_AT_FROM:
        session.execute(text(f'ANALYZE "{table.name}"'))


def update_frame(
    session: Session, row: type[Row], frame: pd.DataFrame, key: str = "id", progress: Progress | None = None
) -> None:
    """Set the other columns of `frame` in the rows of its table that have its `key`."""
    table = table_of(row)
    columns = [str(name) for name in frame.columns if name != key]
    postgres = session.get_bind().dialect.name == "postgresql"
    for start in range(0, len(frame), CHUNK_ROWS):
        chunk = frame.iloc[start : start + CHUNK_ROWS]
        if postgres:
            _update_from_copy(session, table, chunk, columns, key)
        else:
            values = ", ".join(f'"{name}" = {_placeholder(table, name)}' for name in columns)
            statement = f'UPDATE "{table.name}" SET {values} WHERE "{key}" = ?'  # noqa: S608 - names of our own tables
            session.connection().exec_driver_sql(statement, _tuples(table, chunk[[*columns, key]]))
        if progress is not None:
            progress(start + len(chunk), len(frame))


# PostGIS


def _copy_into(session: Session, table: Table, frame: pd.DataFrame, target: str) -> None:
    buffer = pa.BufferOutputStream()
    columns = [str(name) for name in frame.columns]
    cells = pa.table({name: _arrow(table, name, frame[name]) for name in columns})
    # every value in quotes, so that a bare nothing is NULL and an empty text is not
    options = arrow_csv.WriteOptions(include_header=False, quoting_style="all_valid")
    arrow_csv.write_csv(cells, buffer, options)
    names = ", ".join(f'"{name}"' for name in columns)
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f'COPY "{target}" ({names}) FROM STDIN (FORMAT csv)') as copy:
        copy.write(buffer.getvalue().to_pybytes())


def _update_from_copy(session: Session, table: Table, frame: pd.DataFrame, columns: Sequence[str], key: str) -> None:
    staged = f"staged_{next(_names)}"
    names = ", ".join(f'"{name}"' for name in frame.columns)
    settings = ", ".join(f'"{name}" = s."{name}"' for name in columns)
    session.execute(text(f'CREATE TEMP TABLE {staged} AS SELECT {names} FROM "{table.name}" WITH NO DATA'))  # noqa: S608 - names of our own tables
    _copy_into(session, table, frame, staged)
    session.execute(text(f"ANALYZE {staged}"))
    session.execute(
        text(f'UPDATE "{table.name}" t SET {settings} FROM {staged} s WHERE t."{key}" = s."{key}"')  # noqa: S608
    )
    session.execute(text(f"DROP TABLE {staged}"))


def _arrow(table: Table, name: str, column: pd.Series) -> pa.Array:
    kind = table.c[name].type
    if isinstance(kind, Geometry):
        shapes = np.asarray(column, dtype=object)
        marked = shapely.set_srid(shapes, LONLAT_SRID)
        return pa.array(shapely.to_wkb(marked, hex=True, include_srid=True), pa.string(), from_pandas=True)
    if isinstance(kind, LargeBinary):
        return pa.array([None if value is None else "\\x" + value.hex() for value in column], pa.string())
    if isinstance(kind, JSON | Date | DateTime):
        return pa.array(_plain(kind, column), pa.string())
    return pa.Array.from_pandas(column)


# SpatiaLite


def _insert_into(session: Session, table: Table, frame: pd.DataFrame, target: str) -> None:
    empty = [name for name in frame.columns if table.c[name].server_default is None and frame[name].isna().all()]
    frame = frame.drop(columns=empty)
    names = ", ".join(f'"{name}"' for name in frame.columns)
    values = ", ".join(_placeholder(table, str(name)) for name in frame.columns)
    statement = f'INSERT INTO "{target}" ({names}) VALUES ({values})'  # noqa: S608 - names of our own tables
    session.connection().exec_driver_sql(statement, _tuples(table, frame))


def _placeholder(table: Table, name: str) -> str:
    kind = table.c[name].type
    polygonal = isinstance(kind, Geometry) and kind.geometry_type != "POINT"
    return f"GeomFromWKB(?, {LONLAT_SRID})" if polygonal else "?"


def _tuples(table: Table, frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    columns = [_plain(table.c[str(name)].type, frame[name]) for name in frame.columns]
    return list(zip(*columns, strict=True))


def _plain(kind: Any, column: pd.Series) -> list[Any]:
    """A column as the values that a database driver takes."""
    if isinstance(kind, Geometry):
        shapes = np.asarray(column, dtype=object)
        return point_blobs(shapes) if kind.geometry_type == "POINT" else list(shapely.to_wkb(shapes))
    if isinstance(kind, LargeBinary):
        return list(column)
    if isinstance(kind, JSON):
        return [json.dumps(value) if isinstance(value, list | dict) else None for value in column]
    if isinstance(kind, Date | DateTime):
        # few days, many rows: each day is written once
        days, positions = np.unique(pd.to_datetime(column).to_numpy(), return_inverse=True)
        form = "%Y-%m-%d" if isinstance(kind, Date) else "%Y-%m-%d %H:%M:%S.%f"
        column = pd.Series(pd.Series(days).dt.strftime(form).to_numpy(dtype=object)[positions])
    if not column.hasnans:
        return column.to_numpy().tolist()
    return column.astype(object).where(column.notna(), None).tolist()


def point_blobs(points: npt.NDArray[np.object_]) -> list[bytes | None]:
    """Points as SpatiaLite's own blobs, without a call into the database for each; None stays None."""
    given = ~shapely.is_missing(points)
    lonlat = shapely.get_coordinates(points[given])
    packed = np.zeros(len(lonlat), dtype=POINT_BLOB)
    packed["little_endian"], packed["srid"], packed["kind"] = 1, LONLAT_SRID, 1
    packed["bounds"], packed["lonlat"] = np.tile(lonlat, 2), lonlat
    packed["bounds_end"], packed["end"] = 0x7C, 0xFE
    data, size = packed.tobytes(), POINT_BLOB.itemsize
    blobs: list[bytes | None] = [None] * len(points)
    for position, start in zip(np.flatnonzero(given), range(0, len(data), size), strict=True):
        blobs[position] = data[start : start + size]
    return blobs


def hold_alone(session: Session, name: str) -> None:
    """Queue behind whoever holds `name`, until the end of the transaction; in SQLite whoever writes is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))
