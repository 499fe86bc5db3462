"""The small district of `board.py` on each database, and people signed in to a service on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from gis_service.access.audit import attach_audit
from gis_service.access.personal import Vault
from gis_service.app import create_app
from gis_service.settings import Settings
from gis_service.storage.engine import open_engine
from tests.conftest import Template, closed, copied
from tests.integration.board import PASSWORD, Board, lay_board
from tests.integration.doors import Door
from tests.integration.route_site import open_site
from tests.integration.route_spots import Site
from tests.private_postgres import Cluster

SignIn = Callable[[str], TestClient]


@pytest.fixture(scope="module", params=["spatialite", pytest.param("postgis", marks=pytest.mark.postgis)])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Door, Site]]:
    """A larger `board` and a running service, shared by the tests of a module that walk every route."""
    with ExitStack() as cleaning:
        template: Template = request.getfixturevalue(f"empty_{request.param}")
        running = request.getfixturevalue("cluster") if request.param == "postgis" else None
        name = request.module.__name__.rpartition(".")[2]
        settings = cleaning.enter_context(copied(template, tmp_path_factory.mktemp("site"), running, name))
        yield cleaning.enter_context(open_site(settings))


@pytest.fixture(scope="session")
def laid() -> dict[str, Board]:
    """What was laid in the templates, by database."""
    return {}


@pytest.fixture(scope="session")
def laid_spatialite(
    empty_spatialite: Template, tmp_path_factory: pytest.TempPathFactory, laid: dict[str, Board]
) -> Template:
    """The small district, assigned, with an account of every role; copied for every test that wants a `board`."""
    template = Template(tmp_path_factory.mktemp("laid"))
    with copied(empty_spatialite, template.folder, None, "") as settings:
        laid["sqlite"] = _lay(settings)
    return template


@pytest.fixture(scope="session")
def laid_postgis(
    empty_postgis: Template, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, laid: dict[str, Board]
) -> Iterator[Template]:
    """The same on PostGIS."""
    template = Template(tmp_path_factory.mktemp("laid_postgis"), "laid")
    with copied(empty_postgis, template.folder, cluster, "laid") as settings:
        laid["postgresql"] = _lay(settings)
        yield template


def _lay(settings: Settings) -> Board:
    engine = open_engine(settings)
    vault = Vault.load_or_create(settings)
    attach_audit(engine, vault, settings)
    board = lay_board(engine, settings, vault)
    closed(engine)
    return board


@pytest.fixture
def board(engine: Engine, laid: dict[str, Board]) -> Board:
    """The ids of the small district that the database of this test begins with."""
    return deepcopy(laid[engine.dialect.name])


@pytest.fixture
def service(settings: Settings, board: Board) -> FastAPI:
    """The service on the small district; plain HTTP, so the cookie is not bound to HTTPS."""
    return create_app(settings.model_copy(update={"cookie_secure": False, "requests_per_minute": 100_000}))


@pytest.fixture
def signed_in(service: FastAPI) -> Iterator[SignIn]:
    """Sign somebody in by login; the client sends the CSRF token by itself."""
    with ExitStack() as open_clients:

        def sign_in(login: str) -> TestClient:
            client = open_clients.enter_context(TestClient(service, headers={"accept-language": "zh-CN"}))
            answer = client.post("/api/v1/sign-in", json={"login": login, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
            return client

        yield sign_in
