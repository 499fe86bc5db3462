"""Bring a database to the newest schema, and say which one it has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text

import migrations
from gis_service.storage.fence import role_asked
from gis_service.storage.fence_standing import lower_views, stand_fence
from gis_service.storage.spatialite import initialise_metadata

if TYPE_CHECKING:
    from alembic.config import Config


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration without an ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade_schema(engine: Engine, revision: str = "head") -> None:
    """Upgrade to `revision` in one transaction: a migration that fails leaves the database as it was.

    At the newest revision the second fence of PostGIS is stood up as well, when the database user may
    (`fence_standing.fence_faults` tells whether it stands).
    """
    from alembic import command

    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql(
                "PRAGMA foreign_keys=OFF"
            )  # a batch recreate would cascade; has no effect in a transaction
            connection.exec_driver_sql("BEGIN")
            initialise_metadata(connection)
        else:
            for extension in ("postgis", "btree_gist"):
                connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
            lower_views(connection)
        command.upgrade(alembic_config(connection), revision)
        if engine.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                msg = f"migration to {revision} left {len(broken)} dangling foreign keys, first: {broken[0]}"
                raise RuntimeError(msg)
        elif revision == "head" and (role := role_asked(engine)):
            stand_fence(connection, role)
        connection.commit()
    engine.dispose()  # connections that were opened before keep foreign keys off and cached schemas


def schema_revision(engine: Engine) -> str | None:
    """The revision that the database has; None when it has none."""
    from alembic.runtime.migration import MigrationContext

    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The revision that the code expects."""
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if head is None:
        msg = "no migrations found"
        raise RuntimeError(msg)
    return head
