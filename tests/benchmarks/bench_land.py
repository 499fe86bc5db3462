"""How long land that changes takes on a real city: `python -m tests.benchmarks.bench_land --part PART --out FILE`.

Keelung (1,750 compounds, 192,230 addresses) with invented teams and people (300 officers, 240,000 registered migrants
and as many rentals as come with them) on SpatiaLite and PostGIS: impact and application of one redrawn compound, the
assignment of every address (first and again), search as it is typed; and how it grows when the city's addresses are
repeated. Part by part and database by database, each within a quarter of an hour; the page keeps what other runs wrote.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Engine, delete, func, select

from gis_service.access.audit import attach_audit
from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.addresses.actions import assign_addresses
from gis_service.addresses.search import search_addresses
from gis_service.addresses.search_index import index_addresses
from gis_service.addresses.search_store import search_store
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.queries import area_by_code, areas
from gis_service.changes.actions import apply_change, approve_change, draft_change, revert_change
from gis_service.changes.published import published_impact_of, withheld_store
from gis_service.demo.anywhere import synthesise
from gis_service.intake.subject import Mode
from gis_service.registers.people_store import keep_people
from gis_service.settings import Settings
from gis_service.storage.bulk import append_frame
from gis_service.storage.engine import open_engine, reading, transaction
from gis_service.storage.schema import upgrade_schema
from gis_service.teams.fence import fence_session
from tests.benchmarks.land_page import TABLES, rewritten
from tests.import_steps import Desk
from tests.private_postgres import create_database, private_cluster

START, DAY, TODAY = date(2020, 1, 1), date(2026, 9, 1), date(2026, 11, 1)
VILLAGE: Final = "1001702-020"
SEARCHED: Final = 300_000
OFFICERS, MIGRANTS = 300, 240_000
#: as somebody types: a road, a road and a number, a number alone, initials
TYPED: Final = (
    "中",
    "中正",
    "中正路",
    "中正路1",
    "中正路18",
    "中正路18號",
    "安樂路二段",
    "18號",
    "233",
    "zzl",
    "all",
    "信義區 5樓",
)


@contextmanager
def databases(data: Path, only: str | None) -> Iterator[tuple[dict[str, Desk], Meter]]:
    """The city with its people on each database, addresses not placed yet."""
    with ExitStack() as cleaning:
        cluster = cleaning.enter_context(private_cluster())
        desks = {}
        for name, url in (("SpatiaLite", None), ("PostGIS", create_database(cluster, "bench"))):
            if only not in (None, name):
                continue
            folder = Path(cleaning.enter_context(tempfile.TemporaryDirectory()))
            settings = Settings(data_dir=folder, database_url=url, metric_crs="EPSG:3826")
            engine = open_engine(settings)
            cleaning.callback(engine.dispose)
            attach_audit(engine, Vault.load_or_create(settings), settings)
            upgrade_schema(engine)
            desk = Desk(engine, settings, folder)
            desk.apply("areas", data / "areas.gpkg", valid_from=START)
            said: dict[str, Any] = {
                "columns": {"stated_village": "stated_village_code"},
                "constants": {"point_source": "surveyed"},
            }
            desk.apply("addresses", data / "addresses.csv.gz", crs="EPSG:4326", **said)
            lay_people(desk)
            desks[name] = desk
        yield desks, Meter(cluster.server_pid)


def lay_people(desk: Desk) -> None:
    """Invented teams, beats and people on the city."""
    out = desk.folder / "people"
    with reading(desk.engine) as session:
        synthesise(session, desk.settings, out, officers=OFFICERS, migrants=MIGRANTS, seed=1, today=TODAY)
    for subject in ("units", "officers", "postings", "beats", "beat_parts", "beat_duties", "registrations", "rentals"):
        desk.apply(subject, out / f"{subject}.csv")


class Spent(NamedTuple):
    """Seconds that some work took: on the clock, and of the processors (ours and the database server's)."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:.2f} ({self.processor:.2f})"


@dataclass(frozen=True)
class Meter:
    """Measures work, with what the database server does for it."""

    server_pid: int

    def spent(self, work: Callable[[], object]) -> Spent:
        """Do it, and say how long it took."""
        clock, processor = time.perf_counter(), self._processor()
        work()
        return Spent(time.perf_counter() - clock, self._processor() - processor)

    def _processor(self) -> float:
        children = Path(f"/proc/{self.server_pid}/task/{self.server_pid}/children").read_text(encoding="ascii").split()
        ticks = 0
        for pid in children:
            with suppress(FileNotFoundError):  # it has just gone
                after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                ticks += int(after_name[11]) + int(after_name[12])
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def median(taken: list[Spent]) -> Spent:
    """The middle of either figure."""
    return Spent(*(statistics.median(figures) for figures in zip(*taken, strict=True)))


def assign(desk: Desk) -> int:
    """Place every address; how many were written."""
    return assign_addresses(desk.engine, desk.settings, SHELL, TODAY).written


def forget_placements(desk: Desk) -> None:
    """As if nothing had ever been placed."""
    with transaction(desk.engine) as session:
        session.execute(delete(Placement))


def assignments(desk: Desk, runs: int, meter: Meter) -> dict[str, Spent]:
    """First assignments, which write every row, and repeated ones, which write none: medians."""
    first = []
    for _ in range(runs):
        forget_placements(desk)
        first.append(meter.spent(lambda: assign(desk)))
    again = [meter.spent(lambda: assign(desk)) for _ in range(runs)]
    return {"first": median(first), "again": median(again)}


def redrawing(desk: Desk) -> dict[str, Any]:
    """One compound takes the western half of its neighbour."""
    with reading(desk.engine) as session:
        scope = Scope(TODAY, None)
        land = areas(session, scope, parent=area_by_code(session, scope, VILLAGE))
    shapes = land.geometry
    one, other = next(
        (one, other)
        for one in land.index
        for other in land.index
        if one != other and shapes[one].intersection(shapes[other]).length > 0.0005
    )
    west, south, east, north = shapes[other].bounds
    half = shapely.box(west, south, (west + east) / 2, north)
    borders = {
        one: shapely.union(shapes[one], shapely.intersection(shapes[other], half)),
        other: shapely.difference(shapes[other], half),
    }
    told = [{"area_id": int(area), "border": shapely.geometry.mapping(shape)} for area, shape in borders.items()]
    return {"kind": "redraw", "borders": told}


class Redrawn(NamedTuple):
    """Medians of one compound redrawn: its impact as a planner sees it, and its application.

    Attributes
    ----------
    cold : the impact in a process that has counted nobody yet.
    first : after a change of the data; what small counts are withheld is found out anew.
    again : while the data is the same.
    """

    cold: Spent
    first: Spent
    again: Spent
    applied: Spent
    written: int


def redraw(desk: Desk, runs: int, meter: Meter) -> Redrawn:
    """Redraw one compound several times, as the service does it."""
    place, kept = (desk.engine, desk.settings, SHELL), withheld_store()
    keep_people(desk.engine)
    colds: list[Spent] = []
    firsts: list[Spent] = []
    impacts: list[Spent] = []
    applied: list[Spent] = []
    written: list[int] = []

    def apply(number: int) -> None:
        written.append(apply_change(*place, number).rewriting.written)

    for run in range(runs + 1):
        change = draft_change(desk.engine, SHELL, redrawing(desk), Mode.CHANGE, DAY)
        firsts.append(meter.spent(partial(published_impact_of, *place, change.id, kept)))
        impacts.append(meter.spent(partial(published_impact_of, *place, change.id, kept)))
        keep_people(desk.engine)
        colds.append(meter.spent(partial(published_impact_of, *place, change.id, withheld_store())))
        approve_change(desk.engine, SHELL, change.id, accepted_reason="a benchmark")
        applied.append(meter.spent(partial(apply, change.id)))
        revert_change(*place, change.id, "a benchmark")
        if not run:  # the first one warms up
            colds, firsts, impacts, applied = [], [], [], []
    return Redrawn(median(colds), median(firsts), median(impacts), median(applied), written[-1])


def repeat_addresses(desk: Desk, total: int) -> None:
    """Add copies of the city's addresses, each a few metres off, until there are so many."""
    with transaction(desk.engine) as session:
        there = session.scalar(select(func.count()).select_from(Address)) or 0
        query = select(
            Address.text, Address.stated_village_code, func.ST_X(Address.geom), func.ST_Y(Address.geom)
        ).where(Address.code.not_like("copy-%"))
        rows = pd.DataFrame([tuple(row) for row in session.execute(query)], columns=["text", "stated", "lon", "lat"])
        rng = np.random.default_rng(there)
        while there < total:
            part = rows.head(total - there)
            lonlat = part[["lon", "lat"]].to_numpy() + rng.normal(0.0, 1e-5, (len(part), 2))
            copies = pd.DataFrame(
                {
                    "code": [f"copy-{there + number}" for number in range(len(part))],
                    "text": part["text"].to_numpy(),
                    "stated_village_code": part["stated"].to_numpy(),
                    "point_source": "surveyed",
                    "geom": shapely.points(lonlat),
                }
            )
            append_frame(session, Address, copies)
            there += len(part)


def searching(engine: Engine, scope: Scope, rounds: int = 5) -> tuple[float, float, float]:
    """Median and 99th percentile of searching behind the fence, and the very first search of all, milliseconds.

    The first round is otherwise left out.
    """
    taken, kept, first = [], search_store(), 0.0
    for run in range(rounds + 1):
        for typed in TYPED:
            with reading(engine) as session:
                begun = time.perf_counter()
                fence_session(session, scope)
                search_addresses(session, scope, typed, kept=kept)
                took = 1000 * (time.perf_counter() - begun)
                first = first or took
                taken += [took] if run else []
    return statistics.median(taken), float(np.quantile(taken, 0.99)), first


def largest_village(engine: Engine) -> tuple[int, int]:
    """The village with the most addresses, and how many."""
    with reading(engine) as session:
        query = select(Placement.area_id, func.count()).where(Placement.area_id.is_not(None))
        counts = {int(area or 0): int(count) for area, count in session.execute(query.group_by(Placement.area_id))}
        compounds = areas(session, Scope(TODAY, None), only=list(counts))
    held: dict[int, int] = {}
    for area_id, village in compounds["parent_id"].to_dict().items():
        held[int(village)] = held.get(int(village), 0) + counts[int(str(area_id))]
    largest = max(held, key=lambda village: held[village])
    return largest, held[largest]


def changing(desk: Desk, runs: int, meter: Meter) -> Iterator[list[str]]:
    """One compound redrawn, and every address assigned, in a process that has done it once."""
    assign(desk)
    placed, redrawn = assignments(desk, runs, meter), redraw(desk, runs, meter)
    yield [*map(str, redrawn), str(placed["first"]), str(placed["again"]), str(runs)]


def searched(desk: Desk) -> Iterator[list[str]]:
    """Search as somebody types."""
    repeat_addresses(desk, SEARCHED)
    with transaction(desk.engine) as session:
        index_addresses(session, None)
    assign(desk)
    village, held = largest_village(desk.engine)
    whole = searching(desk.engine, Scope(TODAY, None))
    part = searching(desk.engine, Scope(TODAY, frozenset({village})))
    yield [f"{value:.1f}" for value in (*whole[:2], *part)] + [f"{held:,}"]


def grown(desk: Desk, growth: list[int], meter: Meter) -> Iterator[list[str]]:
    """The city's addresses again and again."""
    for total in growth:
        repeat_addresses(desk, total)
        placed, redrawn = assignments(desk, 1, meter), redraw(desk, 1, meter)
        figures = (placed["first"], placed["again"], *redrawn[:4])
        most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        yield [f"{total:,}", *map(str, figures), f"{most_mb:,.0f}"]


def measure(part: str, desk: Desk, meter: Meter, runs: int, growth: list[int]) -> Iterator[list[str]]:
    """The rows of one table, each as soon as it is measured."""
    kinds = {
        "changing": lambda: changing(desk, runs, meter),
        "search": lambda: searched(desk),
        "growth": lambda: grown(desk, growth, meter),
    }
    for figures in kinds[part]():
        yield [*figures, f"{os.getloadavg()[0]:.1f}"]


def main() -> None:
    """Measure, print, write."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, default=None, help="folder with areas.gpkg and addresses.csv.gz of Keelung")
    asked.add_argument("--part", choices=list(TABLES), nargs="*", default=["changing", "search"])
    asked.add_argument("--runs", type=int, default=5)
    asked.add_argument("--growth", type=int, nargs="*", default=[1_000_000], help="addresses of the part growth")
    asked.add_argument("--only", choices=["SpatiaLite", "PostGIS"], default=None)
    asked.add_argument("--out", type=Path, default=None, help="page whose other rows are kept")
    said = asked.parse_args()
    folder = Path(os.environ.get("GIS_TEST_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")
    people = f"{OFFICERS} officers, {MIGRANTS:,} registered migrants"
    machine = f"{platform.machine()}, {os.cpu_count()} processors"
    page = said.out.read_text(encoding="utf-8") if said.out is not None and said.out.exists() else ""
    with databases(said.data or folder.resolve() / "keelung", said.only) as (desks, meter):
        for name, desk in desks.items():
            for part in said.part:
                for figures in measure(part, desk, meter, said.runs, said.growth):
                    print(part, name, *figures, sep=" | ", flush=True)  # noqa: T201 - the report
                    page = rewritten(page, part, [[name, *figures]], people, machine)
                    if said.out is not None:
                        said.out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
