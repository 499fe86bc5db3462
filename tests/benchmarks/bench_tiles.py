"""Vector tiles beside tipg and PostGIS ST_AsMVT on the same data in one run.

`python -m tests.benchmarks.bench_tiles [--size small|full|large] [--out FILE]`: generates the demo district into a
private PostGIS and into SpatiaLite, and cuts the same tiles by every way: the encoder alone, and whole answers over
HTTP of tipg, of one bare route and of our service.
"""

import argparse
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, text

from gis_service.access.audit import attach_audit
from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.addresses.point_store import read_pyramid
from gis_service.addresses.queries import address_points
from gis_service.demo.district import DemoOutcome, build_demo
from gis_service.settings import Settings
from gis_service.shell import Shell
from gis_service.storage.engine import open_engine, reading
from tests.benchmarks.tile_page import Table, page
from tests.benchmarks.tile_server import SETTLED
from tests.benchmarks.tile_services import Service, bare, own, tipg
from tests.benchmarks.tile_ways import AREAS_SQL, AT_ONCE, Tile, Way, border_ways, by_sql, point_ways, points_sql
from tests.private_postgres import Cluster, create_database, private_cluster

TILES_A_ZOOM: Final = 12
ROUNDS: Final = 5
LOAD_S: Final = 3.0
POINT_ZOOMS: Final = range(10, 19)
ZOOMS: Final = {"addresses": tuple(POINT_ZOOMS), "borders": (10, 12, 14, 16)}
#: connections that a browser opens to one server
CONNECTIONS: Final = 6
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


def encoders(post: Engine, lite: Engine, scope: Scope, layer: str, tiles: dict[int, list[Tile]]) -> Table:
    """Milliseconds of a tile by each way without a web service, by zoom level."""
    make = point_ways if layer == "addresses" else border_ways
    ours = {
        f"{base}, {name}": way
        for base, engine in (("PostGIS", post), ("SpatiaLite", lite))
        for name, way in make(engine, scope).items()
    }
    table: Table = {}
    for z in ZOOMS[layer]:
        peer = by_sql(post, points_sql(z) if layer == "addresses" else AREAS_SQL, scope.day)
        table[z] = timed_ms({"ST_AsMVT": peer, **ours}, tiles[z])
    return table


@dataclass(frozen=True)
class Case:
    """Who is asked, and what our own service forgets before it is."""

    service: Service
    forgets: str = ""

    @contextmanager
    def asking(self, layer: str, *, forgetting: bool = False) -> Iterator[Callable[[Tile], float]]:
        """A function that asks for a tile over one connection: milliseconds from the question to the last byte."""
        besides = self._besides() if forgetting else {}
        with self.service.caller() as caller:

            def took_ms(tile: Tile) -> float:
                path = self.service.path(layer, tile)
                started = time.perf_counter()
                caller.get(path, besides)
                return (time.perf_counter() - started) * 1000

            yield took_ms

    @contextmanager
    def settling(self) -> Iterator[Callable[[], object]]:
        """A function that waits until nothing is done in the background any more, and has forgotten what it is to."""
        with self.service.caller() as caller:
            yield partial(caller.get, SETTLED, self._besides()) if self.forgets else lambda: None

    def _besides(self) -> dict[str, str]:
        return {"X-Forget": self.forgets} if self.forgets else {}


def one_by_one(case: Case, layer: str, tiles: list[Tile]) -> float:
    """Median milliseconds of a whole answer; the first round is not counted."""
    times = []
    with case.asking(layer) as took_ms, case.settling() as settle:
        for turn in range(ROUNDS + 1):
            for tile in tiles:
                settle()
                took = took_ms(tile)
                times += [took] if turn else []
    return statistics.median(times)


def under_load(case: Case, layer: str, tiles: list[Tile]) -> list[float]:
    """Milliseconds of each answer, with `AT_ONCE` asking at once for `LOAD_S`."""

    def keep_asking(number: int) -> list[float]:
        times, drawn = [], random.Random(number)
        with case.asking(layer, forgetting=True) as took_ms:
            until = time.perf_counter() + LOAD_S
            while time.perf_counter() < until:
                times.append(took_ms(drawn.choice(tiles)))
        return times

    with case.asking(layer) as took_ms:
        for tile in tiles * 2:
            took_ms(tile)
    with case.settling() as settle, ThreadPoolExecutor(AT_ONCE) as callers:
        settle()
        return [ms for times in callers.map(keep_asking, range(AT_ONCE)) for ms in times]


def screen_ms(case: Case, layer: str, tiles: list[Tile]) -> float:
    """Median milliseconds until every tile of a screen is there, over as many connections as a browser has."""
    times = []
    with ExitStack() as stack:
        settle = stack.enter_context(case.settling())
        callers = stack.enter_context(ThreadPoolExecutor(CONNECTIONS))
        connections = [stack.enter_context(case.asking(layer)) for _each in range(CONNECTIONS)]

        def take_share(number: int) -> None:
            for tile in tiles[number::CONNECTIONS]:
                connections[number](tile)

        for turn in range(ROUNDS + 1):
            settle()
            started = time.perf_counter()
            list(callers.map(take_share, range(CONNECTIONS)))
            times += [(time.perf_counter() - started) * 1000] if turn else []
    return statistics.median(times)


def cases_of(peer: Service, route: Service, ours: Service) -> dict[str, Case]:
    """Who is asked in which state, by name."""
    again = {name: Case(ours, name) for name in ("after a commit", "cold", "in memory")}
    return {"tipg": Case(peer), "one route": Case(route), **again, "kept": Case(ours)}


def measured(size: str, folder: str, cluster: Cluster) -> str:
    """The page."""
    day: date = datetime.now().astimezone().date()
    quick: dict[str, Any] = {
        "requests_per_minute": 10_000_000,
        "cookie_secure": False,
        "second_factor_roles": (),
    }
    post_url = create_database(cluster, "tiles")
    one = Settings(data_dir=Path(folder, "post"), database_url=post_url, **quick)
    other = Settings(data_dir=Path(folder, "lite"), **quick)
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
        alone = {layer: encoders(post, lite, scope, layer, tiles) for layer in ZOOMS}
        peer_url = post_url.replace("postgresql+psycopg", "postgresql")
        whole: dict[str, Table] = {}
        loads: dict[str, dict[tuple[int, str], list[float]]] = {}
        screens: dict[str, Table] = {}
        with (
            tipg(peer_url, post, day) as peer,
            bare(peer_url, day) as route,
            own(one, planner.login, planner.password) as ours,
        ):
            cases = cases_of(peer, route, ours)
            for layer, zooms in ZOOMS.items():
                whole[layer] = {
                    z: {name: one_by_one(case, layer, tiles[z]) for name, case in cases.items()} for z in zooms
                }
                busy = LOAD_ZOOMS[layer]
                loads[layer] = {
                    (z, name): under_load(case, layer, tiles[z]) for z in busy for name, case in cases.items()
                }
                asked = {name: cases[name] for name in ("tipg", "one route", "cold", "kept")}
                screens[layer] = {
                    z: {"tiles": len(tiles[z])}
                    | {name: screen_ms(case, layer, tiles[z]) for name, case in asked.items()}
                    for z in busy
                }
    found = {"alone": alone, "whole": whole, "screens": screens}
    return page(found, loads, size=size, addresses=addresses, read_s=read_s, load_s=LOAD_S, rounds=ROUNDS)


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("small", "full", "large"), default="full")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with private_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        text_of_page = measured(asked.size, folder, cluster)
    sys.stdout.write(text_of_page)
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(text_of_page, encoding="utf-8")


if __name__ == "__main__":
    main()
