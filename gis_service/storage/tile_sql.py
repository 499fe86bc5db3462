"""Vector tiles written by the database itself, where it can."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Dialect, Engine, Select
from sqlalchemy.dialects import postgresql

_POSTGRES: Final[Dialect] = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types


def draws_tiles(engine: Engine) -> bool:
    """Say whether the database itself can write vector tiles."""
    return engine.dialect.name == "postgresql"


def written_out(query: Select[*tuple[Any, ...]]) -> str:
    """A query as PostgreSQL takes it, values and all: the part of a statement that is made once and kept."""
    return str(query.compile(dialect=_POSTGRES, compile_kwargs={"literal_binds": True}))
