"""An index of tokens over a table: full-text search of whichever database runs, without its ideas about words.

The table has a column `tokens`. On PostGIS it holds them, as a `tsvector` under a GIN index; on SpatiaLite it is empty,
and an FTS5 table `<table>_tokens` holds them under the id of the row. The tokens of a row come as one text, apart by
spaces; they are lower-case letters, digits or anything beyond ASCII.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import BigInteger, Select, cast, column, func, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from gis_service.storage.bulk import insert_frame, table_of
from gis_service.storage.rows import Row

Query = Select[*tuple[Any, ...]]
Wanted = Sequence[Sequence[Sequence[str]]]
"""Every one of these, of which any of these, of which every token."""


def insert_with_tokens(session: Session, row: type[Row], frame: pd.DataFrame) -> None:
    """Insert rows whose `id` and `tokens` are columns of `frame`."""
    if _on_postgres(session):
        insert_frame(session, row, frame)
        return
    insert_frame(session, row, frame.drop(columns="tokens"))
    statement = f"INSERT INTO {table_of(row).name}_tokens (rowid, tokens) VALUES (?, ?)"  # noqa: S608 - our own table
    session.connection().exec_driver_sql(statement, list(zip(frame["id"].tolist(), frame["tokens"], strict=True)))


def settle(session: Session, row: type[Row]) -> None:
    """Put the index in its best order after very many rows have changed."""
    name = table_of(row).name
    if _on_postgres(session):  # what waits to be sorted into a GIN index is read through by every search
        session.execute(select(func.gin_clean_pending_list(f"ix_{name}_tokens")))
        session.execute(text(f"ANALYZE {name}"))
    else:
        session.execute(text(f"INSERT INTO {name}_tokens({name}_tokens) VALUES ('optimize')"))  # noqa: S608 - our own table


def with_tokens(session: Session, query: Query, row: type[Row], wanted: Wanted) -> Query:
    """Narrow a query on the table of `row` to the rows that have the tokens."""
    held = table_of(row)
    if _on_postgres(session):
        return query.where(held.c.tokens.op("@@")(cast(_boolean(wanted, "'", " & ", " | "), TSQUERY)))
    name = f"{held.name}_tokens"
    full_text = table(name, column("rowid", BigInteger), column(name))
    sought = full_text.c[name].op("MATCH")(_boolean(wanted, '"', " AND ", " OR "))
    return query.join(full_text, full_text.c.rowid == held.c.id).where(sought)


def _boolean(wanted: Wanted, quote: str, every: str, some: str) -> str:
    return every.join(
        "("
        + some.join("(" + every.join(f"{quote}{token}{quote}" for token in tokens) + ")" for tokens in readings)
        + ")"
        for readings in wanted
    )


def _on_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
