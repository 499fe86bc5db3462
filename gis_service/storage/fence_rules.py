"""What the second fence lets through of a table: said in the table's `info`, or taken from what the table hangs on.

A table says it with `__table_args__ = {"info": {FENCE: …}}`: a condition in SQL; `Through`, when other tables hang on
it; or `Closed`. A table that says nothing hangs on the first table with `Through` that one of its foreign keys names,
however many tables lie between; when there is none, it is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Table

#: key in `Table.info`
FENCE: Final = "fence"
#: key in `Table.info` of the table whose rule a `FencedView` keeps
FENCED_VIEW: Final = "fenced_view"


@dataclass(frozen=True)
class Through:
    """Rows of a table are seen under `own`, and rows of others that name the id of one, `{key}`, under `condition`."""

    condition: str
    own: str


@dataclass(frozen=True)
class FencedView:
    """Tables joined for scoped sessions, with the rule of one in it: each row is looked up and checked once.

    Policies would check every table by itself, and look up the same row of the one once more for each of the others.
    `query` is asked with the rights of whoever owns the tables, so it holds the whole rule.
    """

    name: str
    query: str


@dataclass(frozen=True)
class Closed:
    """Nothing of the table may be read but these columns."""

    columns: tuple[str, ...] = ()


def through(table: str, own: str) -> Through:
    """Rows of `table` are seen under `own`, and with them the rows of other tables that name them."""
    return Through(f"EXISTS (SELECT FROM {table} WHERE {table}.id = {{key}})", own)


def one_of(column: str, setting: str) -> str:
    """The condition that a column is one of the ids in a setting of the transaction.

    The ids are read once a query (hashed), never once a row, and the planner knows how many they are: of an array that
    it did not, it would expect ten, and begin with what they choose. A setting never made, or empty, holds nothing.
    """
    return f"{column} IN (SELECT unnest(nullif(current_setting('{setting}', true), '')::bigint[]))"


def rule_of(table: Table) -> str | Closed | None:
    """The condition under which a row of `table` is seen, or how it is closed; None when all of it is open."""
    said: str | Through | Closed | None = table.info.get(FENCE)
    if isinstance(said, Through):
        return said.own
    if said is not None:
        return said
    keys = sorted(table.foreign_keys, key=lambda key: (bool(key.parent.nullable), key.parent.name))
    for key in keys:
        parent: str | Through | Closed | None = key.column.table.info.get(FENCE)
        if isinstance(parent, Through):
            return parent.condition.format(key=f"{table.name}.{key.parent.name}")
    for key in keys:
        above = key.column.table
        if above is not table and FENCE not in above.info and (rule := rule_of(above)) and isinstance(rule, str):
            return through(above.name, rule).condition.format(key=f"{table.name}.{key.parent.name}")
    return None
