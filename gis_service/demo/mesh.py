"""A fine irregular mesh of the land and the growth of regions over it.

Regions are grown by shortest paths from their seeds over small Voronoi cells, with crossing costs at the river, canals
and streets: their borders follow such lines and wander elsewhere, as surveyed borders do. Local metres.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import Voronoi, cKDTree

from gis_service.demo.curves import Points, noise, stream, walk
from gis_service.demo.outline import Outline
from gis_service.demo.plan import DistrictPlan

_COARSE_M, _FINE_M = 78.0, 36.0
_SHORTEST_BORDER_M = 4.0
_RIVER_COST_M, _CANAL_COST_M, _STREET_COST_M = 5_000.0, 900.0, 260.0


@dataclass(frozen=True)
class Mesh:
    """Voronoi cells of ``sites`` (n, 2) and the ridges between them.

    ``ridge_sites`` (m, 2) are the two cells of a ridge, ``ridge_ends`` (m, 2) indexes ``vertices``. ``links`` (k, 2)
    and ``link_cost_m`` are the graph over land cells that regions grow on (islands are tied to the nearest shore).
    """

    sites: Points
    on_land: NDArray[np.bool_]
    in_town: NDArray[np.bool_]
    vertices: Points
    ridge_sites: NDArray[np.int64]
    ridge_ends: NDArray[np.int64]
    links: NDArray[np.int64]
    link_cost_m: NDArray[np.float64]
    island: NDArray[np.int64]


def build_mesh(plan: DistrictPlan, outline: Outline, seed: int) -> Mesh:
    """Lay the mesh: pairs of sites astride every natural line, jittered sites between, denser in the towns."""
    rng = stream(seed, "mesh")
    sites = _sites(plan, outline, rng)
    shapely.prepare(outline.land)
    on_land = shapely.contains_xy(outline.land, sites[:, 0], sites[:, 1])
    cells = Voronoi(sites)
    pairs = np.asarray(cells.ridge_points, dtype=np.int64)
    ends = np.asarray(cells.ridge_vertices, dtype=np.int64)
    lengths = np.hypot(*(cells.vertices[ends[:, 0]] - cells.vertices[ends[:, 1]]).T)
    inland = on_land[pairs].all(axis=1) & (lengths > _SHORTEST_BORDER_M)
    links = pairs[inland]
    step = sites[links[:, 0]] - sites[links[:, 1]]
    middle = sites[links].mean(axis=1)
    cost = np.hypot(step[:, 0], step[:, 1]) * np.exp(0.55 * noise(rng, 420)(middle) + 0.25 * noise(rng, 130)(middle))
    cost = cost + _crossing_cost(outline, sites, links)
    links, cost, island = _tie_islands(sites, on_land, links, cost)
    return Mesh(sites, on_land, _in_town(plan, sites, rng), cells.vertices, pairs, ends, links, cost, island)


def grow(
    mesh: Mesh, seeds: NDArray[np.int64], parent: NDArray[np.int64], delay_m: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Owner (position in ``seeds``) of every land site; -1 at sea.

    Growth never leaves the seed's parent region, and crosses water only from the mainland to an island without a seed.
    """
    inside = parent[mesh.links[:, 0]] == parent[mesh.links[:, 1]]
    over_water = mesh.island[mesh.links[:, 0]] != mesh.island[mesh.links[:, 1]]
    inside &= ~(over_water & np.isin(mesh.island[mesh.links[:, 0]], mesh.island[seeds]))
    a, b, cost = mesh.links[inside, 0], mesh.links[inside, 1], mesh.link_cost_m[inside]
    count = len(mesh.sites)
    stays = (mesh.island[a] == mesh.island[b]) | (mesh.island[a] == 0)
    starters = count + np.arange(seeds.size)
    graph = coo_matrix(
        (
            np.concatenate([cost[stays], cost, delay_m]),
            (np.concatenate([a[stays], b, starters]), np.concatenate([b[stays], a, seeds])),
        ),
        shape=(count + seeds.size, count + seeds.size),
    ).tocsr()
    _, _, source = dijkstra(graph, indices=starters, min_only=True, return_predecessors=True)
    owner = np.where(source[:count] >= count, source[:count] - count, -1).astype(np.int64)
    owner[~mesh.on_land] = -1
    return owner


def spread(points: Points, count: int, rng: np.random.Generator, rounds: int = 12) -> NDArray[np.int64]:
    """Pick ``count`` well spread positions of ``points`` (Lloyd's relaxation from a k-means++ start)."""
    centres = points[[int(rng.integers(len(points)))]]
    nearest = np.full(len(points), np.inf)
    for _ in range(count - 1):
        nearest = np.minimum(nearest, ((points - centres[-1]) ** 2).sum(axis=1))
        centres = np.vstack([centres, points[rng.choice(len(points), p=nearest / nearest.sum())]])
    for _ in range(rounds):
        owner = cKDTree(centres).query(points)[1]
        weight = np.maximum(np.bincount(owner, minlength=count), 1)[:, None]
        centres = np.column_stack([np.bincount(owner, points[:, axis], count) for axis in (0, 1)]) / weight
    picked = np.asarray(cKDTree(points).query(centres)[1], dtype=np.int64)
    if np.unique(picked).size < count:
        raise ValueError(f"{len(points)} cells cannot hold {count} regions")
    return picked


