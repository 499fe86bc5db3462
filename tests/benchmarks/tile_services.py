"""The services that `bench_tiles` asks over HTTP, each a process of its own: tipg, the least that one can do, and ours.

One client asks all of them in the same way: HTTP/1.1 over connections that stay open, gzip accepted.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from gis_service.settings import Settings
from tests.benchmarks.tile_ways import Tile

#: where `make bench` lays tipg with what it needs, pinned in requirements-tipg.lock
TIPG_PYTHON: Final = Path("var/tipg/bin/python")
#: how long a service may take to begin, seconds
BEGINS_WITHIN_S: Final = 120
#: how the planner of both is asked for its plans, as in `gis_service.storage.engine`
_PLANNER: Final = {"jit": "off", "random_page_cost": "1.1"}
#: what tipg serves: the same rows as our layers, as views of a schema of their own
_VIEWS: Final = """
DROP SCHEMA IF EXISTS shown CASCADE;
CREATE SCHEMA shown;
CREATE VIEW shown.addresses AS
  SELECT a.id, CASE WHEN p.unresolved IS NULL THEN 'assigned' ELSE 'unresolved' END AS state, a.geom
  FROM address a JOIN placement p ON p.address_id = a.id
  WHERE p.valid_from <= '{day}' AND (p.valid_to IS NULL OR p.valid_to > '{day}');
CREATE VIEW shown.borders AS
  SELECT v.area_id AS id, v.code, v.name, v.geom FROM area_version v JOIN area a ON a.id = v.area_id
  WHERE a.level = 'compound' AND v.valid_from <= '{day}' AND (v.valid_to IS NULL OR v.valid_to > '{day}');
"""


class Caller:
    """One connection to a service that stays open, as a browser has several."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=BEGINS_WITHIN_S)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._connection.makefile("rb")
        told = {"Host": f"127.0.0.1:{port}", "Accept-Encoding": "gzip", **headers}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in told.items())

    def get(self, path: str, besides: Mapping[str, str]) -> bytes:
        """The body of an answer, as it travels; `besides` are more headers.

        Raises
        ------
        RuntimeError
            The answer is no success.
        """
        more = "".join(f"{name}: {value}\r\n" for name, value in besides.items())
        self._connection.sendall(f"GET {path} HTTP/1.1\r\n{self._headers}{more}\r\n".encode())
        status, size = int(self._answers.readline().split()[1]), 0
        while (line := self._answers.readline().lower()) != b"\r\n":
            if line.startswith(b"content-length:"):
                size = int(line.split(b":")[1])
            elif line.startswith(b"transfer-encoding:"):
                raise RuntimeError(f"{path} was answered in pieces")
        body = self._answers.read(size)
        if status not in {200, 204, 304}:
            raise RuntimeError(f"{path} was answered with {status}: {body[:200]!r}")
        return body

    def close(self) -> None:
        """Hang up."""
        self._answers.close()
        self._connection.close()


@dataclass(frozen=True)
class Service:
    """A service that listens: where, what to say to it, and where each layer's tiles are."""

    port: int
    path: Callable[[str, Tile], str]
    headers: Mapping[str, str]

    @contextmanager
    def caller(self) -> Iterator[Caller]:
        """A connection."""
        caller = Caller(self.port, self.headers)
        try:
            yield caller
        finally:
            caller.close()


@contextmanager
def tipg(url: str, engine: Engine, day: date) -> Iterator[Service]:
    """The whole of tipg over the database, with its own defaults."""
    if not TIPG_PYTHON.exists():
        sys.exit(f"tipg is not there ({TIPG_PYTHON}): `make setup-bench` lays it")
    with engine.begin() as connection:
        connection.exec_driver_sql(_VIEWS.format(day=day))
    options = "&".join(f"{name}={value}" for name, value in _PLANNER.items())
    env = {"DATABASE_URL": f"{url}?{options}", "TIPG_DB_SCHEMAS": json.dumps(["shown"]), "TIPG_CATALOG_TTL": "0"}
    command = [str(TIPG_PYTHON.absolute()), "-m", "uvicorn", "tipg.main:app", "--log-level", "warning"]
    with _running(command, env) as port:
        yield Service(port, lambda layer, tile: f"/collections/shown.{layer}/tiles/WebMercatorQuad/{_xyz(tile)}", {})


@contextmanager
def bare(url: str, day: date) -> Iterator[Service]:
    """One route in front of ST_AsMVT and nothing else (`tests.benchmarks.tile_route`)."""
    options = " ".join(f"-c {name}={value}" for name, value in _PLANNER.items())
    command = [sys.executable, "-m", "tests.benchmarks.tile_route"]
    with _running(command, {"TILES_URL": url, "TILES_DAY": day.isoformat(), "PGOPTIONS": options}) as port:
        yield Service(port, lambda layer, tile: f"/{layer}/{_xyz(tile)}", {})


@contextmanager
def own(settings: Settings, login: str, password: str) -> Iterator[Service]:
    """The whole of our service, with somebody signed in, as `gis-service serve` serves it."""
    secret = secrets.token_hex(16)
    env = {
        "GIS_DATA_DIR": str(settings.data_dir.absolute()),
        "GIS_DATABASE_URL": str(settings.database_url),
        "GIS_REQUESTS_PER_MINUTE": str(settings.requests_per_minute),
        "GIS_COOKIE_SECURE": "false",
        "GIS_SECOND_FACTOR_ROLES": "[]",
        "GIS_LOG_JSON": "true",
        "TILES_LOGIN": login,
        "TILES_PASSWORD": password,
        "TILES_COOKIE": str(settings.data_dir / secret),
    }

    def path(layer: str, tile: Tile) -> str:
        return f"/api/v1/tiles/{'addresses' if layer == 'addresses' else 'areas/compound'}/{_xyz(tile)}.mvt"

    with _running([sys.executable, "-m", "tests.benchmarks.tile_server"], env) as port:
        cookie = (settings.data_dir / secret).read_text(encoding="utf-8")
        yield Service(port, path, {"Cookie": cookie})


@contextmanager
def _running(command: list[str], env: Mapping[str, str]) -> Iterator[int]:
    """A server in a process of its own, once it listens; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*command, "--port", str(port)]
    with subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(port, server)
            yield port
        finally:
            server.terminate()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + BEGINS_WITHIN_S
    while server.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{server.args!r} does not listen")


def _xyz(tile: Tile) -> str:
    return "/".join(map(str, tile))
