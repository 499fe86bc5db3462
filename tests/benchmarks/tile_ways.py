"""The ways to a vector tile that `bench_tiles` compares without a web service: ST_AsMVT and our own."""

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gis_service.access.data_version import LAND_AND_PLACES_STAY, LAND_STAYS
from gis_service.access.freshness import KeptAnswers, answered, etag, fresh
from gis_service.access.looking import Sight
from gis_service.access.scope import Scope
from gis_service.access.unchanged import Unchanged
from gis_service.addresses.point_store import point_store, read_pyramid
from gis_service.addresses.tiles import POINTS_FROM_ZOOM, address_tile
from gis_service.areas.border_store import border_store
from gis_service.areas.tables import AreaLevel
from gis_service.areas.tiles import MVT, area_tile, drawn_area_tile
from gis_service.storage.commits import Commits
from gis_service.storage.engine import reading

Tile = tuple[int, int, int]
Way = Callable[[Tile], object]
#: how many ask at once under load
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


def _sight(session: Session, scope: Scope) -> Sight:
    return Sight(scope, 0, lambda: session)


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
            return address_tile(_sight(session, scope), point_store(), "k", *tile)

    def remembered(tile: Tile) -> bytes:
        with reading(engine) as session:
            return address_tile(_sight(session, scope), known, "k", *tile)

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
                return drawn_area_tile(_sight(session, scope), AreaLevel.COMPOUND, *tile)
            return area_tile(_sight(session, scope), border_store(), "k", AreaLevel.COMPOUND, *tile)

    def remembered(tile: Tile) -> bytes:
        with reading(engine) as session:
            return area_tile(_sight(session, scope), known, "k", AreaLevel.COMPOUND, *tile)

    kept = _kept(engine, scope, "borders", LAND_STAYS, remembered)
    return {"cold": cold, "in memory": remembered, "kept": kept}
