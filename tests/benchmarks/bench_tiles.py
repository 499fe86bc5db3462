"""Vector tiles beside PostGIS ST_AsMVT on the same data in one run.

`python -m tests.benchmarks.bench_tiles [--size small|full|large] [--out FILE]`: generates the demo district into a
private PostGIS and into SpatiaLite, and cuts the same tiles by every way: bare, and as whole answers of a web service.
"""

import argparse
import asyncio
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from sqlalchemy import Engine, text

from gis_service.access.audit import attach_audit
from gis_service.access.freshness import KeptAnswers
from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.addresses.point_store import read_pyramid
from gis_service.addresses.queries import address_points
from gis_service.demo.district import DemoOutcome, build_demo
from gis_service.settings import Settings
from gis_service.shell import Shell
from gis_service.storage.engine import open_engine, reading
from tests.benchmarks.tile_ways import (
    AREAS_SQL,
    AT_ONCE,
    Service,
    Tile,
    Way,
    border_ways,
    by_sql,
    own_service,
    peer_service,
    point_ways,
    points_sql,
)
from tests.private_postgres import Cluster, create_database, private_cluster

TILES_A_ZOOM: Final = 12
ROUNDS: Final = 5
LOAD_S: Final = 3.0
POINT_ZOOMS, BORDER_ZOOMS = range(10, 19), (10, 12, 14, 16)
LOAD_ZOOMS: Final = {"addresses": (12, 16), "borders": (10, 14)}


@contextmanager
def district(settings: Settings, size: str) -> Iterator[tuple[Engine, DemoOutcome]]:
    """The demo district in the database of `settings`."""
    engine = open_engine(settings)
    attach_audit(engine, Vault.load_or_create(settings), settings)
    shell = Shell(settings, engine, SHELL)
    yield (
        engine,
        build_demo(shell, size=size, seed=2026, fresh=False, progress=lambda *_step: None, with_quarters=False),
    )
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


