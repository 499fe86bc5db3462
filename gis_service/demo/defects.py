"""A small second file of areas with planted topology defects, one of each kind, for the topology report to find."""

from dataclasses import asdict, dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_service.demo.curves import stream
from gis_service.demo.land import Land, to_lonlat
from gis_service.demo.plan import DistrictPlan

_BITE_M, _CRUMB_M = 35.0, 3.0


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
    shapes = dict(ours["geometry"].items())
    whole = shapely.coverage_union_all(ours["geometry"].to_numpy())
    pairs = _apart(land, ours, rng)
    defects: list[Defect] = []
    code = land.compounds["code"]

    (a, b), (c, d), (e, f), (g, h) = pairs[:4]
    bite = shapely.intersection(_disc_on(shapely.intersection(shapes[a], shapes[b])), shapes[b])
    shapes[a] = shapely.union(shapes[a], bite)
    defects.append(Defect("overlap", code[a], code[b], round(bite.area, 1)))

    lost = shapely.intersection(_disc_on(shapely.intersection(shapes[c], shapes[d])), shapes[c])
    shapes[c] = shapely.difference(shapes[c], lost)
    defects.append(Defect("gap", code[c], code[d], round(lost.area, 1)))

    shapes[e] = _crossed(shapes[e])
    defects.append(Defect("self_crossing", code[e], "", 0.0))

    at = shapely.get_coordinates(shapely.point_on_surface(shapes[h]))[0]
    crumbs = [shapely.box(x, at[1], x + _CRUMB_M, at[1] + _CRUMB_M) for x in (at[0], at[0] + 20)]
    shapes[g] = shapely.multipolygons([*shapely.get_parts(shapes[g]), *crumbs])
    defects.append(Defect("crumbs", code[g], code[h], 2 * _CRUMB_M**2))

    touched = {*pairs[0], *pairs[1], *pairs[2], *pairs[3]}
    rim = land.compounds.loc[~land.compounds["township_code"].eq(township), "geometry"].to_numpy()
    outer = shapely.difference(shapely.boundary(whole), shapely.buffer(shapely.union_all(rim), 3 * _BITE_M))
    edge = next(i for i in ours.index if i not in touched and shapes[i].intersection(outer).length > 6 * _BITE_M)
    spill = shapely.difference(_disc_on(shapely.intersection(shapes[edge], outer)), whole)
    shapes[edge] = shapely.union(shapes[edge], spill)
    defects.append(Defect("outside_parent", code[edge], ours.at[edge, "village_code"], round(spill.area, 1)))

    lonlat = shapely.transform(pd.Series(shapes).to_numpy(), lambda points: to_lonlat(plan, points))
    areas = land.areas
    spoilt = areas[areas["code"].str.startswith(township[:9])].copy()
    replaced = pd.Series(lonlat, index=code[ours.index].to_numpy())
    leaf = spoilt["level"] == "compound"
    spoilt.loc[leaf, "geometry"] = replaced.reindex(spoilt.loc[leaf, "code"]).to_numpy()
    return spoilt, defects


def _apart(land: Land, ours: pd.DataFrame, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Four neighbouring pairs within one village each, no two pairs near each other, borders long enough to bite into."""
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
    return picked


def _disc_on(line: shapely.Geometry) -> shapely.Polygon:
    """Disc centred on the middle of the longest stretch of a border."""
    parts = shapely.get_parts(
        shapely.line_merge(line) if shapely.get_type_id(line) == 5 else line
    )  # 5: MultiLineString
    longest = parts[int(np.argmax(shapely.length(parts)))]
    return shapely.line_interpolate_point(longest, 0.5, normalized=True).buffer(_BITE_M)


def _crossed(shape: shapely.Polygon) -> shapely.Polygon:
    """Return the polygon with two vertices of its ring exchanged, so that the ring crosses itself."""
    ring = shapely.get_coordinates(shape.exterior)
    for index in range(1, len(ring) - 2):
        swapped = ring.copy()
        swapped[[index, index + 1]] = swapped[[index + 1, index]]
        if not shapely.is_valid(crossed := shapely.Polygon(swapped)):
            return crossed
    raise ValueError("no exchange of neighbours makes this ring cross itself")
