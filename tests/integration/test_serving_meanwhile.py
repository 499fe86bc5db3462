"""A server process that reads hostile files, several at once, goes on answering everybody else."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine, func, select

from gis_service.addresses.tables import Address
from gis_service.areas.tables import AreaVersion
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from tests.integration.board import PASSWORD, Board

pytestmark = pytest.mark.parametrize("settings", ["spatialite"], indirect=True)
PROJECT = Path(__file__).parents[2]
STARTED = "127.0.0.1"
#: answers that somebody else must have got while hostile files were being read
ANSWERED = 9


def hostile_files() -> dict[str, tuple[str, bytes]]:
    """Files by the subject that they are sent as: what costs a reader most, each in its own way."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.csv", b"0" * 200_000_000)
    star = [[121.5 + 0.01 * (n * 7919 % 1000) / 1000, 29.9 + 0.01 * (n * 104729 % 1000) / 1000] for n in range(20_000)]
    crossing = {"type": "Polygon", "coordinates": [[*star, star[0]]]}
    feature = {"type": "Feature", "properties": {"code": "N19", "name": "x", "level": "compound"}, "geometry": crossing}
    rows = "\n".join(f"A-new-{n},{'字' * 40},121.61,29.91,surveyed" for n in range(40_000))
    return {
        "bomb": ("addresses", bomb.getvalue()),
        "deep.geojson": ("areas", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        "star.geojson": ("areas", json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()),
        "wide.csv": ("addresses", b"code,text\nA," + b"x" * 20_000_000),
        "long.csv": ("addresses", f"code,text,lon,lat,point_source\n{rows}".encode()),
    }


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """`gis-service serve` as a process of its own; gives its address."""
    with socket.create_server((STARTED, 0)) as free:
        port = free.getsockname()[1]
    said = {
        "GIS_DATA_DIR": str(settings.data_dir),
        "GIS_DATABASE_URL": settings.database_url or "",
        "GIS_COOKIE_SECURE": "false",
        "GIS_REQUESTS_PER_MINUTE": "100000",
        "PYTHONPATH": str(PROJECT),
    }
    command = [sys.executable, "-m", "gis_service", "serve", "--host", STARTED, "--port", str(port)]
    environment = {**os.environ, **{name: value for name, value in said.items() if value}}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            address = f"http://{STARTED}:{port}"
            _wait_for(address, process)
            yield address
        finally:
            process.terminate()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    transport = httpx2.HTTPTransport(retries=10)
    with httpx2.Client(base_url=address, transport=transport, timeout=60) as client:
        while True:
            assert process.poll() is None, (process.stdout.read() if process.stdout else b"").decode()
            try:
                if client.get("/healthz").status_code == 200:
                    return
            except httpx2.ConnectError:
                continue


@contextmanager
def signed_in_at(address: str, login: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=address, timeout=120) as client:
        answer = client.post("/api/v1/sign-in", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        yield client


def test_others_are_answered_while_hostile_files_are_read(engine: Engine, settings: Settings, board: Board) -> None:
    def rows() -> tuple[int, ...]:
        with reading(engine) as session:
            return tuple(
                session.scalar(select(func.count()).select_from(table)) or 0 for table in (Address, AreaVersion)
            )

    before = rows()
    with (
        serving(settings) as address,
        signed_in_at(address, "planner") as planner,
        signed_in_at(address, "commander") as commander,
        ThreadPoolExecutor(4) as attackers,
    ):

        def attack(name: str, subject: str, content: bytes) -> httpx2.Response:
            ending = name if "." in name else f"{name}.zip"
            form = {"crs": "EPSG:4326"}
            return planner.post(f"/api/v1/imports/{subject}/preview", data=form, files={"file": (ending, content)})

        sent = {name: attackers.submit(attack, name, *file) for name, file in hostile_files().items()}
        answered = []
        while not all(each.done() for each in sent.values()):
            answered += [
                commander.get(path).status_code for path in ("/healthz", "/api/v1/areas", f"/areas/{board.areas['N']}")
            ]
        outcome = {name: each.result() for name, each in sent.items()}
    assert set(answered) == {200}
    assert len(answered) >= ANSWERED, "the others waited until the files were read"
    assert {name: answer.status_code for name, answer in outcome.items() if answer.status_code >= 500} == {}
    refused = {name for name, answer in outcome.items() if 400 <= answer.status_code < 500}
    assert refused >= {"bomb", "deep.geojson"}
    assert rows() == before
