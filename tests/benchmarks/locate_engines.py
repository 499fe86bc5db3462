"""One engine locating one set of points, alone in its process so that its peak memory is its own.

``python -m tests.benchmarks.locate_engines ENGINE FOLDER POINTS`` reads ``areas.parquet`` and ``points_POINTS.npy``
from the folder, writes the owners to ``owners_ENGINE_POINTS.npy`` and prints time and memory as JSON.

What is timed starts from areas as a GeoDataFrame and points as two float64 arrays in memory, and ends with the result
in memory. Imports, connections, loading of extensions and of compiled code are not timed. PostGIS is given its points
as an analysed table of geometries, untimed; its index on the areas and the join, into a table, are timed, and its
memory is that of the server's processes.
"""

import json
import math
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Self, TypeVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import psutil
import psycopg
import pyarrow as pa
import pyarrow.csv
import shapely

from layers.locate import AMBIGUOUS, OUTSIDE, AreaLocator
from tests.private_postgres import Cluster, create_database, private_cluster

ENOUGH_S: Final = 5.0
"""Every engine repeats until it has used so much time, so that what else the machine does meets all alike; its best
counts."""

T = TypeVar("T")
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Pairs(NamedTuple):
    """Point and area of every containment found."""

    point: IntArray
    area: IntArray


class Measured(NamedTuple):
    """Wall-clock and processor seconds of the best run (these of all threads; NaN when a server did the work)."""

    seconds: float
    cpu_s: float
    owner: npt.NDArray[np.int32]
    server_peak_mb: float = 0.0


def best_of(run: Callable[[], T]) -> tuple[float, float, T]:
    """Least wall-clock and least processor seconds of some runs, and a result."""
    took: list[tuple[float, float]] = []
    while True:
        start, cpu_start = time.perf_counter(), time.process_time()
        result = run()
        took.append((time.perf_counter() - start, time.process_time() - cpu_start))
        wall, cpu = zip(*took, strict=True)
        if sum(wall) > ENOUGH_S:
            return min(wall), min(cpu), result
        del result


def owners_of(pairs: Pairs, points: int) -> npt.NDArray[np.int32]:
    """Owner of each point, from pairs."""
    count = np.bincount(pairs.point, minlength=points)
    owner = np.full(points, OUTSIDE, np.int32)
    owner[pairs.point] = pairs.area
    owner[count > 1] = AMBIGUOUS
    return owner


def gis_service(areas: gpd.GeoDataFrame, x: FloatArray, y: FloatArray, folder: Path) -> Measured:
    AreaLocator.build([shapely.box(0, 0, 1, 1)], ["a"]).locate([0.0, 0.5], [0.0, 0.5])
    keys = areas["code"].to_list()
    seconds, cpu_s, found = best_of(
        lambda: AreaLocator.build(areas.geometry, keys, expected_points=len(x)).locate(x, y)
    )
    np.save(folder / f"on_boundary_{len(x)}.npy", found.on_boundary)
    return Measured(seconds, cpu_s, found.owner)


def geopandas(areas: gpd.GeoDataFrame, x: FloatArray, y: FloatArray, _folder: Path) -> Measured:
    def join() -> Pairs:
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y, crs=areas.crs))
        joined = gpd.sjoin(points, areas, how="inner", predicate="within")
        return Pairs(joined.index.to_numpy(), joined["row"].to_numpy())

    seconds, cpu_s, pairs = best_of(join)
    return Measured(seconds, cpu_s, owners_of(pairs, len(x)))


def sedonadb_(areas: gpd.GeoDataFrame, x: FloatArray, y: FloatArray, _folder: Path) -> Measured:
    import sedonadb

    session = sedonadb.connect()
    planar = areas[["row", "geometry"]].set_crs(None, allow_override=True)

    def join() -> Pairs:
        session.create_data_frame(planar).to_view("areas", overwrite=True)
        points = pa.table({"point": np.arange(len(x)), "x": x, "y": y})
        session.create_data_frame(points).to_view("points", overwrite=True)
        query = "SELECT point, row FROM points JOIN areas ON ST_Contains(areas.geometry, ST_Point(x, y))"
        found = pa.table(session.sql(query))
        return Pairs(found["point"].to_numpy(), found["row"].to_numpy())

    seconds, cpu_s, pairs = best_of(join)
    return Measured(seconds, cpu_s, owners_of(pairs, len(x)))


