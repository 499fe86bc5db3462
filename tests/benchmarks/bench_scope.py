"""What the scope costs a box query on 300,000 addresses: the filter on both databases, and the fence on PostGIS.

``python -m tests.benchmarks.bench_scope [--addresses 300000] [--boxes 200] [--out docs/benchmarks/scope.md]``

The land is a lattice of 7 townships, 98 villages and 1,568 compounds with addresses spread evenly over it. The same
boxes, all inside one township, are asked for in turn by who sees the whole district (no filter), by who sees that
township (filter), and by the same behind the fence: the answers are equal, the differences are the prices. Medians over
the boxes; every query in a session of its own, as a request has it; resolving the scope and raising the fence are part
of it.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gis_service.access.permissions import Role
from gis_service.access.viewer import Viewer
from gis_service.addresses.queries import points_in_box
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.tables import Area, AreaVersion
from gis_service.settings import Settings
from gis_service.storage.boxes import Box
from gis_service.storage.bulk import insert_frame, reserve_ids
from gis_service.storage.bulk_load import load_frame
from gis_service.storage.engine import open_engine, reading, transaction
from gis_service.storage.schema import upgrade_schema
from gis_service.teams.fence import fenced_scope
from tests.private_postgres import create_database, private_cluster

SEED: Final = 20261123
DAY: Final = date(2026, 11, 1)
START: Final = date(2024, 1, 1)
WEST, SOUTH, STEP = 121.4, 29.9, 0.004
#: townships, villages in each across and up, compounds in each village across and up
TOWNSHIPS, VILLAGES, COMPOUNDS = 7, (2, 7), (4, 4)
TOWNSHIP_WIDTH: Final = VILLAGES[0] * COMPOUNDS[0]
HEIGHT: Final = VILLAGES[1] * COMPOUNDS[1]
#: sides of the boxes, in compounds; the first holds about a screen at the zoom where points are drawn
SIDES: Final = (0.5, 2.0, 6.0)
WARMING: Final = 10
#: the ways of asking
NONE, FILTER, FENCE = "no filter", "filter", "filter and fence"


@dataclass(frozen=True)
class Asker:
    """Somebody who asks, and the engine on which: with the fence or without."""

    engine: Engine
    viewer: Viewer


@dataclass(frozen=True)
class Cost:
    """The points in the boxes of one side, and what each way of asking takes: medians over the boxes."""

    points: int
    taken_ms: dict[str, float]


def lay_land(session: Session) -> tuple[np.ndarray, int]:
    """Lay the lattice; return the compounds' ids by column and row, and the id of the township in the middle."""
    rows: list[tuple[str, str, int | None, tuple[float, float, float, float]]] = []
    width = TOWNSHIPS * TOWNSHIP_WIDTH
    rows.append(("district", "D", None, (0, 0, width, HEIGHT)))
    rows += [
        ("township", f"T{t}", 0, (t * TOWNSHIP_WIDTH, 0, (t + 1) * TOWNSHIP_WIDTH, HEIGHT)) for t in range(TOWNSHIPS)
    ]
    across = TOWNSHIPS * VILLAGES[0]
    for v in range(across * VILLAGES[1]):
        column, row = v % across, v // across
        west, south = column * COMPOUNDS[0], row * COMPOUNDS[1]
        box = (west, south, west + COMPOUNDS[0], south + COMPOUNDS[1])
        rows.append(("village", f"V{v}", 1 + column // VILLAGES[0], box))
    first_village, first_compound = 1 + TOWNSHIPS, 1 + TOWNSHIPS + across * VILLAGES[1]
    for c in range(width * HEIGHT):
        column, row = c % width, c // width
        village = first_village + row // COMPOUNDS[1] * across + column // COMPOUNDS[0]
        rows.append(("compound", f"C{c}", village, (column, row, column + 1, row + 1)))
    ids = insert_frame(session, Area, pd.DataFrame({"level": [level for level, *_ in rows]}))
    boxes = np.array([box for *_, box in rows]) * STEP + np.array([WEST, SOUTH, WEST, SOUTH])
    shapes = shapely.multipolygons([[shape] for shape in shapely.box(*boxes.T)])
    versions = pd.DataFrame(
        {
            "area_id": ids,
            "code": [code for _, code, *_ in rows],
            "name": [code for _, code, *_ in rows],
            "parent_id": pd.array([pd.NA if p is None else int(ids[p]) for _, _, p, _ in rows], dtype="Int64"),
            "geom": shapes,
            "source": "lattice",
            "recorded_at": datetime(2024, 1, 1),  # noqa: DTZ001 - the column holds UTC without a zone
            "valid_from": START,
        }
    )
    insert_frame(session, AreaVersion, versions)
    return ids[first_compound:].reshape(HEIGHT, width), int(ids[1 + TOWNSHIPS // 2])


def lay_addresses(session: Session, compounds: np.ndarray, count: int) -> None:
    """Spread addresses evenly, each placed in its compound."""
    rng = np.random.default_rng(SEED)
    height, width = compounds.shape
    x, y = rng.uniform(0, width, count), rng.uniform(0, height, count)
    addresses = pd.DataFrame(
        {
            "code": [f"A{number}" for number in range(count)],
            "text": "x",
            "point_source": "surveyed",
            "geom": shapely.points(WEST + x * STEP, SOUTH + y * STEP),
        }
    )
    ids = reserve_ids(session, Address, count)
    load_frame(session, Address, addresses.assign(id=ids))
    home = compounds[y.astype(int), x.astype(int)]
    load_frame(
        session,
        Placement,
        pd.DataFrame({"address_id": ids, "area_id": home, "home_area_id": home, "valid_from": START}),
    )


def boxes_in_township(count: int, side: float) -> list[Box]:
    """Boxes of so many compounds' side inside the township in the middle."""
    rng = np.random.default_rng(SEED)
    west = TOWNSHIPS // 2 * TOWNSHIP_WIDTH + rng.uniform(0, TOWNSHIP_WIDTH - side, count)
    south = rng.uniform(0, HEIGHT - side, count)
    corners = np.column_stack([west, south, west + side, south + side]) * STEP + [WEST, SOUTH, WEST, SOUTH]
    return [(float(a), float(b), float(c), float(d)) for a, b, c, d in corners]


def ask(asker: Asker, box: Box) -> int:
    """One request: who, which part, the rows."""
    with reading(asker.engine) as session:
        scope = fenced_scope(session, asker.viewer, DAY)
        return len(points_in_box(session, scope, box)["id"])


def measure(askers: dict[str, Asker], boxes: list[Box]) -> Cost:
    """Ask for every box in every way, in turn."""
    for box in boxes[:WARMING]:  # connections, plans and caches
        for asker in askers.values():
            ask(asker, box)
    taken: dict[str, list[float]] = {name: [] for name in askers}
    points = []
    for box in boxes:
        found = []
        for name, asker in askers.items():
            begun = time.perf_counter()
            found.append(ask(asker, box))
            taken[name].append((time.perf_counter() - begun) * 1000)
        assert len(set(found)) == 1, "a box inside the township holds nothing foreign"
        points.append(found[0])
    return Cost(round(statistics.median(points)), {name: statistics.median(ms) for name, ms in taken.items()})


def build(settings: Settings, count: int) -> tuple[Engine, int]:
    """Lay the district into an empty database."""
    engine = open_engine(settings)
    upgrade_schema(engine)
    with transaction(engine) as session:
        compounds, township = lay_land(session)
        lay_addresses(session, compounds, count)
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    return engine, township


def set_leakproof(engine: Engine, *, on: bool) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(f"ALTER FUNCTION geometry_overlaps(geometry, geometry) {'' if on else 'NOT'} LEAKPROOF")
        )


def costs(cleaning: ExitStack, count: int, boxes: int) -> Iterator[tuple[str, Cost]]:
    """Each database and side of box, as a caption and its cost."""
    folder = Path(cleaning.enter_context(tempfile.TemporaryDirectory()))
    engine, township = build(Settings(data_dir=folder), count)
    whole = Viewer("planner", Role.PLANNER, area_ids=None)
    scoped = Viewer("commander", Role.COMMANDER, area_ids=frozenset({township}))
    asked = {side: boxes_in_township(boxes, side) for side in SIDES}
    for side in SIDES:
        yield "SpatiaLite", measure({NONE: Asker(engine, whole), FILTER: Asker(engine, scoped)}, asked[side])
    engine.dispose()
    cluster = cleaning.enter_context(private_cluster())
    settings = Settings(data_dir=folder, database_url=create_database(cluster, "scope"))
    engine, township = build(settings, count)
    bare = open_engine(settings.model_copy(update={"database_role": ""}))
    scoped = Viewer("commander", Role.COMMANDER, area_ids=frozenset({township}))
    askers = {NONE: Asker(bare, whole), FILTER: Asker(bare, scoped), FENCE: Asker(engine, scoped)}
    for side in SIDES:
        yield "PostGIS", measure(askers, asked[side])
    set_leakproof(engine, on=False)
    engine.dispose()
    bare.dispose()
    few = max(boxes // 10, 5)
    yield "PostGIS, `geometry_overlaps` not LEAKPROOF", measure(askers, asked[SIDES[0]][:few])
    engine.dispose()
    bare.dispose()


def page(rows: list[tuple[str, Cost]], count: int, command: str, load: float) -> str:
    """What was measured, as the page says it."""
    lines = [
        "# What the scope costs a box query",
        "",
        f"Written by `{command}`.",
        f"{datetime.now(UTC).date()}, {platform.machine()}, {os.cpu_count()} cores, load {load:.1f} when it began;",
        f"Python {platform.python_version()}, database on the same machine, everything in memory.",
        "",
        f"{count:,} addresses in {TOWNSHIPS} townships; boxes inside one township, median milliseconds of what a",
        "request asks of the database: whose scope, (the fence,) the rows. *No filter* is asked by who sees the",
        "district, *filter* by who sees the township, *filter and fence* by the same behind row-level security; all",
        "get the same rows.",
        "",
        "| database | points in box | no filter, ms | filter, ms | filter and fence, ms | filter adds | fence adds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, cost in rows:
        none, scoped, fenced = (cost.taken_ms.get(way) for way in (NONE, FILTER, FENCE))
        assert none is not None
        assert scoped is not None
        cells = [f"{none:.1f}", f"{scoped:.1f}", "" if fenced is None else f"{fenced:.1f}", f"{scoped - none:+.1f}"]
        cells.append("" if fenced is None else f"{fenced - scoped:+.1f}")
        lines.append(f"| {name} | {cost.points:,} | {' | '.join(cells)} |")
    lines += [
        "",
        "An operator that is not LEAKPROOF may not look at rows before the policy has: the spatial index is then of",
        "no use to a scoped session. `gis-service db upgrade` marks `geometry_overlaps` if it may; otherwise it says",
        "what a superuser does once. `tests/integration/test_fence.py` asserts the plan.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Build, measure, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=300_000)
    parser.add_argument("--boxes", type=int, default=200)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    load = os.getloadavg()[0]
    rows: list[tuple[str, Cost]] = []
    with ExitStack() as cleaning:
        for row in costs(cleaning, given.addresses, given.boxes):
            rows.append(row)
            print(*row, flush=True)  # noqa: T201 - what the command says
    command = f"python -m tests.benchmarks.bench_scope --addresses {given.addresses} --boxes {given.boxes}"
    text_of_page = page(rows, given.addresses, command, load)
    if given.out:
        given.out.write_text(text_of_page, encoding="utf-8")
    else:
        print(text_of_page)  # noqa: T201 - what the command says


if __name__ == "__main__":
    main()