def timed_ms(ways: dict[str, Way], tiles: list[Tile]) -> dict[str, float]:
    """Median milliseconds of a tile by each way, in turn; the first round is not counted: what is kept is kept then."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):
        for tile in tiles:
            for name, way in ways.items():
                started = time.perf_counter()
                way(tile)
                if turn:
                    times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(took) for name, took in times.items()}


def bare(post: Engine, lite: Engine, scope: Scope, layer: str, tiles: dict[int, list[Tile]]) -> list[str]:
    """Rows of the table of bare encoders."""
    make = point_ways if layer == "addresses" else border_ways
    ours = {
        f"{name}, {base}": way
        for base, engine in (("PostGIS", post), ("SpatiaLite", lite))
        for name, way in make(engine, scope).items()
    }
    rows = []
    for z in POINT_ZOOMS if layer == "addresses" else BORDER_ZOOMS:
        peer = by_sql(post, points_sql(z) if layer == "addresses" else AREAS_SQL, scope.day)
        took = timed_ms({"ST_AsMVT": peer, **ours}, tiles[z])
        cold, kept = (took["ST_AsMVT"] / took[f"{name}, PostGIS"] for name in ("cold", "kept"))
        rows.append(f"| {z} | {' | '.join(f'{ms:.2f}' for ms in took.values())} | {cold:.1f} | {kept:.1f} |")
    return rows


@dataclass(frozen=True)
class Served:
    """The two services, and what is done before our own is asked so that it meets each case."""

    peer: Service
    own: Service

    def _forget_everything(self) -> None:
        self.own.forget()
        self.own.app.state.unchanged.forget()

    def _forget_answers(self) -> None:
        self.own.app.state.kept_answers = KeptAnswers(2**28)

    def cases(self) -> dict[str, tuple[Service, Callable[[], None]]]:
        """Services by the name of the case, with what comes before each request."""
        return {
            "ST_AsMVT": (self.peer, lambda: None),
            "after a commit": (self.own, self._forget_everything),
            "cold": (self.own, self.own.forget),
            "in memory": (self.own, self._forget_answers),
            "kept": (self.own, lambda: None),
        }

    async def one_by_one(self, layer: str, tiles: list[Tile]) -> dict[str, float]:
        """Median milliseconds of a whole answer in each case."""
        medians = {}
        for name, (service, before) in self.cases().items():
            times = []
            for turn in range(ROUNDS + 1):
                for tile in tiles:
                    before()
                    took = await service.took_ms(layer, tile)
                    times += [took] if turn else []
            medians[name] = statistics.median(times)
        return medians

    async def under_load(self, layer: str, tiles: list[Tile]) -> dict[str, list[float]]:
        """Milliseconds of each answer in each case, with `AT_ONCE` asking at once for `LOAD_S`."""
        found = {}
        for name, (service, before) in self.cases().items():
            for tile in tiles:
                await service.took_ms(layer, tile)
            times: list[float] = []
            await asyncio.gather(*(_asking(service, before, layer, tiles, times, n) for n in range(AT_ONCE)))
            found[name] = times
        return found

    async def screen_ms(self, layer: str, tiles: list[Tile]) -> dict[str, float]:
        """Milliseconds until every tile of a screen is there, all asked for at once, with nothing kept at first."""
        found = {}
        for name in ("ST_AsMVT", "cold"):
            service, before = self.cases()[name]
            times = []
            for _turn in range(ROUNDS):
                before()
                started = time.perf_counter()
                took = await asyncio.gather(*(_until(service, layer, tile) for tile in tiles))
                times.append((max(took) - started) * 1000)
            found[name] = statistics.median(times)
        return found


async def _until(service: Service, layer: str, tile: Tile) -> float:
    started = time.perf_counter()
    return started + await service.took_ms(layer, tile) / 1000


async def _asking(
    service: Service, before: Callable[[], None], layer: str, tiles: list[Tile], times: list[float], number: int
) -> None:
    rng, until = np.random.default_rng(number), time.perf_counter() + LOAD_S
    while time.perf_counter() < until:
        before()
        times.append(await service.took_ms(layer, tiles[int(rng.integers(len(tiles)))]))


async def served(
    peer_of: Callable[[], object], own: Service, layer: str, tiles: dict[int, list[Tile]]
) -> tuple[list[str], list[str], list[str]]:
    """Rows of the tables of whole answers, of load and of screens."""
    both = Served(await peer_of(), own)  # type: ignore[misc]  # a coroutine of one service
    rows, loads, screens = [], [], []
    for z in POINT_ZOOMS if layer == "addresses" else BORDER_ZOOMS:
        took = await both.one_by_one(layer, tiles[z])
        cold, kept = (took["ST_AsMVT"] / took[name] for name in ("cold", "kept"))
        rows.append(f"| {z} | {' | '.join(f'{ms:.2f}' for ms in took.values())} | {cold:.1f} | {kept:.1f} |")
    for z in LOAD_ZOOMS[layer]:
        for name, times in (await both.under_load(layer, tiles[z])).items():
            late = float(np.percentile(times, 99))
            loads.append(f"| {z} | {name} | {len(times) / LOAD_S:,.0f} | {statistics.median(times):.1f} | {late:.1f} |")
        took = await both.screen_ms(layer, tiles[z])
        screens.append(f"| {z} | {len(tiles[z])} | {' | '.join(f'{ms:.0f}' for ms in took.values())} |")
    return rows, loads, screens


def measured(size: str, folder: str, cluster: Cluster) -> str:
    """The page."""
    day: date = datetime.now().astimezone().date()
    quick: dict[str, Any] = {
        "requests_per_minute": 10_000_000,
        "cookie_secure": False,
        "log_json": True,
        "second_factor_roles": (),
    }
    post_url = create_database(cluster, "tiles")
    one = Settings(data_dir=Path(folder, "post"), database_url=post_url, **quick)
    other = Settings(data_dir=Path(folder, "lite"))
    with district(one, size) as (post, outcome), district(other, size) as (lite, _same):
        with post.connect() as connection:
            addresses: int = connection.execute(text("SELECT count(*) FROM address")).scalar_one()
            connection.execute(text("ANALYZE"))
            connection.commit()
        scope, tiles = Scope(day, None), tiles_of(post, POINT_ZOOMS)
        started = time.perf_counter()
        with reading(post) as session:
            read_pyramid(session, scope)
        read_s = time.perf_counter() - started
        planner = next(login for login in outcome.logins if login.role == "planner")
        own = own_service(one, post, planner.login, planner.password)
        peer_url = post_url.replace("postgresql+psycopg", "postgresql")
        tables = {}
        for layer in ("addresses", "borders"):
            tables[f"{layer} bare"] = bare(post, lite, scope, layer, tiles)
            made = asyncio.run(served(partial(peer_service, peer_url, day), own, layer, tiles))
            tables.update(zip((f"{layer} {what}" for what in ("served", "load", "screens")), made, strict=True))
    return report({name: "\n".join(rows) for name, rows in tables.items()}, addresses, size, read_s)


def report(tables: dict[str, str], addresses: int, size: str, read_s: float) -> str:
    """The page of the documentation."""
    bare_head = f"""| zoom | ST_AsMVT | PostGIS, cold | in memory | kept | SpatiaLite, cold | in memory | kept | {
        "ST_AsMVT ÷ cold | ÷ kept |"
    }
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""
    served_head = """| zoom | ST_AsMVT | after a commit | cold | in memory | kept | ST_AsMVT ÷ cold | ÷ kept |
| --- | --- | --- | --- | --- | --- | --- | --- |"""
    load_head = """| zoom | way | tiles a second | median, ms | 99th percentile, ms |
| --- | --- | --- | --- | --- |"""
    screen_head = """| zoom | tiles | ST_AsMVT | ours, cold |
| --- | --- | --- | --- |"""
    parts = []
    for layer, title in (("addresses", "Addresses"), ("borders", "Borders of compounds")):
        parts.append(f"""## {title}

The encoder alone:

{bare_head}
{tables[f"{layer} bare"]}

Whole answers, on PostGIS:

{served_head}
{tables[f"{layer} served"]}

{AT_ONCE} asking at once for {LOAD_S:.0f} s, whole answers:

{load_head}
{tables[f"{layer} load"]}

Milliseconds until every tile of a screen is there, all asked for at once:

{screen_head}
{tables[f"{layer} screens"]}
""")
    sections = "\n".join(parts)
    return f"""# Vector tiles beside ST_AsMVT

Made by `python -m tests.benchmarks.bench_tiles --size {size} --out docs/benchmarks/tiles.md` on
{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {addresses:,} addresses;
medians over {TILES_A_ZOOM} tiles a zoom around random addresses, {ROUNDS} times each, milliseconds. Up to zoom 14
tiles count addresses by cells.

tipg answers with ST_AsMVT. *The encoder alone*: its SQL asked by the driver that the service uses, without HTTP on
either side. *Whole answers*: from the ASGI request to the last byte of the ASGI answer, in one process; on the side of
ST_AsMVT the least that a service can do (FastAPI as in tipg, one route, connections kept open, nobody signs in, nothing
is filtered, nothing is compressed; tipg itself does more), on ours the complete service as it runs: request log,
defences, who is signed in, permission, scope, compression.

*cold*: nothing of the tile and of its scope is kept, as after a change of land; *after a commit*: neither is who asks,
which the first request after any act looks up for those that follow. PostGIS draws such a tile itself, on SpatiaLite
the points or borders of the scope are read first. *in memory*: points and borders of the scope were read after the
first answer ({read_s:.2f} s for the points), the tile is cut anew. *kept*: the tile was given before and the database
says that nothing was committed since.

{sections}"""


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("small", "full", "large"), default="full")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with (
        private_cluster() as cluster,
        tempfile.TemporaryDirectory() as folder,
        Path(folder, "log").open("w") as log,  # the log of requests is written, but not among the tables
        redirect_stdout(log),
    ):
        page = measured(asked.size, folder, cluster)
    sys.stdout.write(page)
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
