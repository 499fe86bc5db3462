"""SpatiaLite under SQLAlchemy: the driver, the extension, and what to install when it is missing."""

from __future__ import annotations

import sqlite3
from importlib import import_module
from types import ModuleType
from typing import Any

# Debian's extension and the pyproj and pyogrio wheels carry different builds of the same C++ libraries. Loaded after
# the wheels it
# works; loaded before them the process dies with a corrupted heap. So the wheels come first, here, where nobody can
# forget it.
import pyogrio  # noqa: F401 - see above
import pyproj  # noqa: F401 - see above
from sqlalchemy import Engine, event

from gis_service.errors import NotReadyError
from gis_service.texts import T

PRAGMAS = ("foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=15000", "cache_size=-65536")


def sqlite_driver() -> ModuleType:
    """The `sqlite3` that can load extensions (many Pythons' own cannot)."""
    try:
        driver: ModuleType = import_module("pysqlite3.dbapi2")
    except ImportError:  # absent outside Linux, where the standard module serves
        driver = sqlite3
    return driver


def attach_spatialite(engine: Engine, extension: str) -> None:
    """Load the extension into every connection of `engine` and set the pragmas that we rely on."""

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, so that DDL is transactional
        connection.enable_load_extension(True)
        try:
            connection.load_extension(extension)
        except Exception as error:
            raise NotReadyError(
                T(
                    "The SpatiaLite extension `{extension}` cannot be loaded ({reason}). Debian: apt-get install "
                    "libsqlite3-mod-spatialite; macOS: brew install libspatialite; or set GIS_SPATIALITE_PATH.",
                    extension=extension,
                    reason=str(error),
                )
            ) from error
        finally:
            connection.enable_load_extension(False)
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        options = connection.get_execution_options()
        if options.get("sqlite_keys_unchecked"):  # not possible any more within a transaction
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql(f"BEGIN {options.get('sqlite_begin', 'DEFERRED')}")

    @event.listens_for(engine, "checkin")
    def _check_keys_again(connection: Any, _record: object) -> None:
        if connection is not None:
            connection.execute("PRAGMA foreign_keys=ON")


def initialise_metadata(connection: Any) -> None:
    """Create SpatiaLite's own tables where they are missing.

    Called inside our transaction with the argument 0 it takes 0.05 s; the argument 1 would begin one of its own, and 0
    outside of any transaction takes 7 s.
    """
    present = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master WHERE name = 'spatial_ref_sys'").scalar()
    if not present:
        connection.exec_driver_sql("SELECT InitSpatialMetaData(0)")
