"""What the tests of every tier share: settings, a fresh database on each backend, keys, the place of the real data."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Engine
from xdist.remote import Producer

from gis_service.access import passwords
from gis_service.access.audit import attach_audit
from gis_service.access.personal import Vault
from gis_service.settings import Settings
from gis_service.storage.engine import open_engine
from gis_service.storage.schema import upgrade_schema
from gis_service.texts import LOCALES, use_locale
from tests.import_steps import Desk
from tests.private_postgres import Cluster, create_database, drop_database, private_cluster
from tests.turns import InTurn, turn_of

_numbers = count()

#: people of the tests sign in with their password; what the default asks for is tested in test_second_factor.py
os.environ["GIS_SECOND_FACTOR_ROLES"] = "[]"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; everything else stays in its order."""
    items.sort(key=lambda item: turn_of(item.path.name))


def pytest_collection_finish() -> None:
    """Have the collector of cycles leave alone what stays to the end, and come less often: a fifth of the time is its.

    A library loaded later is walked as ever; a cycle that holds a frame is gone a hundred thousand objects later.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> InTurn | None:
    """Deal out tests file by file, long files by database."""
    return InTurn(config, log) if config.getvalue("dist") == "loadfile" else None


#: what tests that want one of these begin with (the template is `…_spatialite`, `…_postgis`); any other with no rows
BEGINNINGS = {"published": "published", "board": "laid"}


@dataclass(frozen=True)
class Template:
    """A deployment that tests start from: the folder of its files (keys, embedded database) or its PostGIS database."""

    folder: Path
    database: str | None = None


@contextmanager
def copied(template: Template, folder: Path, cluster: Cluster | None, name: str) -> Iterator[Settings]:
    """Settings of a deployment of its own, in `folder`, that begins as the template is."""
    shutil.copytree(template.folder, folder, dirs_exist_ok=True)
    if cluster is None:
        yield Settings(data_dir=folder)
        return
    with cluster.connect() as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template.database}" STRATEGY file_copy')
    try:
        yield Settings(data_dir=folder, database_url=cluster.url(name))
    finally:
        drop_database(cluster, name)


def closed(engine: Engine) -> None:
    """Close the engine of a template so that nothing of it is left in a journal."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


@pytest.fixture(scope="session")
def empty_spatialite(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The newest schema and no rows, on SpatiaLite; copied for every test that wants a database."""
    template = Template(tmp_path_factory.mktemp("empty"))
    engine = open_engine(Settings(data_dir=template.folder))
    upgrade_schema(engine)
    closed(engine)
    return template


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A private PostgreSQL server for the session."""
    with private_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def empty_postgis(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The same on PostGIS."""
    template = Template(tmp_path_factory.mktemp("empty_postgis"), "empty_schema")
    engine = open_engine(Settings(database_url=create_database(cluster, "empty_schema")))
    upgrade_schema(engine)
    closed(engine)
    return template


@pytest.fixture(params=["spatialite", pytest.param("postgis", marks=pytest.mark.postgis)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a deployment of its own with a fresh database, on each backend; laid out when a test wants it so."""
    began = next((begun for wanted, begun in BEGINNINGS.items() if wanted in request.fixturenames), "empty")
    template: Template = request.getfixturevalue(f"{began}_{request.param}")
    running = request.getfixturevalue("cluster") if request.param == "postgis" else None
    with copied(template, tmp_path, running, f"test_{next(_numbers)}") as made:
        yield made


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


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHash]:
    """What the service hashes passwords with, for whoever asks; every test hashes with the least cost (0.3 s less)."""
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
        real = passwords._hasher
        patch.setattr(passwords, "_hasher", quick)
        yield real


@pytest.fixture(autouse=True)
def chinese() -> None:
    """Whatever language the last test spoke, this one begins in that of the screens."""
    use_locale(LOCALES[0])


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
