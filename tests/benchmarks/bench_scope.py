"""What the scope costs a box query on 300,000 addresses: the filter on both databases, and the fence on PostGIS.

``python -m tests.benchmarks.bench_scope [--addresses 300000] [--boxes 200] [--out docs/benchmarks/scope.md]``

The land is a lattice of 7 townships, 98 villages and 1,568 compounds with addresses spread evenly over it. The same
boxes, all inside one township, are asked for by who sees the whole district (no filter) and by who sees that township:
the answers are equal, the difference is the price of the scope. Medians over the boxes; every query in a session of its
own, as a request has it; resolving the scope and raising the fence are part of it.
"""

import argparse
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
from gis_service.storage.bulk import insert_frame
from gis_service.storage.engine import open_engine, reading, transaction
from gis_service.storage.schema import upgrade_schema
from gis_service.teams.fence import fence_session
from gis_service.teams.scope import scope_of
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


@dataclass(frozen=True)
class Cost:
    """Medians over the boxes of one side, in milliseconds."""

    points: int
    whole_ms: float
    scoped_ms: float


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
    ids = insert_frame(session, Address, addresses)
    home = compounds[y.astype(int), x.astype(int)]
    insert_frame(
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


def ask(engine: Engine, viewer: Viewer, box: Box) -> int:
    """One request: who, which part, the rows."""
    with reading(engine) as session:
        scope = scope_of(session, viewer, DAY)
        fence_session(session, scope)
        return len(points_in_box(session, scope, box)["id"])


def measure(engine: Engine, township: int, count: int, side: float) -> Cost:
    """Ask for every box as both viewers, in turn."""
    whole = Viewer("planner", Role.PLANNER, area_ids=None)
    scoped = Viewer("commander", Role.COMMANDER, area_ids=frozenset({township}))
    boxes = boxes_in_township(count, side)
    for box in boxes[:10]:  # connections and caches
        ask(engine, whole, box)
        ask(engine, scoped, box)
    taken: dict[str, list[float]] = {"whole": [], "scoped": []}
    points = []
    for box in boxes:
        found = []
        for name, viewer in (("whole", whole), ("scoped", scoped)):
            begun = time.perf_counter()
            found.append(ask(engine, viewer, box))
            taken[name].append((time.perf_counter() - begun) * 1000)
        assert found[0] == found[1], "a box inside the township holds nothing foreign"
        points.append(found[0])
    return Cost(round(statistics.median(points)), statistics.median(taken["whole"]), statistics.median(taken["scoped"]))


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


def cases(cleaning: ExitStack, count: int) -> Iterator[tuple[str, Engine, int]]:
    """Each database and fence, as a caption, an engine and the township."""
    folder = Path(cleaning.enter_context(tempfile.TemporaryDirectory()))
    engine, township = build(Settings(data_dir=folder), count)
    yield "SpatiaLite, filter", engine, township
    engine.dispose()
    cluster = cleaning.enter_context(private_cluster())
    settings = Settings(data_dir=folder, database_url=create_database(cluster, "scope"), database_role="gis_fenced")
    engine, township = build(settings, count)
    bare = open_engine(settings.model_copy(update={"database_role": ""}))
    yield "PostGIS, filter", bare, township
    bare.dispose()
    yield "PostGIS, filter and row-level security", engine, township
    set_leakproof(engine, on=False)
    engine.dispose()
    yield "PostGIS, the same without LEAKPROOF on `geometry_overlaps`", engine, township
    engine.dispose()


def page(rows: list[tuple[str, Cost]], count: int, boxes: int, command: str) -> str:
    lines = [
        "# What the scope costs a box query",
        "",
        f"`{command}`, {datetime.now(UTC).date()}, {platform.machine()}, Python {platform.python_version()}.",
        "",
        f"{count:,} addresses on {TOWNSHIPS} townships; {boxes} boxes inside one township, median milliseconds of a",
        "whole request to the database (scope resolved, fence raised, rows fetched). *Whole* is asked by who sees the",
        "district (no filter, no fence), *scoped* by who sees the township; both get the same rows.",
        "",
        "| database | points in the box | whole, ms | scoped, ms | the scope adds, ms |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(
            f"| {name} | {cost.points:,} | {cost.whole_ms:.1f} | {cost.scoped_ms:.1f} |"
            f" {cost.scoped_ms - cost.whole_ms:+.1f} |"
            for name, cost in rows
        ),
        "",
        "An operator that is not LEAKPROOF may not look at rows before the policy has: the spatial index is then of no",
        "use to a scoped session. The migration marks `geometry_overlaps` if it may; otherwise a superuser does once:",
        "`ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF`.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=300_000)
    parser.add_argument("--boxes", type=int, default=200)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows: list[tuple[str, Cost]] = []
    with ExitStack() as cleaning:
        for name, engine, township in cases(cleaning, given.addresses):
            for side in SIDES:
                boxes = given.boxes if "without" not in name else max(given.boxes // 10, 5)
                rows.append((name, measure(engine, township, boxes, side)))
                print(name, rows[-1][1], flush=True)  # noqa: T201 - what the command says
    command = f"python -m tests.benchmarks.bench_scope --addresses {given.addresses} --boxes {given.boxes}"
    text_of_page = page(rows, given.addresses, given.boxes, command)
    if given.out:
        given.out.write_text(text_of_page, encoding="utf-8")
    else:
        print(text_of_page)  # noqa: T201 - what the command says


if __name__ == "__main__":
    main()
