"""Whether anything was committed to the database since: one question of some ten microseconds, exact on both databases.

SQLite counts for each connection what others have committed (`PRAGMA data_version`,
https://www.sqlite.org/pragma.html#pragma_data_version); on PostgreSQL two equal snapshots see the same transactions
(`pg_current_snapshot`, https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT). Both are
asked on a connection of their own, which never holds a transaction open.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, Final

from sqlalchemy import Engine, event

from gis_service.storage.spatialite import sqlite_driver

_ASKED: Final = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT pg_current_snapshot()::text"}


class Commits:
    """The state of one database; closed with its engine, opened again when asked again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asked = _ASKED[engine.dialect.name]
        self._lock = Lock()
        self._cursor: Any = None
        self._opened = 0
        event.listen(engine, "engine_disposed", self._close)

    def state(self) -> tuple[int, object] | None:
        """Equal to what was answered before only if nothing was committed in between; None when there is no telling."""
        with self._lock:
            try:
                if self._cursor is None:
                    self._cursor = self._open()
                    self._opened += 1
                return self._opened, self._cursor.execute(self._asked).fetchone()[0]
            except self._engine.dialect.dbapi.Error:  # type: ignore[union-attr]  # an engine has a driver
                self._drop()
                return None

    def _open(self) -> Any:
        """A cursor on a connection of its own."""
        if self._engine.dialect.name == "sqlite":
            database = self._engine.url.database
            return sqlite_driver().connect(database, check_same_thread=False, isolation_level=None).cursor()
        pooled = self._engine.raw_connection()
        own: Any = pooled.driver_connection
        pooled.detach()
        own.autocommit = True
        return own.cursor()

    def _close(self, _engine: Engine) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._cursor is not None:
            self._cursor.connection.close()
            self._cursor = None
