"""The ways to a vector tile that `bench_tiles` compares: ST_AsMVT and ours, bare and as answers of a web service."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any, Final

import psycopg
from fastapi import FastAPI
from fastapi.responses import Response
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from gis_service.access.data_version import LAND_AND_PLACES_STAY, LAND_STAYS
from gis_service.access.freshness import KeptAnswers, answered, etag, fresh
from gis_service.access.scope import Scope
from gis_service.access.unchanged import Unchanged
from gis_service.addresses.point_store import point_store, read_pyramid
from gis_service.addresses.tiles import POINTS_FROM_ZOOM, address_tile
from gis_service.app import create_app
from gis_service.areas.border_store import border_store
from gis_service.areas.tables import AreaLevel
from gis_service.areas.tiles import MVT, area_tile, drawn_area_tile
from gis_service.settings import Settings
from gis_service.storage.commits import Commits
from gis_service.storage.engine import reading

Tile = tuple[int, int, int]
Way = Callable[[Tile], object]
#: connections of the peer's pool, and how many ask at once under load
AT_ONCE: Final = 8

POINTS_SQL = """
SELECT ST_AsMVT(q, 'addresses', 4096, 'geom', 'address_id') FROM (
  SELECT a.id AS address_id, CASE WHEN p.unresolved IS NULL THEN 'assigned' ELSE 'unresolved' END AS state,
         ST_AsMVTGeom(ST_Transform(a.geom, 3857), ST_TileEnvelope(:z, :x, :y), 4096, 0, true) AS geom
  FROM address a
  JOIN placement p ON p.address_id = a.id AND p.valid_from <= :day AND (p.valid_to IS NULL OR p.valid_to > :day)
  WHERE a.geom && ST_Transform(ST_TileEnvelope(:z, :x, :y), 4326)) q"""
COUNTS_SQL = """
SELECT ST_AsMVT(q, 'addresses', 4096, 'geom') FROM (
  SELECT count(*)::int AS count,
         ST_AsMVTGeom(ST_Centroid(ST_Collect(m)), ST_TileEnvelope(:z, :x, :y), 4096, 0, true) AS geom
  FROM (SELECT ST_Transform(a.geom, 3857) AS m FROM address a
        JOIN placement p ON p.address_id = a.id AND p.valid_from <= :day AND (p.valid_to IS NULL OR p.valid_to > :day)
        WHERE a.geom && ST_Transform(ST_TileEnvelope(:z, :x, :y), 4326)) points
  GROUP BY ST_SnapToGrid(m, 40075016.68 / (2 ^ :z) / 16)) q"""
AREAS_SQL = """
SELECT ST_AsMVT(q, 'areas', 4096, 'geom', 'area_id') FROM (
  SELECT v.area_id, v.code, v.name,
         ST_AsMVTGeom(ST_Transform(v.geom, 3857), ST_TileEnvelope(:z, :x, :y), 4096, 64, true) AS geom
  FROM area_version v JOIN area a ON a.id = v.area_id
  WHERE a.level = 'compound' AND v.valid_from <= :day AND (v.valid_to IS NULL OR v.valid_to > :day)
    AND v.geom && ST_Transform(ST_TileEnvelope(:z, :x, :y), 4326)) q"""


def points_sql(z: int) -> str:
    """What the peer asks of PostGIS for addresses at a zoom level."""
    return POINTS_SQL if z >= POINTS_FROM_ZOOM else COUNTS_SQL


def by_sql(engine: Engine, sql: str, day: date) -> Way:
    """The tile as PostGIS makes it, fetched with the driver that the service uses."""
    query = text(sql)

    def ask(tile: Tile) -> object:
        with reading(engine) as session:
            return session.execute(query, {"z": tile[0], "x": tile[1], "y": tile[2], "day": day}).scalar()

    return ask


def _kept(engine: Engine, scope: Scope, what: str, besides: frozenset[str], make: Way) -> Way:
    """The tile as it was given before, once the database has said that nothing was committed since."""
    state = SimpleNamespace(kept_answers=KeptAnswers(2**28))
    request: Any = SimpleNamespace(
        headers={"accept-encoding": "gzip"}, app=SimpleNamespace(state=state), state=SimpleNamespace()
    )
    unchanged = Unchanged(Commits(engine))

    def ask(tile: Tile) -> object:
        now = unchanged.state()
        tag = unchanged.find(now, tile)
        answer = tag and state.kept_answers.get(tag)
        if answer is not None:
            return answered(request.headers, tag, answer)
        with reading(engine) as session:
            tag = f'{etag(session, scope, what, besides=besides)[:-1]}-{tile}"'
            unchanged.keep(now, tile, tag)
            return fresh(request, tag, MVT, lambda: make(tile))  # type: ignore[arg-type, return-value]  # bytes

    return ask


def point_ways(engine: Engine, scope: Scope) -> dict[str, Way]:
    """Each way to a tile of addresses, by its name."""
    known = point_store()

    def cold(tile: Tile) -> bytes:
        with reading(engine) as session:
            return address_tile(session, scope, point_store(), "k", *tile)

    def remembered(tile: Tile) -> bytes:
        with reading(engine) as session:
            return address_tile(session, scope, known, "k", *tile)

    with reading(engine) as session:
        known.get("k", lambda: read_pyramid(session, scope))
    kept = _kept(engine, scope, "address points", LAND_AND_PLACES_STAY, remembered)
    return {"cold": cold, "in memory": remembered, "kept": kept}


def border_ways(engine: Engine, scope: Scope) -> dict[str, Way]:
    """Each way to a tile of compounds' borders, by its name."""
    known = border_store()

    def cold(tile: Tile) -> bytes:
        with reading(engine) as session:
            if engine.dialect.name == "postgresql":
                return drawn_area_tile(session, scope, AreaLevel.COMPOUND, *tile)
            return area_tile(session, scope, border_store(), "k", AreaLevel.COMPOUND, *tile)

    def remembered(tile: Tile) -> bytes:
        with reading(engine) as session:
            return area_tile(session, scope, known, "k", AreaLevel.COMPOUND, *tile)

    kept = _kept(engine, scope, "borders", LAND_STAYS, remembered)
    return {"cold": cold, "in memory": remembered, "kept": kept}