def duckdb_(areas: gpd.GeoDataFrame, x: FloatArray, y: FloatArray, _folder: Path) -> Measured:
    import duckdb
    import duckdb_extension_spatial

    extension = next(Path(duckdb_extension_spatial.__file__).parent.rglob("spatial.duckdb_extension"))
    connection = duckdb.connect()
    connection.execute(f"LOAD '{extension}'")

    def join() -> Pairs:
        wkb = pa.table({"row": areas["row"].to_numpy(), "wkb": pa.array(shapely.to_wkb(areas.geometry.to_numpy()))})
        connection.register("areas_wkb", wkb)
        connection.register("points", pa.table({"point": np.arange(len(x)), "x": x, "y": y}))
        connection.execute(
            "CREATE OR REPLACE TABLE areas AS SELECT row, ST_GeomFromWKB(wkb) AS geometry FROM areas_wkb"
        )
        query = "SELECT point, row FROM points JOIN areas ON ST_Contains(areas.geometry, ST_Point(x, y))"
        found = connection.execute(query).fetchnumpy()
        return Pairs(found["point"], found["row"])

    seconds, cpu_s, pairs = best_of(join)
    return Measured(seconds, cpu_s, owners_of(pairs, len(x)))


def postgis(areas: gpd.GeoDataFrame, x: FloatArray, y: FloatArray, _folder: Path) -> Measured:
    with private_cluster() as cluster:
        create_database(cluster, "locate")
        with cluster.connect("locate") as connection, _ServerMemory(cluster) as memory:
            _fill_tables(connection, areas, x, y)

            def join() -> None:
                connection.execute("DROP INDEX IF EXISTS areas_geometry")
                connection.execute("CREATE INDEX areas_geometry ON areas USING gist (geometry)")
                connection.execute("DROP TABLE IF EXISTS found")
                connection.execute(
                    "CREATE UNLOGGED TABLE found AS SELECT points.point, areas.row FROM points "
                    "JOIN areas ON ST_Contains(areas.geometry, points.geometry)"
                )

            seconds, _, _ = best_of(join)
        with (
            cluster.connect("locate") as connection,
            connection.cursor() as cursor,
            cursor.copy("COPY found TO STDOUT (FORMAT csv)") as copy,
        ):
            text = b"".join(copy)
    columns = pa.csv.ReadOptions(column_names=["point", "row"])
    found = pa.csv.read_csv(pa.BufferReader(text), read_options=columns)
    pairs = Pairs(found["point"].to_numpy(), found["row"].to_numpy())
    return Measured(seconds, math.nan, owners_of(pairs, len(x)), memory.peak_mb)


def _fill_tables(connection: psycopg.Connection, areas: gpd.GeoDataFrame, x: FloatArray, y: FloatArray) -> None:
    cores = len(psutil.Process().cpu_affinity())
    connection.execute(f"SET max_parallel_workers_per_gather = {cores}")
    connection.execute("SET work_mem = '512MB'; SET maintenance_work_mem = '512MB'; SET jit = off")
    connection.execute("CREATE UNLOGGED TABLE areas (row int, geometry geometry)")
    connection.execute("CREATE UNLOGGED TABLE coordinates (point int, x float8, y float8)")
    with connection.cursor() as cursor:
        with cursor.copy("COPY areas FROM STDIN") as copy:
            for row, wkb in zip(areas["row"], shapely.to_wkb(areas.geometry.to_numpy(), hex=True), strict=True):
                copy.write_row((row, wkb))
        with cursor.copy("COPY coordinates FROM STDIN (FORMAT csv)") as copy:
            for low in range(0, len(x), 500_000):
                piece = slice(low, low + 500_000)
                table = pa.table({"point": np.arange(len(x))[piece], "x": x[piece], "y": y[piece]})
                text = pa.BufferOutputStream()
                pa.csv.write_csv(table, text, pa.csv.WriteOptions(include_header=False))
                copy.write(text.getvalue().to_pybytes())
    connection.execute("CREATE UNLOGGED TABLE points AS SELECT point, ST_MakePoint(x, y) AS geometry FROM coordinates")
    connection.execute("DROP TABLE coordinates")
    connection.execute("VACUUM ANALYZE")


class _ServerMemory:
    """Peak of the memory that a server's processes hold for themselves and share, sampled."""

    def __init__(self, cluster: Cluster) -> None:
        self._server = psutil.Process(cluster.server_pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.peak_mb = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            held = 0
            for process in (self._server, *self._server.children(recursive=True)):
                try:
                    memory = process.memory_full_info()
                except psutil.Error:
                    continue
                held += memory.pss
            self.peak_mb = max(self.peak_mb, held / 2**20)


ENGINES: Final = {
    "gis-service": gis_service,
    "geopandas.sjoin": geopandas,
    "SedonaDB": sedonadb_,
    "DuckDB spatial": duckdb_,
    "PostGIS": postgis,
}


def main(engine: str, folder: Path, points: int) -> None:
    areas = gpd.read_parquet(folder / "areas.parquet")
    x, y = np.load(folder / f"points_{points}.npy")
    measured = ENGINES[engine](areas, x, y, folder)
    peak_mb = measured.server_peak_mb or own_peak_mb()
    np.save(folder / f"owners_{engine}_{points}.npy", measured.owner)
    report = {"seconds": measured.seconds, "cpu_s": measured.cpu_s, "peak_mb": peak_mb}
    sys.stdout.write(json.dumps(report) + "\n")


def own_peak_mb() -> float:
    """Peak resident memory since this program began (``ru_maxrss`` would count the one that started it too)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 2**10


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
