"""Vector tiles beside PostGIS ST_AsMVT on the same data in one run.

`python -m tests.benchmarks.bench_tiles [--size full|large] [--out FILE]`: generates the demo district into a private
PostGIS and into SpatiaLite, and cuts the same tiles by every way. tipg answers with ST_AsMVT, so its encoder is what is
measured here, without its HTTP.
"""

import argparse
import math
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from sqlalchemy import Engine, text

from gis_service.access.audit import attach_audit
from gis_service.access.data_version import LAND_AND_PLACES_STAY
from gis_service.access.freshness import KeptAnswers, etag, fresh
from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.addresses.point_store import point_store, read_pyramid
from gis_service.addresses.queries import address_points
from gis_service.addresses.tiles import LAYER, POINTS_FROM_ZOOM, address_tile
from gis_service.areas.border_store import border_store
from gis_service.areas.tables import AreaLevel
from gis_service.areas.tiles import MVT, area_tile
from gis_service.demo.district import build_demo
from gis_service.settings import Settings
from gis_service.shell import Shell
from gis_service.storage.engine import open_engine, reading
from tests.private_postgres import create_database, private_cluster

Tile = tuple[int, int, int]
TILES_A_ZOOM = 12
THREADS, LOAD_S = 8, 8.0

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


@contextmanager
def district(settings: Settings, size: str) -> Iterator[Engine]:
    """The demo district in the database of `settings`."""
    engine = open_engine(settings)
    attach_audit(engine, Vault.load_or_create(settings), settings)
    build_demo(
        Shell(settings, engine, SHELL),
        size=size,
        seed=2026,
        fresh=False,
        progress=lambda *_step: None,
        with_quarters=False,
    )
    yield engine
    engine.dispose()


def tiles_of(engine: Engine, zooms: range) -> dict[int, list[Tile]]:
    """Tiles around addresses drawn at random, per zoom."""
    with reading(engine) as session:
        points = address_points(session).dropna(subset=["lon"])
    drawn = points.sample(TILES_A_ZOOM * 4, random_state=2026)
    found: dict[int, list[Tile]] = {}
    for z in zooms:
        x = ((drawn["lon"] + 180) / 360 * 2**z).astype(int)
        y = [int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z) for lat in drawn["lat"]]
        found[z] = list(dict.fromkeys((z, one, other) for one, other in zip(x.tolist(), y, strict=True)))[:TILES_A_ZOOM]
    return found


def timed_ms(work: Callable[[Tile], object], tiles: list[Tile]) -> float:
    """Median milliseconds of a tile, after a round that is not counted: what is kept is kept then, for every way."""
    for tile in tiles:
        work(tile)
    times = []
    for tile in tiles:
        started = time.perf_counter()
        work(tile)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def asking() -> Any:
    """A browser that has nothing, before a service that keeps what it gave."""
    state = SimpleNamespace(kept_answers=KeptAnswers(2**28))
    return SimpleNamespace(headers={"accept-encoding": "gzip"}, app=SimpleNamespace(state=state))


def ways(engine: Engine, scope: Scope, z: int) -> dict[str, Callable[[Tile], object]]:
    """Each way to a tile of addresses at one zoom, by its name."""
    request = asking()
    known = point_store()

    def alone(tile: Tile) -> bytes:
        with reading(engine) as session:
            return address_tile(session, scope, point_store(), "k", *tile)

    def remembered(tile: Tile) -> bytes:
        with reading(engine) as session:
            return address_tile(session, scope, known, "k", *tile)

    def warm(tile: Tile) -> object:
        with reading(engine) as session:
            tag = f'{etag(session, scope, "address points", besides=LAND_AND_PLACES_STAY)[:-1]}-{tile}"'
            return fresh(request, tag, MVT, lambda: address_tile(session, scope, known, "k", *tile))

    with reading(engine) as session:
        known.get("k", lambda: read_pyramid(session, scope))
    return {"alone": alone, "points in memory": remembered, "kept": warm} if z >= POINTS_FROM_ZOOM else {
        "points in memory": remembered, "kept": warm
    }  # fmt: skip