@dataclass
class Service:
    """An application asked without a network: ASGI request in, last byte of the ASGI answer out."""

    app: Any
    path: Callable[[str, Tile], str]
    headers: list[tuple[bytes, bytes]]
    forget: Callable[[], None] = lambda: None

    async def took_ms(self, layer: str, tile: Tile) -> float:
        """Milliseconds until the last byte; what the application does afterwards is waited for and not counted."""
        path, _question, query = self.path(layer, tile).partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "root_path": "", "query_string": query.encode(),
            "headers": self.headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        status, ended, left = 0, 0.0, asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not left.is_set():
                left.set()
                return {"type": "http.request", "body": b"", "more_body": False}
            await asyncio.Event().wait()  # nobody hangs up
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body"):
                ended = time.perf_counter()

        started = time.perf_counter()
        await self.app(scope, receive, send)
        if status not in {200, 304}:
            raise RuntimeError(f"{path} was answered with {status}")
        return (ended - started) * 1000


async def peer_service(url: str, day: date) -> Service:
    """The least that a service in front of ST_AsMVT does: one route, no sign-in, no scope, connections kept open.

    tipg has the same framework, and reads its parameters, looks its collection up and writes its SQL besides.
    """
    pool: asyncio.Queue[psycopg.AsyncConnection] = asyncio.Queue()
    for _each in range(AT_ONCE):
        pool.put_nowait(await psycopg.AsyncConnection.connect(url, autocommit=True, options="-c jit=off"))
    app = FastAPI()

    def sql_of(layer: str, z: int) -> str:
        sql = points_sql(z) if layer == "addresses" else AREAS_SQL
        for name in ("day", "z", "x", "y"):
            sql = sql.replace(f":{name}", f"%({name})s")
        return sql

    @app.get("/{layer}/{z}/{x}/{y}")
    async def tile(layer: str, z: int, x: int, y: int) -> Response:
        connection = await pool.get()
        try:
            cursor = await connection.execute(sql_of(layer, z), {"day": day, "z": z, "x": x, "y": y})
            row = await cursor.fetchone()
        finally:
            pool.put_nowait(connection)
        return Response(bytes(row[0]) if row else b"", media_type=MVT)

    return Service(app, lambda layer, tile: f"/{layer}/{'/'.join(map(str, tile))}", [])


def own_service(settings: Settings, engine: Engine, login: str, password: str) -> Service:
    """The whole service with somebody signed in: request log, defences, sign-in, permission, scope, kept answers."""
    app = create_app(settings)
    client = TestClient(app, base_url="http://127.0.0.1")
    signed_in = client.post("/api/v1/sign-in", json={"login": login, "password": password})
    signed_in.raise_for_status()
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())

    def forget() -> None:
        """Nothing of any tile is kept."""
        app.state.kept_answers = KeptAnswers(2**28)
        app.state.point_store, app.state.border_store = point_store(), border_store()

    def path(layer: str, tile: Tile) -> str:
        where = "addresses" if layer == "addresses" else "areas/compound"
        return f"/api/v1/tiles/{where}/{'/'.join(map(str, tile))}.mvt"

    return Service(app, path, [(b"cookie", cookie.encode()), (b"accept-encoding", b"gzip")], forget)
