"""Locating points: ours beside geopandas, SedonaDB, DuckDB spatial and PostGIS, on Keelung and on a synthetic district.

``python -m tests.benchmarks.bench_locate [--sizes 100000 1000000] [--datasets synthetic] [--cap-s 900] [--out FILE]``

Every engine runs in its own process, one after the other, with all cores; see ``locate_engines`` for what is timed. An
engine that exceeds the cap is shown as slower than the cap, its ratio as a lower bound. Answers are compared point by
point, points on a boundary apart (engines hold different views on these: none contains them, or all do). On a machine
that others use too, the ratio of processor seconds is the steadier one.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

OURS: Final = "gis-service"
PEERS: Final = ("geopandas.sjoin", "SedonaDB", "DuckDB spatial", "PostGIS")
SIZES: Final = (100_000, 1_000_000, 10_000_000)
SEED: Final = 20261122
JITTER_DEG: Final = 1e-4
TILES_ACROSS: Final = 45
HALVINGS: Final = 5
WIGGLE: Final = 0.1
"""Sideways displacement of the middle of a piece of border, as share of its length."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    dataset: str
    points: int
    engine: str
    seconds: float
    cpu_s: float
    peak_mb: float
    capped: bool
    disagreements: int | None


def keelung(folder: Path) -> tuple[gpd.GeoDataFrame, Points]:
    """Smallest areas and address points of a real city."""
    areas = gpd.read_file(folder / "keelung" / "areas.gpkg", layer="compound")
    addresses = pd.read_csv(folder / "keelung" / "addresses.csv.gz", usecols=["lon", "lat"])
    return areas, addresses[["lon", "lat"]].to_numpy().T


def repeated_with_jitter(points: Points, count: int) -> Points:
    """So many points drawn from the given ones, each moved by some ten metres."""
    rng = np.random.default_rng(SEED)
    chosen = rng.integers(0, points.shape[1], count)
    return points[:, chosen] + rng.normal(0.0, JITTER_DEG, (2, count))


def synthetic_district() -> gpd.GeoDataFrame:
    """About 2,000 areas with wiggly borders that neighbours share to the last bit, of 128 vertices each."""
    rng = np.random.default_rng(SEED)
    steps = np.arange(TILES_ACROSS + 1)
    nodes = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1) + rng.uniform(-0.2, 0.2, (46, 46, 2))
    nodes = np.array([121.4, 29.9]) + nodes * np.array([0.4, 0.3]) / TILES_ACROSS
    eastward = _wiggly(nodes[:-1, :], nodes[1:, :], rng)
    northward = _wiggly(nodes[:, :-1], nodes[:, 1:], rng)
    rings = np.concatenate(
        [
            eastward[:, :-1, :-1],
            northward[1:, :, :-1],
            eastward[:, 1:, :0:-1],
            northward[:-1, :, ::-1],
        ],
        axis=2,
    ).reshape(TILES_ACROSS**2, -1, 2)
    shapes = shapely.polygons(rings)
    if not shapely.is_valid(shapes).all():
        raise ValueError("the wiggly borders cross each other: choose another seed or less wiggle")
    codes = [f"{row:06}" for row in range(len(shapes))]
    return gpd.GeoDataFrame({"code": codes}, geometry=shapes, crs="EPSG:4326")


def _wiggly(start: Points, end: Points, rng: np.random.Generator) -> Points:
    """Lines from start to end, (..., 2^HALVINGS + 1, 2): the middle of every piece moved sideways, again and again."""
    line = np.stack([start, end], axis=-2)
    for _ in range(HALVINGS):
        along = np.diff(line, axis=-2)
        sideways = np.stack([-along[..., 1], along[..., 0]], axis=-1)
        middle = line[..., :-1, :] + along / 2 + sideways * rng.uniform(-WIGGLE, WIGGLE, (*along.shape[:-1], 1))
        longer = np.empty((*line.shape[:-2], 2 * line.shape[-2] - 1, 2))
        longer[..., ::2, :], longer[..., 1::2, :] = line, middle
        line = longer
    return line


def points_around(areas: gpd.GeoDataFrame, count: int) -> Points:
    """Even over the bounds and a little beyond."""
    west, south, east, north = areas.total_bounds
    rng = np.random.default_rng(SEED)
    beyond = 0.02
    x = rng.uniform(west - beyond * (east - west), east + beyond * (east - west), count)
    y = rng.uniform(south - beyond * (north - south), north + beyond * (north - south), count)
    return np.stack([x, y])