def border_ways(engine: Engine, scope: Scope) -> dict[str, Callable[[Tile], object]]:
    """Each way to a tile of compounds' borders, by its name."""
    request, known = asking(), border_store()

    def first(tile: Tile) -> bytes:
        with reading(engine) as session:
            return area_tile(session, scope, border_store(), "k", AreaLevel.COMPOUND, *tile)

    def remembered(tile: Tile) -> bytes:
        with reading(engine) as session:
            return area_tile(session, scope, known, "k", AreaLevel.COMPOUND, *tile)

    def warm(tile: Tile) -> object:
        with reading(engine) as session:
            tag = f'{etag(session, scope, "borders", besides=LAND_AND_PLACES_STAY)[:-1]}-{tile}"'
            return fresh(request, tag, MVT, lambda: area_tile(session, scope, known, "k", AreaLevel.COMPOUND, *tile))

    return {"first": first, "borders in memory": remembered, "kept": warm}


def by_sql(engine: Engine, sql: str, day: date) -> Callable[[Tile], object]:
    """The tile as PostGIS makes it, fetched with the driver that the service uses."""
    query = text(sql)

    def ask(tile: Tile) -> object:
        with reading(engine) as session:
            return session.execute(query, {"z": tile[0], "x": tile[1], "y": tile[2], "day": day}).scalar()

    return ask


def under_load(work: Callable[[Tile], object], tiles: list[Tile]) -> tuple[float, float, float]:
    """Tiles a second, median and 99th percentile in milliseconds, with `THREADS` asking at once for `LOAD_S`."""
    times: list[float] = []
    until = time.perf_counter() + LOAD_S

    def ask(number: int) -> None:
        rng = np.random.default_rng(number)
        while time.perf_counter() < until:
            tile = tiles[int(rng.integers(len(tiles)))]
            started = time.perf_counter()
            work(tile)
            times.append((time.perf_counter() - started) * 1000)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(times) / LOAD_S, statistics.median(times), float(np.percentile(times, 99))


def kilobytes(cut: Callable[[Tile], object], tiles: list[Tile]) -> float:
    """Median kilobytes of a tile as it is cut, before compression."""
    return statistics.median(len(bytes(cut(tile))) / 1024 for tile in tiles)  # type: ignore[call-overload]  # bytes-like