def _sites(plan: DistrictPlan, outline: Outline, rng: np.random.Generator) -> Points:
    rings = [shapely.get_coordinates(ring) for part in outline.land.geoms for ring in (part.exterior,)]
    groups = [_astride(rings, 44, 20, 15), _astride([outline.river], 44, 18, 15), _astride(outline.canals, 60, 20, 20)]
    groups.append(_astride(outline.streets, 36, 13, 15))
    bounds = outline.land.bounds
    near_land = outline.land.buffer(260)
    shapely.prepare(near_land)
    for spacing, town_only in ((_FINE_M, True), (_COARSE_M, False)):
        grid = _jittered_grid(bounds, spacing, rng)
        grid = grid[shapely.contains_xy(near_land, grid[:, 0], grid[:, 1])]
        groups.append(grid[_in_town(plan, grid, rng)] if town_only else grid)
    clearance = (0.0, 34.0, 36.0, 20.0, 26.0, 46.0)
    kept = groups[0]
    for group, away in zip(groups[1:], clearance[1:], strict=True):
        distance, _ = cKDTree(kept).query(group, distance_upper_bound=away)
        kept = np.vstack([kept, group[~np.isfinite(distance)]])
    return kept


def _astride(lines: list[Points], step_m: float, offset_m: float, apart_m: float) -> Points:
    """Pairs of sites left and right of each line, so that a Voronoi ridge runs along it; crowded ones are dropped."""
    both = []
    for line in lines:
        position, normal, _ = walk(line, step_m)
        both += [position + normal * offset_m, position - normal * offset_m]
    sites = np.vstack(both)
    crowded = cKDTree(sites).query_pairs(apart_m, output_type="ndarray")
    return np.delete(sites, np.unique(crowded[:, 1]), axis=0)


def _jittered_grid(bounds: tuple[float, ...], spacing: float, rng: np.random.Generator) -> Points:
    xs = np.arange(bounds[0] - 300, bounds[2] + 300, spacing)
    ys = np.arange(bounds[1] - 300, bounds[3] + 300, spacing)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1)
    grid[::2, :, 0] += spacing / 2
    return grid.reshape(-1, 2) + rng.uniform(-0.36, 0.36, (grid.size // 2, 2)) * spacing


def _in_town(plan: DistrictPlan, points: Points, rng: np.random.Generator) -> NDArray[np.bool_]:
    ragged = 1 + 0.1 * noise(rng, 1_500)(points)
    inside = np.zeros(len(points), dtype=bool)
    for township in plan.townships:
        centre = np.array(township.centre_km) * 1000 * plan.scale
        away = points - centre
        inside |= np.hypot(away[:, 0], away[:, 1]) < township.town_radius_km * 1000 * plan.scale * ragged
    return inside


def _crossing_cost(outline: Outline, sites: Points, links: NDArray[np.int64]) -> NDArray[np.float64]:
    cost = np.zeros(len(links))
    segments = shapely.linestrings(sites[links])
    tree = shapely.STRtree(segments)
    for lines, price in (
        ([outline.river], _RIVER_COST_M),
        (outline.canals, _CANAL_COST_M),
        (outline.streets, _STREET_COST_M),
    ):
        pieces = [p for line in lines for p in shapely.linestrings(np.stack([line[:-1], line[1:]], axis=1))]
        _, crossed = tree.query(pieces, predicate="intersects")
        cost[np.unique(crossed)] += price
    return cost


def _tie_islands(
    sites: Points, on_land: NDArray[np.bool_], links: NDArray[np.int64], cost: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Join every island to the nearest mainland cell; name the islands 1, 2, … (0 is the mainland, -1 the sea)."""
    count = len(sites)
    graph = coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    land = np.flatnonzero(on_land)
    names, sizes = np.unique(component[land], return_counts=True)
    order = names[np.argsort(-sizes, kind="stable")]
    island = np.full(count, -1, dtype=np.int64)
    for rank, name in enumerate(order):
        island[land[component[land] == name]] = rank
    mainland = np.flatnonzero(island == 0)
    shore = cKDTree(sites[mainland])
    for rank in range(1, len(order)):
        members = np.flatnonzero(island == rank)
        distance, nearest = (np.atleast_1d(found) for found in shore.query(sites[members]))
        best = int(np.argmin(distance))
        links = np.vstack([links, [members[best], mainland[nearest[best]]]])
        cost = np.append(cost, distance[best])
    return links, cost, island
