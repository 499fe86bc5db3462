"""A quarter of one township of the demo: its registers handed in and matched, on both databases.

``python -m tests.benchmarks.bench_quarter [--size township] [--databases spatialite postgis] [--out FILE]``

The three registers are those that the demo generates; the police side is the service's own registrations. What is
measured is what a person waits for: the file read, checked, sealed and kept; people opened, addresses looked up,
linked, links kept, mismatches classified and laid as items, audit, commit.
"""

import argparse
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import func, select

from gis_service.access.scope import Scope
from gis_service.access.viewer import SHELL
from gis_service.addresses.actions import assign_addresses
from gis_service.api.dependencies import today_here
from gis_service.areas.queries import area_names
from gis_service.areas.tables import AreaLevel
from gis_service.demo.district import LAND_SINCE
from gis_service.demo.generation import generate
from gis_service.demo.plan import PLANS
from gis_service.intake.actions import apply_import
from gis_service.intake.subject import ImportOptions
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.actions import open_quarter
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.matching import match_quarter
from gis_service.registers.quarters.tables import PersonLink
from gis_service.registers.snapshots.actions import Handing, hand_in
from gis_service.registers.snapshots.handed import table_of_file
from gis_service.registers.snapshots.tables import Snapshot
from gis_service.storage.engine import reading
from gis_service.subjects import SUBJECTS
from tests.benchmarks.bench_registers import Timing, desk_on, tell
from tests.import_steps import BEFORE_A_QUARTER, Desk

SEED = 2026


def measure(desk: Desk, database: str, size: str) -> list[Timing]:
    """Lay the demo, then time each step of the quarter of the township that has three registers."""
    today = today_here()
    made = generate(SEED, desk.folder / "demo", size)
    for name in BEFORE_A_QUARTER:
        subject = SUBJECTS[name]
        options = ImportOptions(crs="EPSG:4326" if subject.shape else None)
        if subject.dated:
            options = replace(options, valid_from=LAND_SINCE)
        apply_import(desk.engine, desk.settings, SHELL, subject, made.file(name), options)
    assign_addresses(desk.engine, desk.settings, SHELL, today)
    with reading(desk.engine) as session:
        tree = area_names(session, Scope(today, None), levels=[AreaLevel.TOWNSHIP])
    (town,) = (int(key) for key in tree.index[tree["name"].eq(PLANS[size].registers_township)])
    quarter = Quarter.of(today)
    open_quarter(desk.engine, SHELL, quarter, today=today, area_id=town)
    timings: list[Timing] = []

    @contextmanager
    def timed(what: str) -> Iterator[list[int]]:
        rows: list[int] = []
        started = time.perf_counter()
        yield rows
        timings.append(Timing(database, what, rows[0], time.perf_counter() - started))
        tell(timings[-1])

    for side in (Side.VILLAGE, Side.GRID):
        with timed(f"{side.value} register handed in") as rows:
            table = table_of_file(desk.settings, made.out_dir / "registers" / f"{side.value}.csv")
            rows.append(hand_in(desk.engine, SHELL, table, Handing(side, town), today=today).row_count)
    for what in ("matched, the own registry kept", "matched again"):
        with timed(what) as rows:
            match_quarter(desk.engine, desk.settings, SHELL, quarter, today=today, area_id=town)
            with reading(desk.engine) as session:
                rows.append(session.scalar(select(func.sum(Snapshot.row_count))) or 0)
    with reading(desk.engine) as session:
        links = session.scalar(select(func.count()).select_from(PersonLink)) or 0
    timings.append(Timing(database, "links kept", links, 0.0))
    return timings


def report(timings: list[Timing], size: str, peak_mb: float, load: float) -> str:
    """The page of the documentation."""
    databases = list(dict.fromkeys(each.database for each in timings))
    lines = [
        "# A quarter of one township: measured",
        "",
        f"Written by `python -m tests.benchmarks.bench_quarter --size {size} --out docs/benchmarks/quarter.md`.",
        (
            f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} when it began; peak memory of the process "
            f"{peak_mb:,.0f} MB. Seconds on the clock. A hand-in reads, checks, seals and keeps a file; a matching "
            "opens the registers, looks addresses up, links, keeps the links, classifies, lays the items, commits."
        ),
        "",
        "| step | rows | " + " | ".join(f"{name}, s" for name in databases) + " |",
        "| --- | ---: |" + " ---: |" * len(databases),
    ]
    steps: dict[str, dict[str, Timing]] = {}
    for each in timings:
        steps.setdefault(each.what, {})[each.database] = each
    for what, by in steps.items():
        cells = " | ".join(f"{by[name].seconds:.1f}" if by[name].seconds else "–" for name in databases)
        lines.append(f"| {what} | {next(iter(by.values())).rows:,} | {cells} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", nargs="+", default=["spatialite", "postgis"])
    parser.add_argument("--size", default="township", choices=sorted(PLANS))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    load, timings = os.getloadavg()[0], []
    for database in asked.databases:
        with tempfile.TemporaryDirectory() as folder, desk_on(database, Path(folder)) as desk:
            timings += measure(desk, database, asked.size)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    page = report(timings, asked.size, peak_mb, load)
    if asked.out is not None:
        asked.out.write_text(page, encoding="utf-8")
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
