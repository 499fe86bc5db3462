"""Bulk imports of registrations: a township's year, and a whole district, on both databases.

``python -m tests.benchmarks.bench_registers [--databases spatialite postgis] [--district 400000] [--out FILE]``

The files are CSV as anybody exports them and go through the whole import: reading in the child process, checking
identity numbers, phones and days, comparing, sealing, writing, audit, commit. PostgreSQL is a private server
with its default settings.
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
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from gis_service.access.audit import attach_audit
from gis_service.access.personal import Vault
from gis_service.access.scope import Scope
from gis_service.addresses.actions import assign_addresses
from gis_service.demo.people import birth_days, days_before, home_counties, identity_numbers, names, phones
from gis_service.demo.write import write_table
from gis_service.errors import InvalidInputError
from gis_service.intake.actions import ImportOutcome, apply_import
from gis_service.registers.registrations.turnover import turnover_of_areas
from gis_service.settings import Settings
from gis_service.storage.engine import open_engine, reading
from gis_service.storage.schema import upgrade_schema
from gis_service.subjects import SUBJECTS
from tests.import_steps import Desk
from tests.private_postgres import create_database, private_cluster

STOCK, REGISTRATIONS, DEREGISTRATIONS = 32_900, 61_784, 66_672
"""A township's year (domain.md, Population): people at its beginning, who came, who left."""
ADDRESSES = 20_000
TODAY = np.datetime64("2026-11-22")
SEED = 20261123


@dataclass(frozen=True)
class Timing:
    database: str
    what: str
    rows: int
    seconds: float


def people(count: int, rng: np.random.Generator, prefix: str, earliest_days: float, latest_days: float) -> pd.DataFrame:
    """Registrations with valid identity numbers, at random addresses, of random days before today."""
    return pd.DataFrame(
        {
            "source_key": [f"{prefix}{n:07d}" for n in range(count)],
            "name": names(count, rng),
            "id_number": identity_numbers(home_counties(count, rng), birth_days(count, rng, TODAY, 34, 11), rng),
            "phone": phones(count, rng),
            "address_code": [f"A{n}" for n in rng.integers(0, ADDRESSES, count)],
            "registered_on": days_before(TODAY, rng.uniform(latest_days, earliest_days, count)),
        }
    )


def lay_addresses(desk: Desk) -> None:
    """The small district of the import tests, with many addresses."""
    desk.lay_areas(valid_from=date(2020, 1, 1))
    rng = np.random.default_rng(SEED)
    frame = pd.DataFrame(
        {
            "code": [f"A{n}" for n in range(ADDRESSES)],
            "text": [f"东一路{n}号" for n in range(ADDRESSES)],
            "lon": rng.uniform(121.41, 121.79, ADDRESSES).round(6),
            "lat": rng.uniform(29.81, 29.99, ADDRESSES).round(6),
            "point_source": "surveyed",
        }
    )
    path = desk.folder / "addresses.csv"
    frame.to_csv(path, index=False)
    desk.apply("addresses", path, crs="EPSG:4326")
    assign_addresses(desk.engine, desk.settings, desk.viewer, date(2020, 1, 1))


def measure(desk: Desk, database: str, district: int) -> list[Timing]:
    """All steps on one database."""
    rng = np.random.default_rng(SEED)
    timings: list[Timing] = []
    lay_addresses(desk)

    def step(what: str, rows: int, subject: str, path: Path) -> ImportOutcome:
        began = time.perf_counter()
        outcome = apply_import(desk.engine, desk.settings, desk.viewer, SUBJECTS[subject], path)
        timings.append(Timing(database, what, rows, time.perf_counter() - began))
        tell(timings[-1])
        return outcome

    stock, year = people(STOCK, rng, "P", 3_000, 366), people(REGISTRATIONS, rng, "Y", 365, 180)
    everybody = pd.concat([stock, year], ignore_index=True)
    leavers = everybody.iloc[rng.choice(len(everybody), DEREGISTRATIONS, replace=False)]
    left = pd.DataFrame(
        {
            "source_key": leavers["source_key"],
            "deregistered_on": days_before(TODAY, rng.uniform(0, 179, DEREGISTRATIONS)),
            "deregistration_reason": "离开本区",
        }
    )
    files = {name: desk.folder / f"{name}.csv" for name in ("stock", "year", "left", "bad", "district")}
    for name, frame in (("stock", stock), ("year", year), ("left", left), ("bad", with_faults(year))):
        write_table(files[name], frame)
    step("stock of the township", STOCK, "registrations", files["stock"])
    step("a year's registrations", REGISTRATIONS, "registrations", files["year"])
    assert step("a year's deregistrations", DEREGISTRATIONS, "deregistrations", files["left"]).counts["changed"] == len(
        left
    )
    again = step("the same registrations again", REGISTRATIONS, "registrations", files["year"])
    assert again.counts["unchanged"] == REGISTRATIONS, again.counts
    began = time.perf_counter()
    try:
        apply_import(desk.engine, desk.settings, desk.viewer, SUBJECTS["registrations"], files["bad"])
    except InvalidInputError as refusal:
        timings.append(
            Timing(database, f"refused: {len(refusal.faults)} faults told", REGISTRATIONS, time.perf_counter() - began)
        )
        tell(timings[-1])
    with reading(desk.engine) as session:
        began = time.perf_counter()
        figures = turnover_of_areas(session, Scope(date(2026, 11, 22), None), date(2025, 12, 1), date(2026, 11, 1))
        timings.append(Timing(database, "stock and flow, 12 months", len(figures), time.perf_counter() - began))
        tell(timings[-1])
    if district:
        write_table(files["district"], people(district, rng, "D", 3_000, 366))
        step("a district's registrations", district, "registrations", files["district"])
    return timings


