"""Loading a table by the hundred thousand: indexes and foreign keys are not kept row by row, but built anew at the end.

All of it in the caller's transaction: whoever is killed half-way leaves the table and its indexes as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pandas as pd
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gis_service.storage.bulk import append_frame, table_of
from gis_service.storage.rows import Row

WORTH_IT_ROWS: Final = 20_000
"""Fewer rows are inserted as they are."""

_POSTGRES_INDEXES: Final = """
    SELECT 'DROP INDEX ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)
    FROM pg_index i
    WHERE i.indrelid = to_regclass(:name) AND NOT i.indisprimary
      AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.conrelid = i.indrelid)
    ORDER BY i.indexrelid
"""
_POSTGRES_KEYS: Final = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE conrelid = to_regclass(:name) AND contype = 'f'
    ORDER BY conname
"""
_POSTGRES_OWNED: Final = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(:name)"
_SQLITE_INDEXES: Final = """
    SELECT 'DROP INDEX "' || name || '"', sql FROM sqlite_master
    WHERE type = 'index' AND tbl_name = :name AND sql IS NOT NULL
    ORDER BY name
"""


def load_frame(session: Session, row: type[Row], frame: pd.DataFrame) -> None:
    """Append rows that get ids of their own; when they are most of the table, its indexes are built afterwards."""
    there = session.scalar(select(func.count()).select_from(table_of(row))) or 0 if len(frame) >= WORTH_IT_ROWS else 0
    if len(frame) < max(WORTH_IT_ROWS, there):
        append_frame(session, row, frame)
        return
    with _without_indexes(session, table_of(row).name):
        append_frame(session, row, frame)


@contextmanager
def _without_indexes(session: Session, name: str) -> Iterator[None]:
    """Without the indexes of a table (but its primary key) and, on PostGIS, without checking its foreign keys by row.

    They are left alone where the table belongs to somebody else than who is connected.
    """
    if session.get_bind().dialect.name == "postgresql":
        owned = session.scalar(text(_POSTGRES_OWNED), {"name": name})
        queries = [_POSTGRES_KEYS, _POSTGRES_INDEXES] if owned else []
    else:
        queries = [_SQLITE_INDEXES]
    steps = [
        (str(drop), str(build)) for query in queries for drop, build in session.execute(text(query), {"name": name})
    ]
    for drop, _ in steps:
        session.execute(text(drop))
    yield
    for _, build in reversed(steps):
        session.connection().exec_driver_sql(build)