def measure(dataset: str, folder: Path, points: int, engines: Sequence[str], cap_s: float) -> list[Run]:
    """Run the engines one after the other; compare their answers with ours."""
    runs = []
    for engine in engines:
        sys.stderr.write(f"{dataset}, {points:,} points, {engine}: ")
        sys.stderr.flush()
        command = [sys.executable, "-m", "tests.benchmarks.locate_engines", engine, str(folder), str(points)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=cap_s)
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"more than {cap_s:.0f} s\n")
            runs.append(Run(dataset, points, engine, cap_s, math.nan, math.nan, capped=True, disagreements=None))
            continue
        except subprocess.CalledProcessError as failed:
            raise RuntimeError(f"{engine} failed on {dataset}: {failed.stderr[-2000:]}") from failed
        report = json.loads(done.stdout.splitlines()[-1])
        sys.stderr.write(f"{report['seconds']:.3f} s\n")
        disagreements = _disagreements(folder, engine, points)
        runs.append(
            Run(dataset, points, engine, report["seconds"], report["cpu_s"], report["peak_mb"], False, disagreements)
        )
    return runs


def _disagreements(folder: Path, engine: str, points: int) -> int:
    ours = np.load(folder / f"owners_{OURS}_{points}.npy")
    theirs = np.load(folder / f"owners_{engine}_{points}.npy")
    on_boundary = np.load(folder / f"on_boundary_{points}.npy")
    return int(((ours != theirs) & ~on_boundary).sum())


def table(runs: Sequence[Run]) -> str:
    """Markdown: one line a run, and the ratio to the fastest peer for each dataset and size."""
    lines = [
        "| data | points | engine | seconds | × ours | CPU s | × ours | peak MB | disagreements |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    summary = ["", "| data | points | fastest peer | ours is faster by |", "|---|---:|---|---:|"]
    groups: dict[tuple[str, int], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.dataset, run.points), []).append(run)
    for (dataset, points), group in groups.items():
        ours = next(run for run in group if run.engine == OURS)
        for run in group:
            more = "> " if run.capped else ""
            cpu = "|" if math.isnan(run.cpu_s) else f"{run.cpu_s:.3f} | {run.cpu_s / ours.cpu_s:.1f}"
            memory = "" if run.capped else f"{run.peak_mb:,.0f}"
            differ = "" if run.disagreements is None else f"{run.disagreements}"
            lines.append(
                f"| {dataset} | {points:,} | {run.engine} | {more}{run.seconds:.3f} "
                f"| {more}{run.seconds / ours.seconds:.1f} | {cpu} | {memory} | {differ} |"
            )
        peers = [run for run in group if run.engine != OURS]
        if peers:
            fastest = min(peers, key=lambda run: run.seconds)
            more = "> " if fastest.capped else ""
            summary.append(
                f"| {dataset} | {points:,} | {fastest.engine} | {more}{fastest.seconds / ours.seconds:.1f} × |"
            )
    return "\n".join([*lines, *summary]) + "\n"


def conditions() -> str:
    """Where and under which load the figures were taken."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    cores = len(os.sched_getaffinity(0))
    when = datetime.now(UTC).date().isoformat()
    return (
        "# Points located beside four peers\n\n"
        "Made by `python -m tests.benchmarks.bench_locate --out docs/benchmarks/locate.md`: the index is built and\n"
        "every point located, each engine in a process of its own that repeats for five seconds; its best counts.\n"
        f"{when}, {cores} cores, Python {platform.python_version()}, load average of the machine before: {load}\n\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--datasets", nargs="+", choices=("keelung", "synthetic"), default=("keelung", "synthetic"))
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--cap-s", type=float, default=900.0)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("GIS_TEST_DATA", "../shared/data")))
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    text = conditions()
    runs: list[Run] = []
    for dataset in chosen.datasets:
        areas, addresses = keelung(chosen.data) if dataset == "keelung" else (synthetic_district(), None)
        areas["row"] = np.arange(len(areas))
        with tempfile.TemporaryDirectory(prefix="bench-locate-") as name:
            folder = Path(name)
            areas[["code", "row", "geometry"]].to_parquet(folder / "areas.parquet")
            for count in chosen.sizes:
                points = points_around(areas, count) if addresses is None else repeated_with_jitter(addresses, count)
                np.save(folder / f"points_{count}.npy", points)
                del points
                runs += measure(dataset, folder, count, (OURS, *chosen.peers), chosen.cap_s)
    text += table(runs)
    sys.stdout.write(text)
    if chosen.out is not None:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