def with_faults(frame: pd.DataFrame) -> pd.DataFrame:
    """Every tenth identity number mistyped, one address in a hundred unknown."""
    broken = frame.copy()
    ids = broken["id_number"].astype(str)
    wrong = ids.str[:16] + ids.str[16].map(lambda digit: str((int(digit) + 1) % 10)) + ids.str[17]
    broken["id_number"] = ids.where(np.arange(len(ids)) % 10 > 0, wrong)
    broken.loc[broken.index[::100], "address_code"] = "nowhere"
    return broken


def tell(timing: Timing) -> None:
    sys.stdout.write(f"{timing.database}: {timing.what}: {timing.rows:,} rows in {timing.seconds:.1f} s\n")
    sys.stdout.flush()


@contextmanager
def desk_on(database: str, folder: Path) -> Iterator[Desk]:
    """Somebody who imports into a fresh database."""
    if database == "spatialite":
        settings = Settings(data_dir=folder)
        yield from _desk(settings, folder)
        return
    with private_cluster() as cluster:
        yield from _desk(Settings(data_dir=folder, database_url=create_database(cluster, "bench")), folder)


def _desk(settings: Settings, folder: Path) -> Iterator[Desk]:
    engine = open_engine(settings)
    attach_audit(engine, Vault.load_or_create(settings), settings)
    upgrade_schema(engine)
    yield Desk(engine, settings, folder)
    engine.dispose()


def report(timings: list[Timing], peak_mb: float, load: float) -> str:
    """The page of the documentation."""
    rows: dict[tuple[str, int], dict[str, float]] = {(each.what, each.rows): {} for each in timings}
    for each in timings:
        rows[each.what, each.rows][each.database] = each.seconds
    databases = list(dict.fromkeys(each.database for each in timings))
    lines = [
        "# Importing registrations in bulk",
        "",
        "Written by `python -m tests.benchmarks.bench_registers --out docs/benchmarks/registers.md`.",
        (
            f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} when it began; peak memory of the process "
            f"{peak_mb:,.0f} MB. Seconds on the clock, from the CSV file to the commit: reading in the child process, "
            "checks of identity numbers, phones and days, comparison with what is there, sealing, indexes, audit."
        ),
        "",
        (
            f"A township's year is {REGISTRATIONS:,} registrations and {DEREGISTRATIONS:,} deregistrations "
            f"on a stock of {STOCK:,}."
        ),
        "",
        "| step | rows | " + " | ".join(f"{name}, s" for name in databases) + " |",
        "| --- | ---: |" + " ---: |" * len(databases),
    ]
    for (what, count), seconds in rows.items():
        cells = " | ".join(f"{seconds[name]:.1f}" if name in seconds else "—" for name in databases)
        lines.append(f"| {what} | {count:,} | {cells} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", nargs="+", default=["spatialite", "postgis"])
    parser.add_argument("--district", type=int, default=400_000)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    load, timings = os.getloadavg()[0], []
    for database in asked.databases:
        with tempfile.TemporaryDirectory() as folder, desk_on(database, Path(folder)) as desk:
            timings += measure(desk, database, asked.district)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    page = report(timings, peak_mb, load)
    if asked.out is not None:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(page, encoding="utf-8")
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
