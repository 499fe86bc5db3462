"""The small district of `board.py` on each database, and people signed in to a service on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from gis_service.access.personal import Vault
from gis_service.app import create_app
from gis_service.settings import Settings
from tests.integration.board import PASSWORD, Board, lay_board
from tests.integration.doors import Door
from tests.integration.route_site import open_site
from tests.integration.route_spots import Site
from tests.private_postgres import Cluster, drop_database

SignIn = Callable[[str], TestClient]


@pytest.fixture(scope="module", params=["spatialite", pytest.param("postgis", marks=pytest.mark.postgis)])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Door, Site]]:
    """A larger `board` and a running service, shared by the tests of a module that walk every route."""
    with ExitStack() as cleaning:
        folder = tmp_path_factory.mktemp("site")
        settings = Settings(data_dir=folder)
        if request.param == "spatialite":
            shutil.copyfile(request.getfixturevalue("empty_spatialite"), folder / "grid.sqlite")
        else:
            running: Cluster = request.getfixturevalue("cluster")
            template: str = request.getfixturevalue("empty_postgis")
            name = request.module.__name__.rpartition(".")[2]
            with running.connect() as admin:
                admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            cleaning.callback(drop_database, running, name)
            settings = settings.model_copy(update={"database_url": running.url(name)})
        yield cleaning.enter_context(open_site(settings))


@pytest.fixture
def board(engine: Engine, settings: Settings, vault: Vault) -> Board:
    """The small district, assigned, with an account of every role."""
    return lay_board(engine, settings, vault)


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
