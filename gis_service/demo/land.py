"""The area tree: townships, villages, compounds that tile it bit for bit, grown on the mesh.

Local metres inside; ``Land.areas`` is lon-lat EPSG:4326, rounded to 1e-8 degree (about a millimetre).
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gis_service.demo.curves import Points, split_evenly, stream
from gis_service.demo.mesh import Mesh, build_mesh, grow, spread
from gis_service.demo.outline import Outline, draw_outline
from gis_service.demo.place_names import compound_names, village_names
from gis_service.demo.plan import DistrictPlan

LONLAT_DECIMALS = 8
_SMOOTHING_ROUNDS = 3
_SIMPLIFY_M = 5.0


@dataclass(frozen=True)
class Land:
    """The district's ground.

    ``areas``: columns code, name, level, kind, parent_code, geometry (EPSG:4326), parents before children.
    ``compounds``: one row each, columns code, name, kind, village_code, village, village_kind, township_code, township,
    township_no, core_x, core_y, core_radius_m and geometry in local metres.
    ``neighbours``: pairs of compound positions that share a border.
    """

    areas: gpd.GeoDataFrame
    compounds: pd.DataFrame
    neighbours: NDArray[np.int64]
    outline: Outline


def to_lonlat(plan: DistrictPlan, points: Points) -> Points:
    """Local metres to lon-lat degrees, rounded as the files are."""
    metric = pyproj.Transformer.from_crs(4326, plan.metric_epsg, always_xy=True)
    east, north = metric.transform(*plan.centre_lonlat)
    lon, lat = metric.transform(points[:, 0] + east, points[:, 1] + north, direction="INVERSE")
    rounded: Points = np.round(np.column_stack([lon, lat]), LONLAT_DECIMALS)
    return rounded


def settle(plan: DistrictPlan, seed: int) -> Land:
    """Grow the whole tree from the seed."""
    outline = draw_outline(plan, seed)
    mesh = build_mesh(plan, outline, seed)
    township = _townships(plan, mesh)
    village, village_township = _children(mesh, township, [t.villages for t in plan.townships], seed, "villages")
    size = np.bincount(village[village >= 0])
    counts: NDArray[np.int64] = np.zeros(len(village_township), dtype=np.int64)
    for number, planned in enumerate(plan.townships):
        own = np.flatnonzero(village_township == number)
        counts[own] = split_evenly(planned.compounds, np.power(size[own], 0.7, dtype=np.float64), at_least=2)
    compound, compound_village = _children(mesh, village, counts.tolist(), seed, "compounds")
    shapes = _shapes(mesh, compound, len(compound_village))
    urban = np.bincount(compound[mesh.on_land], mesh.in_town[mesh.on_land]) / np.bincount(compound[mesh.on_land])
    compounds = _name(plan, shapes, urban, compound_village, village_township, seed)
    pairs = compound[mesh.links]
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    return Land(_tree(plan, compounds), compounds, pairs, outline)


def _townships(plan: DistrictPlan, mesh: Mesh) -> NDArray[np.int64]:
    land = np.flatnonzero(mesh.on_land & (mesh.island == 0))
    centres = np.array([t.centre_km for t in plan.townships]) * 1000 * plan.scale
    away = mesh.sites[land][:, None, :] - centres[None]
    seeds = land[np.argmin((away**2).sum(axis=2), axis=0)]
    everywhere = np.where(mesh.on_land, 0, -1)
    return grow(mesh, seeds, everywhere, np.full(seeds.size, 1.0))


def _children(
    mesh: Mesh, parent: NDArray[np.int64], counts: list[int], seed: int, topic: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split every parent region into ``counts`` children: owner of each site, parent of each child.

    An island large enough to live on gets a child of its own.
    """
    rng = stream(seed, topic)
    seeds, delays = [], []
    for number, count in enumerate(counts):
        own = np.flatnonzero(parent == number)
        picked = own[spread(mesh.sites[own], count, rng)]
        for island in np.unique(mesh.island[own][mesh.island[own] > 0]):
            members = own[mesh.island[own] == island]
            if members.size > 0.5 * own.size / count and not (mesh.island[picked] == island).any():
                away = ((mesh.sites[picked] - mesh.sites[members].mean(axis=0)) ** 2).sum(axis=1)
                picked[np.argmin(away)] = members[members.size // 2]
        gaps = mesh.sites[picked][:, None, :] - mesh.sites[picked][None]
        apart = np.sqrt((gaps**2).sum(axis=2)) + np.diag(np.full(count, np.inf))
        seeds.append(picked)
        delays.append(1 + rng.uniform(0, 0.4, count) * np.minimum(apart.min(axis=1, initial=2_000), 2_000))
    parents = np.repeat(np.arange(len(counts)), counts)
    return grow(mesh, np.concatenate(seeds), parent, np.concatenate(delays)), parents


def _shapes(mesh: Mesh, owner: NDArray[np.int64], count: int) -> NDArray[np.object_]:
    """Polygons of the regions, local metres, from smoothed shared edges: neighbours hold the same vertices."""
    border = owner[mesh.ridge_sites[:, 0]] != owner[mesh.ridge_sites[:, 1]]
    segments = shapely.multilinestrings(shapely.linestrings(mesh.vertices[mesh.ridge_ends[border]]))
    raw = shapely.get_parts(shapely.line_merge(segments))
    arcs = np.array([_smooth(arc) for arc in raw], dtype=object)
    tree = shapely.STRtree(shapely.points(mesh.sites[mesh.on_land]))
    while True:
        faces = shapely.get_parts(shapely.polygonize(arcs))
        face, site = tree.query(faces, predicate="contains_properly")
        votes = np.zeros((len(faces), count), dtype=np.int64)
        np.add.at(votes, (face, owner[mesh.on_land][site]), 1)
        owners = votes.argmax(axis=1)
        faces, owners = faces[votes.sum(axis=1) > 0], owners[votes.sum(axis=1) > 0]
        wrong = shapely.coverage_invalid_edges(faces)
        wrong = wrong[~shapely.is_empty(wrong)]
        if wrong.size == 0:
            break
        _, touched = shapely.STRtree(arcs).query(wrong, predicate="intersects")
        arcs[np.unique(touched)] = raw[np.unique(touched)]
    faces = shapely.coverage_simplify(faces, _SIMPLIFY_M)
    order = np.argsort(owners, kind="stable")
    parts = np.split(faces[order], np.flatnonzero(np.diff(owners[order])) + 1)
    if len(parts) != count:
        raise ValueError(f"{count} regions planned, {len(parts)} grew")
    return np.array([shapely.normalize(p[0] if len(p) == 1 else shapely.multipolygons(p)) for p in parts], dtype=object)


def _smooth(arc: shapely.LineString) -> shapely.LineString:
    line = shapely.get_coordinates(arc)
    closed = bool((line[0] == line[-1]).all())
    for _ in range(_SMOOTHING_ROUNDS if len(line) > 3 else 0):
        inner = (line[:-2] + 2 * line[1:-1] + line[2:]) / 4
        if closed:
            seam = (line[-2] + 2 * line[0] + line[1]) / 4
            line = np.vstack([seam, inner, seam])
        else:
            line = np.vstack([line[0], inner, line[-1]])
    return shapely.LineString(line)


def _name(
    plan: DistrictPlan,
    shapes: NDArray[np.object_],
    urban: NDArray[np.float64],
    compound_village: NDArray[np.int64],
    village_township: NDArray[np.int64],
    seed: int,
) -> pd.DataFrame:
    """Codes by the statistical rules (subdistricts from 001, towns 100, communities 001, villages 201) and names."""
    rng = stream(seed, "place names")
    township_codes, next_code = [], {"subdistrict": 1, "town": 100}
    for township in plan.townships:
        township_codes.append(f"{plan.county_code}{next_code[township.kind]:03d}000")
        next_code[township.kind] += 1
    weight = np.bincount(compound_village)
    community = np.bincount(compound_village, urban) / weight > 0.5
    village_kind = ["community" if c else "village" for c in community]
    names = village_names(len(village_kind), village_kind, rng)
    village_codes: list[str] = []
    for township, is_community in zip(village_township, community, strict=True):
        stem, first = township_codes[township][:9], 1 if is_community else 201
        taken = sum(c[:9] == stem and (int(c[9:]) < 200) == is_community for c in village_codes)
        village_codes.append(f"{stem}{first + taken:03d}")
    kinds = ["residential" if u > 0.5 else "natural_village" for u in urban]
    order = np.arange(len(kinds)) - np.searchsorted(compound_village, compound_village) + 1
    circle = shapely.maximum_inscribed_circle([_largest(s) for s in shapes], tolerance=10.0)
    core = shapely.get_coordinates(shapely.get_point(circle, 0))
    township_of = village_township[compound_village]
    return pd.DataFrame(
        {
            "code": [f"{village_codes[v]}{n:03d}" for v, n in zip(compound_village, order, strict=True)],
            "name": compound_names(kinds, rng),
            "kind": kinds,
            "village_code": [village_codes[v] for v in compound_village],
            "village": [names[v] for v in compound_village],
            "village_kind": [village_kind[v] for v in compound_village],
            "township_code": [township_codes[t] for t in township_of],
            "township": [plan.townships[t].name for t in township_of],
            "township_no": township_of,
            "core_x": core[:, 0],
            "core_y": core[:, 1],
            "core_radius_m": shapely.length(circle),
            "geometry": shapes,
        }
    )


def _largest(shape: shapely.Polygon | shapely.MultiPolygon) -> shapely.Polygon:
    parts = shapely.get_parts(shape)
    return parts[int(np.argmax(shapely.area(parts)))]


def _tree(plan: DistrictPlan, compounds: pd.DataFrame) -> gpd.GeoDataFrame:
    """All four levels; each parent is the union of its children along their own vertices, so they tile it exactly."""
    lonlat = shapely.transform(compounds["geometry"].to_numpy(), lambda points: to_lonlat(plan, points))
    lonlat = shapely.remove_repeated_points(lonlat)
    district_code = f"{plan.county_code}000000"
    kinds = {t.name: t.kind for t in plan.townships}
    leaves = compounds.assign(geometry=lonlat, level="compound", parent_code=compounds["village_code"])
    levels = [leaves]
    for code, name, kind, level, parent in (
        ("village_code", "village", "village_kind", "village", "township_code"),
        ("township_code", "township", None, "township", None),
    ):
        groups = leaves.groupby(code, sort=True)
        rows = groups.first().reset_index()
        shapes = [shapely.coverage_union_all(group.to_numpy()) for _, group in groups["geometry"]]
        levels.append(
            pd.DataFrame(
                {
                    "code": rows[code],
                    "name": rows[name],
                    "level": level,
                    "kind": rows[kind] if kind else rows[name].map(kinds),
                    "parent_code": rows[parent] if parent else district_code,
                    "geometry": [shapely.normalize(s) for s in shapes],
                }
            )
        )
    whole = shapely.normalize(shapely.coverage_union_all(lonlat))
    top = {"code": district_code, "name": plan.name, "level": "district", "kind": None, "parent_code": None}
    levels.append(pd.DataFrame([{**top, "geometry": whole}]))
    columns = ["code", "name", "level", "kind", "parent_code", "geometry"]
    tree = pd.concat([frame[columns].astype(object) for frame in reversed(levels)], ignore_index=True)
    return gpd.GeoDataFrame(tree, geometry="geometry", crs=4326)
