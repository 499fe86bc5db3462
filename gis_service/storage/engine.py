"""Engines and transactions: the only place that opens a connection, and the only place that commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gis_service.settings import Settings
from gis_service.storage.fence import ROLE_OPTION
from gis_service.storage.liveness import renew_lost_connections
from gis_service.storage.rows import Row
from gis_service.storage.spatialite import attach_spatialite, sqlite_driver
from gis_service.storage.unstorable import refuse_unstorable

_POSTGRES_OPTIONS: Final = "-c jit=off -c random_page_cost=1.1"
"""Compiling a query takes longer (0.1 s) than any of ours runs; the planner's default is for turning disks."""


def open_engine(settings: Settings) -> Engine:
    """Open the database that the settings name; connects lazily."""
    url = make_url(settings.url)
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, module=sqlite_driver())
        attach_spatialite(engine, settings.spatialite_path)
    else:
        # the connection used last comes first: its statements are prepared and its tables are in the server's memory
        engine = create_engine(url, pool_size=10, pool_use_lifo=True, connect_args={"options": _POSTGRES_OPTIONS})
        renew_lost_connections(engine)
    engine.update_execution_options(**{ROLE_OPTION: settings.database_role})
    refuse_unstorable(engine)
    return engine


#: in `Session.info` of a session that writes nothing
_READS: Final = "only_reads"


@contextmanager
def transaction(engine: Engine, *, loading: type[Row] | None = None) -> Iterator[Session]:
    """One use case: everything in the block is committed together, or nothing is.

    On SQLite it takes its place in the queue of writers at once: one that reads first and writes later would find that
    another has written in between, and fail.

    Parameters
    ----------
    loading
        The one table that the block writes by the hundred thousand. On SQLite its foreign keys are checked once, before
        the commit, and not for every row; of no other table may the block delete rows that others refer to.

    Raises
    ------
    IntegrityError
        At the end: a row of `loading` refers to one that does not exist.
    """
    options = {"sqlite_begin": "IMMEDIATE", "sqlite_keys_unchecked": loading is not None}
    with Session(engine.execution_options(**options), expire_on_commit=False) as session, session.begin():
        yield session
        if loading is not None and engine.dialect.name == "sqlite":
            _check_keys(session, loading)


def _check_keys(session: Session, row: type[Row]) -> None:
    session.flush()
    check = f'PRAGMA foreign_key_check("{row.__tablename__}")'
    broken = session.execute(text(check)).first()
    if broken is not None:
        raise IntegrityError(check, None, ValueError(f"a row of {row.__tablename__} refers to none of {broken.parent}"))


@contextmanager
def rehearsal(engine: Engine) -> Iterator[Session]:
    """A use case carried out to see what it would do: nothing in the block is ever committed."""
    with Session(engine.execution_options(sqlite_begin="IMMEDIATE"), expire_on_commit=False) as session:
        try:
            yield session
        finally:
            session.rollback()


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One read: a consistent view, never written back."""
    with Session(engine, expire_on_commit=False, info={_READS: True}) as session:
        try:
            yield session
        finally:
            session.rollback()


def only_reads(session: Session) -> bool:
    """Say whether a session sees what is committed and nothing else: whether it is no transaction that writes."""
    return _READS in session.info


@contextmanager
def only_reading(engine: Engine) -> Iterator[Session]:
    """The same where nothing can be written or locked: what comes by the dozen is read so.

    On PostgreSQL the transaction is declared READ ONLY and ends with COMMIT: after a ROLLBACK the driver gives up every
    statement that the connection has prepared, and each is planned anew for the next reader.
    """
    if engine.dialect.name != "postgresql":
        with reading(engine) as session:
            yield session
        return
    readonly = engine.execution_options(postgresql_readonly=True)
    with Session(readonly, expire_on_commit=False, info={_READS: True}) as session:
        yield session
        session.expunge_all()  # nothing that somebody changed in passing is sent on its way
        session.commit()


@contextmanager
def asking(engine: Engine) -> Iterator[Session]:
    """Single questions that need not agree with each other: on PostgreSQL without a transaction around them.

    Its `BEGIN` and `ROLLBACK` are two more ways to the server and back, and there a second question of the same
    transaction would see newer rows all the same. On SQLite it is a read like any other.
    """
    alone = engine.dialect.name == "postgresql"
    each_alone = engine.execution_options(isolation_level="AUTOCOMMIT") if alone else engine
    with Session(each_alone, expire_on_commit=False, info={_READS: True}) as session:
        yield session


def is_reachable(engine: Engine) -> bool:
    """Say whether the database answers."""
    with engine.connect() as connection:
        return bool(connection.execute(text("SELECT 1")).scalar() == 1)
