"""A small second file of areas with planted topology defects, one of each kind, for the topology report to find."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_service.demo.curves import stream
from gis_service.demo.land import Land
from gis_service.demo.plan import DistrictPlan

_BITE_M, _CRUMB_M = 35.0, 3.0
_FREE_DEGREES = 0.001  # about 100 m: how far from other townships the overhang is planted


@dataclass(frozen=True)
class Defect:
    """One planted defect: its kind, the area that was spoilt, the other area concerned (or ""), its size in m²."""

    kind: str
    code: str
    other_code: str
    area_m2: float

    def as_record(self) -> dict[str, object]:
        """Return the defect as plain data."""
        return asdict(self)


def spoil(plan: DistrictPlan, land: Land, seed: int) -> tuple[gpd.GeoDataFrame, list[Defect]]:
    """Spoil compounds of the township with the fewest: overlap, gap, outside the parent, self-crossing, crumbs.

    Returns the township, its villages and its compounds (columns as `Land.areas`), and what was planted where.
    """
    rng = stream(seed, "defects")
    counts = land.compounds["township_code"].value_counts().sort_index()
    township = str(counts.idxmin())
    ours = land.compounds[land.compounds["township_code"] == township]
    (a, b), (c, d), (e, _), (g, h) = pairs = _apart(land, ours, rng)
    areas = land.areas[land.areas["code"].str.startswith(township[:9])].copy()
    leaves = areas[areas["level"] == "compound"].set_index("code")["geometry"]
    code = land.compounds["code"]
    shapes = {compound: leaves[code[compound]] for compound in ours.index}

    disc = _disc_on(plan, shapely.intersection(shapes[a], shapes[b]))
    bite, shapes[a] = shapely.intersection(disc, shapes[b]), shapely.union(shapes[a], disc)
    lost = shapely.intersection(_disc_on(plan, shapely.intersection(shapes[c], shapes[d])), shapes[c])
    shapes[c] = shapely.difference(shapes[c], lost)
    shapes[e] = _crossed(shapes[e])
    crumbs = _crumbs(plan, shapely.point_on_surface(shapes[h]))
    shapes[g] = shapely.multipolygons([*shapely.get_parts(shapes[g]), *shapely.get_parts(crumbs)])

    whole = areas.loc[areas["level"] == "township", "geometry"].iloc[0]
    elsewhere = land.areas[(land.areas["level"] == "township") & (land.areas["code"] != township)]
    free = shapely.difference(shapely.boundary(whole), shapely.buffer(elsewhere.union_all(), _FREE_DEGREES))
    touched = {compound for pair in pairs for compound in pair}
    rim = {i: shapely.intersection(shape, free) for i, shape in shapes.items() if i not in touched}
    f = max(sorted(rim), key=lambda compound: float(shapely.length(rim[compound])))
    disc = _disc_on(plan, rim[f])
    spill, shapes[f] = shapely.difference(disc, whole), shapely.union(shapes[f], disc)

    size_m2 = gpd.GeoSeries([bite, lost, crumbs, spill], crs=areas.crs).to_crs(plan.metric_epsg).area.round(2)
    defects = [
        Defect("overlap", code[a], code[b], size_m2[0]),
        Defect("gap", code[c], code[d], size_m2[1]),
        Defect("self_crossing", code[e], "", 0.0),
        Defect("crumbs", code[g], code[h], size_m2[2]),
        Defect("outside_parent", code[f], str(ours["village_code"][f]), size_m2[3]),
    ]
    spoilt = pd.Series({code[compound]: shape for compound, shape in shapes.items()})
    areas["geometry"] = areas["code"].map(spoilt).where(areas["level"] == "compound", areas["geometry"])
    return areas, defects


def _apart(land: Land, ours: pd.DataFrame, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Four pairs that share a long border within one village, no two pairs near each other."""
    village = land.compounds["village_code"].to_numpy()
    shape = land.compounds["geometry"].to_numpy()
    pairs = [(a, b) for a, b in land.neighbours.tolist() if a in ours.index and village[a] == village[b]]
    pairs = [pairs[i] for i in rng.permutation(len(pairs))]
    near: dict[int, set[int]] = {}
    for a, b in land.neighbours.tolist():
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    picked: list[tuple[int, int]] = []
    used: set[int] = set()
    for a, b in pairs:
        border = shapely.intersection(shape[a], shape[b]).length
        if a in used or b in used or border < 6 * _BITE_M or shapely.get_num_geometries(shape[a]) > 1:
            continue
        picked.append((a, b))
        used |= {a, b} | (near[a] | near[b] if len(ours) > 60 else set())
    if len(picked) < 4:
        raise ValueError("the township is too small to hold the planted defects")
    return picked[:4]


def _disc_on(plan: DistrictPlan, line: shapely.Geometry) -> shapely.Polygon:
    """Disc (lon-lat) centred on the middle of the longest stretch of a border (lon-lat)."""
    merged = shapely.line_merge(shapely.multilinestrings([p for p in shapely.get_parts(line) if p.length > 0]))
    parts = shapely.get_parts(merged)
    longest = parts[int(np.argmax(shapely.length(parts)))]
    return _in_metres(plan, shapely.line_interpolate_point(longest, 0.5, normalized=True), _disc)


def _crumbs(plan: DistrictPlan, at: shapely.Point) -> shapely.MultiPolygon:
    """Two small squares (lon-lat) beside a point (lon-lat)."""
    return _in_metres(plan, at, _squares)


def _disc(x: float, y: float) -> shapely.Polygon:
    return shapely.Point(x, y).buffer(_BITE_M)


def _squares(x: float, y: float) -> shapely.MultiPolygon:
    return shapely.multipolygons([shapely.box(x + d, y, x + d + _CRUMB_M, y + _CRUMB_M) for d in (0.0, 20.0)])


def _in_metres(
    plan: DistrictPlan, at: shapely.Point, draw: Callable[[float, float], shapely.Geometry]
) -> shapely.Geometry:
    """Draw a shape in metres round a lon-lat point and return it in lon-lat."""
    there = gpd.GeoSeries([at], crs=4326).to_crs(plan.metric_epsg).iloc[0]
    return gpd.GeoSeries([draw(there.x, there.y)], crs=plan.metric_epsg).to_crs(4326).iloc[0]


def _crossed(shape: shapely.Polygon) -> shapely.Polygon:
    """Return the polygon with two vertices of its ring exchanged, so that the ring crosses itself."""
    ring = shapely.get_coordinates(shape.exterior)
    for index in range(1, len(ring) - 2):
        swapped = ring.copy()
        swapped[[index, index + 1]] = swapped[[index + 1, index]]
        if not shapely.is_valid(crossed := shapely.Polygon(swapped)):
            return crossed
    raise ValueError("no exchange of neighbours makes this ring cross itself")
