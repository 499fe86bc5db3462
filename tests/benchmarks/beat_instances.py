"""Instances for drawing beats: made-up districts of any size, and the real tiling with its door plates."""

import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial import Voronoi

from layers.districting import UnitGraph, unit_graph

MIGRANTS_PER_UNIT = 178  # 357,000 migrants in 2,000 compounds
SIDE_M = 20_000.0
KEELUNG_METRIC_CRS = "EPSG:3826"


@dataclass(frozen=True)
class Instance:
    """A graph and, for drawing and for peers that need geometry, a point for each unit (metres)."""

    name: str
    graph: UnitGraph
    points_m: npt.NDArray[np.float64]


def made_up(units: int, beats: int, seed: int) -> Instance:
    """Random compounds on a square: cells of random points, lognormal loads, two huge ones of nearly a beat each."""
    rng = np.random.default_rng(seed)
    points = rng.random((units, 2)) * SIDE_M
    loads = rng.lognormal(0.0, 0.8, units)
    loads *= MIGRANTS_PER_UNIT / loads.mean()
    huge = rng.choice(units, 2, replace=False)
    loads[huge] = np.array([0.75, 0.9]) * MIGRANTS_PER_UNIT * units / beats
    edges, length = _borders(points)
    graph = unit_graph(np.maximum(np.rint(loads), 1).astype(np.int64), edges, border_m=length)
    return Instance(f"made up, {units} units, seed {seed}", graph, points)


def drifted(instance: Instance, beats: int, seed: int, drift: float = 0.25) -> Instance:
    """The same compounds after a year: every load times a lognormal factor of that spread; none outgrows one beat."""
    rng = np.random.default_rng(seed)
    graph = instance.graph
    loads = graph.loads * rng.lognormal(0.0, drift, graph.units)
    loads = np.minimum(np.rint(loads), 0.95 * loads.sum() / beats).astype(np.int64)
    lower, higher, length = graph.pairs()
    moved = unit_graph(loads, np.column_stack([lower, higher]), border_m=length)
    return Instance(f"{instance.name}, drifted", moved, instance.points_m)


def _borders(points_m: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Pairs of units whose cells touch, with the length of the common side (mirror points close the cells)."""
    mirrored = [points_m]
    for axis in (0, 1):
        for line in (0.0, SIDE_M):
            image = points_m.copy()
            image[:, axis] = 2 * line - image[:, axis]
            mirrored.append(image)
    cells = Voronoi(np.vstack(mirrored))
    pairs = cells.ridge_points
    ends = np.array(cells.ridge_vertices)
    inner = (pairs < len(points_m)).all(axis=1)
    sides = cells.vertices[ends[inner]]
    return pairs[inner].astype(np.int64), np.hypot(*(sides[:, 0] - sides[:, 1]).T)


def real_data_folder() -> Path:
    """Where the real data lies: GIS_TEST_DATA, or `../shared/data` beside the project."""
    return Path(os.environ.get("GIS_TEST_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")).resolve()


def load_graph(file: Path) -> Instance:
    """A graph file of one's own: `.npz` with `loads` (n,), `edges` (m, 2) and, if known, `border_m`, `points_m`."""
    arrays = np.load(file)
    border_m = arrays.get("border_m")
    graph = unit_graph(arrays["loads"], arrays["edges"], border_m=border_m)
    points = arrays["points_m"] if "points_m" in arrays else np.zeros((graph.units, 2))
    return Instance(file.name, graph, points)


def keelung(*, within: str | None = None) -> Instance:
    """Compounds of the real tiling with their door plates as load; ``within`` (village, township) keeps beats inside.

    Touching polygons are neighbours, with the length of the common border; a bridge joins an island to the nearest one.
    """
    import geopandas as gpd
    import pandas as pd

    folder = real_data_folder() / "keelung"
    compounds = gpd.read_file(folder / "areas.gpkg", layer="compound").to_crs(KEELUNG_METRIC_CRS)
    with gzip.open(folder / "addresses.csv.gz", "rt", encoding="utf-8") as file:
        plates = pd.read_csv(file, usecols=["lon", "lat"])
    points = gpd.GeoSeries(gpd.points_from_xy(plates["lon"], plates["lat"]), crs="EPSG:4326").to_crs(KEELUNG_METRIC_CRS)
    inside, owner = compounds.sindex.query(points, predicate="intersects")
    owner = owner[np.unique(inside, return_index=True)[1]]
    loads = np.bincount(owner, minlength=len(compounds))
    shapes = compounds.geometry.to_numpy()
    one, other = compounds.sindex.query(compounds.geometry, predicate="intersects")
    once = one < other
    one, other = one[once], other[once]
    length = gpd.GeoSeries(shapes[one]).buffer(0.5).intersection(gpd.GeoSeries(shapes[other])).area.to_numpy() / 0.5
    edges = np.column_stack([one, other])[length > 1]
    villages = compounds["parent_code"].astype(str)
    groups = {None: None, "village": villages, "township": villages.str[:7]}[within]
    numbers = None if groups is None else pd.factorize(groups)[0]
    centres = np.column_stack([compounds.centroid.x, compounds.centroid.y])
    bridges = _bridges(unit_graph(np.maximum(loads, 0), edges, groups=numbers), centres)
    graph = unit_graph(loads, edges, border_m=length[length > 1], bridges=bridges, groups=numbers)
    return Instance(f"keelung, {len(loads)} compounds", graph, centres)


def _bridges(graph: UnitGraph, centres_m: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Nearest pairs of units (by centre) that join every piece of a group to the group's largest piece."""
    bridges = []
    for group in np.unique(graph.groups):
        own = np.flatnonzero(graph.groups == group)
        pieces, sizes = np.unique(graph.territory[own], return_counts=True)
        main = own[graph.territory[own] == pieces[np.argmax(sizes)]]
        for piece in pieces[pieces != pieces[np.argmax(sizes)]]:
            far = own[graph.territory[own] == piece]
            apart = np.hypot(*(centres_m[far][:, None] - centres_m[main][None]).transpose(2, 0, 1))
            row, column = np.unravel_index(np.argmin(apart), apart.shape)
            bridges.append((far[row], main[column]))
    return np.array(bridges, dtype=np.int64).reshape(-1, 2)