def measured(post: Engine, lite: Engine, day: date) -> tuple[list[str], list[str], list[str], list[str], float]:
    """Rows of the four tables, and the seconds that reading all points takes."""
    scope = Scope(day, None)
    tiles = tiles_of(post, range(10, 19))
    rows, loads = [], []
    for z, some in tiles.items():
        peer = by_sql(post, POINTS_SQL if z >= POINTS_FROM_ZOOM else COUNTS_SQL, day)
        theirs = timed_ms(peer, some)
        ours = {
            f"{name} ({base})": timed_ms(work, some)
            for base, engine in (("PostGIS", post), ("SpatiaLite", lite))
            for name, work in ways(engine, scope, z).items()
        }
        cells = [
            f"{ours[name]:.1f}" if (name := f"{way} ({base})") in ours else "—"
            for base in ("PostGIS", "SpatiaLite")
            for way in ("alone", "points in memory", "kept")
        ]
        ratio = theirs / ours["kept (PostGIS)"]
        first = theirs / ours["points in memory (PostGIS)"]
        rows.append(f"| {z} | {theirs:.1f} | {' | '.join(cells)} | {first:.1f} | {ratio:.1f} |")
    for z in (12, 16):
        peer = by_sql(post, POINTS_SQL if z >= POINTS_FROM_ZOOM else COUNTS_SQL, day)
        for name, work in (("ST_AsMVT", peer), *ways(post, scope, z).items()):
            a_second, median, late = under_load(work, tiles[z])
            loads.append(f"| {z} | {name} | {a_second:,.0f} | {median:.1f} | {late:.1f} |")
    areas, border_loads = [], []
    for z in (10, 12, 14, 16):
        peer = by_sql(post, AREAS_SQL, day)
        theirs, their_kb = timed_ms(peer, tiles[z]), kilobytes(peer, tiles[z])
        ways_here = {base: border_ways(engine, scope) for base, engine in (("PostGIS", post), ("SpatiaLite", lite))}
        took = {base: {way: timed_ms(cut, tiles[z]) for way, cut in of.items()} for base, of in ways_here.items()}
        cells = [f"{ms:.1f}" for of in took.values() for ms in of.values()]
        cut, again = (theirs / took["PostGIS"][way] for way in ("borders in memory", "kept"))
        our_kb = kilobytes(ways_here["PostGIS"]["borders in memory"], tiles[z])
        areas.append(
            f"| {z} | {theirs:.1f} | {' | '.join(cells)} | {cut:.1f} | {again:.1f} | {their_kb:.1f} | {our_kb:.1f} |"
        )
        if z in (10, 14):
            for name, work in (("ST_AsMVT", peer), *list(ways_here["PostGIS"].items())[1:]):
                a_second, median, late = under_load(work, tiles[z])
                border_loads.append(f"| {z} | {name} | {a_second:,.0f} | {median:.1f} | {late:.1f} |")
    started = time.perf_counter()
    with reading(post) as session:
        read_pyramid(session, scope)
    return rows, loads, areas, border_loads, time.perf_counter() - started


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("small", "full", "large"), default="full")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    day = datetime.now(UTC).date()
    with private_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        one = Settings(data_dir=Path(folder, "post"), database_url=create_database(cluster, "tiles"))
        other = Settings(data_dir=Path(folder, "lite"))
        with district(one, asked.size) as post, district(other, asked.size) as lite:
            with post.connect() as connection:
                addresses = connection.execute(text("SELECT count(*) FROM address")).scalar_one()
                connection.execute(text("ANALYZE"))
            tables = measured(post, lite, day)
    page = report(*tables, addresses, asked.size)
    sys.stdout.write(page)
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(page, encoding="utf-8")


def report(
    rows: list[str],
    loads: list[str],
    areas: list[str],
    border_loads: list[str],
    reading_s: float,
    addresses: int,
    size: str,
) -> str:
    """The page of the documentation."""
    new = "\n"
    return f"""# Vector tiles beside ST_AsMVT

Made by `python -m tests.benchmarks.bench_tiles --size {size} --out docs/benchmarks/tiles.md` on
{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {addresses:,} addresses, layer `{
        LAYER
    }`; medians over
{TILES_A_ZOOM} tiles a zoom around random addresses, milliseconds. tipg answers with ST_AsMVT: what is measured is its
encoder, asked by the driver that the service uses, without HTTP on either side.

*alone*: nothing is in memory, the tile reads its own points. *points in memory*: the points of the scope were read
once for this version of the data ({reading_s:.2f} s), the tile is cut anew. *kept*: the tile was given before; the
version of the data is looked up, and the compressed tile is given again. Up to zoom {POINTS_FROM_ZOOM - 1} tiles count
points by cells.

| zoom | ST_AsMVT | PostGIS, alone | in memory | kept | SpatiaLite, alone | in memory | kept | ÷ in memory | ÷ kept |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{new.join(rows)}

{THREADS} threads asking at once for {LOAD_S:.0f} s, on PostGIS:

| zoom | way | tiles a second | median, ms | 99th percentile, ms |
| --- | --- | --- | --- | --- |
{new.join(loads)}

Borders of compounds. *first*: nothing is in memory, as after a change of land; all borders of the scope are read and
the zoom level is simplified as a whole, so that neighbours keep one common border. *in memory*: that was done before,
the tile is cut anew. Kilobytes are before compression; ST_AsMVT does not simplify.

| zoom | ST_AsMVT | PostGIS, first | in memory | kept | SpatiaLite, first | in memory | kept | ÷ in memory | ÷ kept |{
        " kB, ST_AsMVT | kB |"
    }
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{new.join(areas)}

| zoom | way | tiles a second | median, ms | 99th percentile, ms |
| --- | --- | --- | --- | --- |
{new.join(border_loads)}
"""


if __name__ == "__main__":
    main()
