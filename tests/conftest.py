"""What the tests of every tier share: settings, a fresh database on each backend, keys, the place of the real data."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gis_service.access.audit import attach_audit
from gis_service.access.personal import Vault
from gis_service.settings import Settings
from gis_service.storage.engine import open_engine
from gis_service.storage.schema import upgrade_schema
from tests.import_steps import Desk
from tests.private_postgres import Cluster, create_database, drop_database, private_cluster

_numbers = count()


@pytest.fixture(scope="session")
def empty_spatialite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SpatiaLite file with the newest schema and no rows; copied for every test that wants a database."""
    folder = tmp_path_factory.mktemp("empty")
    engine = open_engine(Settings(data_dir=folder))
    upgrade_schema(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return folder / "grid.sqlite"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A private PostgreSQL server for the session."""
    with private_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def empty_postgis(cluster: Cluster) -> str:
    """The name of a PostGIS database with the newest schema and no rows: the template of every test's own."""
    name = "empty_schema"
    engine = open_engine(Settings(database_url=create_database(cluster, name)))
    upgrade_schema(engine)
    engine.dispose()
    return name


@pytest.fixture(params=["spatialite", pytest.param("postgis", marks=pytest.mark.postgis)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a deployment of its own with a fresh database, on each backend."""
    with ExitStack() as cleaning:
        if request.param == "spatialite":
            shutil.copyfile(request.getfixturevalue("empty_spatialite"), tmp_path / "grid.sqlite")
            yield Settings(data_dir=tmp_path)
        else:
            running: Cluster = request.getfixturevalue("cluster")
            template: str = request.getfixturevalue("empty_postgis")
            name = f"test_{next(_numbers)}"
            with running.connect() as admin:
                admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            cleaning.callback(drop_database, running, name)
            yield Settings(data_dir=tmp_path, database_url=running.url(name))


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """The engine of `settings` with its audit trail; its database has the newest schema and no rows."""
    opened = open_engine(settings)
    attach_audit(opened, Vault.load_or_create(settings), settings)
    yield opened
    opened.dispose()


@pytest.fixture
def vault(settings: Settings) -> Vault:
    """The keys of `settings`."""
    return Vault.load_or_create(settings)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real data: `GIS_TEST_DATA`, else `shared/data` beside the project."""
    folder = Path(os.environ.get("GIS_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if folder.is_dir():
        return folder
    message = f"no real data at {folder}: set GIS_TEST_DATA"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def desk(engine: Engine, settings: Settings, tmp_path: Path) -> Desk:
    """Somebody on the shell who imports into a fresh database."""
    folder = tmp_path / "files"
    folder.mkdir()
    return Desk(engine, settings, folder)


@pytest.fixture
def land(desk: Desk) -> Desk:
    """The same, with a small district imported."""
    desk.lay_areas()
    return desk
