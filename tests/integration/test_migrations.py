"""One history for both databases: it makes what the code describes, and it keeps what an older database holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from gis_service.settings import Settings
from gis_service.storage.engine import open_engine
from gis_service.storage.schema import newest_revision, schema_revision, upgrade_schema
from gis_service.tables import metadata
from tests.private_postgres import create_database

OLD = "0001"
SQUARE = "MULTIPOLYGON(((121 29, 121.1 29, 121.1 29.1, 121 29.1, 121 29)))"


@pytest.fixture(params=["spatialite", pytest.param("postgis", marks=pytest.mark.postgis)])
def bare_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without any schema."""
    if request.param == "spatialite":
        settings = Settings(data_dir=tmp_path)
    else:
        name = f"bare_{abs(hash(request.node.name)) % 10**8}"
        settings = Settings(
            data_dir=tmp_path, database_url=create_database(request.getfixturevalue("cluster"), name, extensions=())
        )
    engine = open_engine(settings)
    yield engine
    engine.dispose()


def differences(engine: Engine) -> Any:
    with engine.connect() as connection:
        options = {"include_name": lambda name, kind, _parents: kind != "table" or name in metadata.tables}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def test_the_history_makes_the_schema_that_the_code_describes(bare_engine: Engine) -> None:
    upgrade_schema(bare_engine)
    assert differences(bare_engine) == []
    assert schema_revision(bare_engine) == newest_revision()


def test_upgrading_twice_changes_nothing(bare_engine: Engine) -> None:
    upgrade_schema(bare_engine)
    upgrade_schema(bare_engine)
    assert differences(bare_engine) == []


def test_a_populated_older_database_keeps_its_rows_and_their_geometry(bare_engine: Engine) -> None:
    upgrade_schema(bare_engine, OLD)
    with bare_engine.begin() as connection:
        connection.execute(text("INSERT INTO area (id, level) VALUES (1, 'district')"))
        connection.execute(
            text(
                "INSERT INTO area_version (id, area_id, code, name, geom, source, recorded_at, valid_from) VALUES "
                f"(1, 1, 'D', '区', ST_GeomFromText('{SQUARE}', 4326), 'test', '2026-01-01 00:00:00', '2026-01-01')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO address (id, code, text, point_source, geom) VALUES "
                "(1, 'A', '一号', 'surveyed', ST_GeomFromText('POINT(121.05 29.05)', 4326))"
            )
        )
        connection.execute(
            text("INSERT INTO placement (id, address_id, area_id, valid_from) VALUES (1, 1, 1, '2026-01-01')")
        )
    upgrade_schema(bare_engine)
    assert differences(bare_engine) == []
    with bare_engine.connect() as connection:
        row = connection.execute(
            text(
                "SELECT v.name, ST_AsText(a.geom), ST_SRID(v.geom) FROM area_version v "
                "JOIN placement p ON p.area_id = v.area_id JOIN address a ON a.id = p.address_id"
            )
        ).one()
        searchable = connection.execute(text("SELECT text FROM address_search")).scalars().all()
    assert len(searchable) == 1
    assert "1号" in searchable[0]
    assert (row[0], row[1].replace(" ", ""), row[2]) == ("区", "POINT(121.0529.05)", 4326)


def test_spatial_tables_are_still_registered_after_the_whole_history(bare_engine: Engine) -> None:
    upgrade_schema(bare_engine)
    spatial = {"area_version", "address", "beat_part"}
    with bare_engine.connect() as connection:
        known = {row[0] for row in connection.execute(text("SELECT f_table_name FROM geometry_columns"))}
        indexes = {
            index["name"] for table in spatial for index in inspect(connection).get_indexes(table) if index["name"]
        }
    assert spatial <= known
    assert {f"idx_{table}_geom" for table in spatial} <= indexes


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    bare_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade_schema(bare_engine, OLD)
    before = set(inspect(bare_engine).get_table_names())

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        upgrade_schema(bare_engine)
    assert schema_revision(bare_engine) == OLD
    assert set(inspect(bare_engine).get_table_names()) == before
