"""Overlay of polygons in the coordinates they are stored in, and the metres of what comes out.

Neighbours share their vertices only in stored coordinates. Projected first, an edge and its neighbour's two half edges
part by the sag of the projection (centimetres on a kilometre, square metres of false slivers), so sets are computed in
lon-lat and only their results are projected, with long edges divided, and measured.

GEOS in full floating point keeps shared vertices as they are, but near coincident edges it can be silently wrong: a
valid village less a few valid slivers along its edge came out short by two whole compounds. So every overlay is checked
by areas (what is common and what is left make up the whole), and a pair that fails is computed again by snap rounding
on a grid of a micrometre, which is robust.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from layers.frames import LONLAT

Geometries = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]

GRID_DEG: Final = 1e-11
"""Grid of the robust overlay in degrees: about a micrometre."""

MOST_LOST_DEG2: Final = 1e-13
"""Square degrees (some 10 cm²) by which the parts of an overlay may differ from the whole."""

LONGEST_EDGE_DEG: Final = 0.0005
"""Edges are divided to this before they are projected (some 50 m, which sag by micrometres)."""


@dataclass(frozen=True, eq=False, slots=True)
class Pieces:
    """Polygons in lon-lat that an overlay left, each with its owner's position and its area in square metres."""

    polygons: Geometries
    owners: Positions
    area_m2: npt.NDArray[np.float64]

    @classmethod
    def of(cls, geometries: Geometries, metric_crs: Any) -> Self:
        """Polygons among the parts of the geometries; an owner is a position in `geometries`."""
        parts, owners = shapely.get_parts(geometries, return_index=True)
        polygonal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
        polygons = parts[polygonal & ~shapely.is_empty(parts)]
        return cls(polygons, owners[polygonal & ~shapely.is_empty(parts)], area_m2(polygons, metric_crs))

    def where(self, chosen: npt.NDArray[np.bool_]) -> Self:
        """The pieces chosen."""
        return type(self)(self.polygons[chosen], self.owners[chosen], self.area_m2[chosen])

    def gathered(self) -> tuple[Self, npt.NDArray[np.int64]]:
        """One multipolygon per owner, in order of owners, and how many pieces each gathers."""
        order = np.argsort(self.owners, kind="stable")
        owners, groups, counts = np.unique(self.owners[order], return_inverse=True, return_counts=True)
        gathered = shapely.multipolygons(self.polygons[order], indices=groups) if len(owners) else self.polygons
        total_m2 = np.zeros(len(owners), dtype=np.float64)
        np.add.at(total_m2, groups, self.area_m2[order])
        return type(self)(gathered, owners, total_m2), counts.astype(np.int64)


def area_m2(geometries_lonlat: Geometries, metric_crs: Any) -> npt.NDArray[np.float64]:
    """Areas in square metres of lon-lat geometries, long edges taken as straight in lon-lat."""
    short_edged = gpd.GeoSeries(shapely.segmentize(geometries_lonlat, LONGEST_EDGE_DEG), crs=LONLAT)
    areas: npt.NDArray[np.float64] = shapely.area(short_edged.to_crs(metric_crs).to_numpy())
    return areas


def divided(first: Geometries, second: Geometries) -> tuple[Geometries, Geometries]:
    """The first's ground that the second shares and the ground that it does not, pair by pair."""
    common, left = shapely.intersection(first, second), shapely.difference(first, second)
    wrong = _lost_deg2(first, common, left) > MOST_LOST_DEG2
    if wrong.any():
        whole, other = first[wrong], second[wrong]
        common[wrong] = shapely.intersection(whole, other, grid_size=GRID_DEG)
        left[wrong] = shapely.difference(whole, other, grid_size=GRID_DEG)
    return common, left


def _lost_deg2(whole: Geometries, common: Geometries, left: Geometries) -> npt.NDArray[np.float64]:
    lost: npt.NDArray[np.float64] = np.abs(shapely.area(whole) - shapely.area(common) - shapely.area(left))
    return lost


def overlapping_pairs(polygons: Geometries) -> tuple[Positions, Positions]:
    """Positions of the pairs whose interiors may meet, the lower one first, in order."""
    first, second = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    meet = ~shapely.touches(polygons[first], polygons[second])
    order = np.lexsort((second[meet], first[meet]))
    return first[meet][order], second[meet][order]


def unions(polygons: Geometries, groups: Sequence[Positions]) -> Geometries:
    """Union of the polygons of each group."""
    united = np.empty(len(groups), dtype=object)
    united[:] = [shapely.union_all(polygons[members]) for members in groups]
    return united


def without_holes(geometries: Geometries) -> Geometries:
    """The geometries with their interior rings, and what lies in them, filled."""
    parts, owners = shapely.get_parts(geometries, return_index=True)
    filled = shapely.polygons(shapely.get_exterior_ring(parts))
    return unions(filled, [np.flatnonzero(owners == owner) for owner in range(len(geometries))])


def rings_of(geometries: Geometries) -> tuple[Geometries, Positions]:
    """Rings of polygons and multipolygons, exteriors first in each part, and the position of each ring's geometry."""
    parts, owners = shapely.get_parts(geometries, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, owners[part]


def holes(geometries: Geometries) -> tuple[Geometries, Positions]:
    """Interior rings as polygons, each with the position of its geometry."""
    parts, owners = shapely.get_parts(geometries, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    is_exterior = np.r_[True, part_of_ring[1:] != part_of_ring[:-1]][: len(rings)]
    return shapely.polygons(rings[~is_exterior]), owners[part_of_ring[~is_exterior]]


def valid_copies(polygons: Geometries, most_vertices: int, most_crossings: int) -> Geometries:
    """Valid copies for overlay: invalid polygons are rebuilt ring by ring, None where that would cost too much.

    A ring rebuilt by `shapely.make_valid(method="structure")` keeps what its turns enclose. The cost grows steeply with
    self-crossings (a hostile star of a thousand vertices takes minutes), so that polygons with more than
    `most_vertices` vertices or `most_crossings` self-crossings are left out.
    """
    copies = polygons.copy()
    for position in np.flatnonzero(~shapely.is_valid(polygons)):
        polygon = polygons[position]
        bearable = shapely.get_num_coordinates(polygon) <= most_vertices and not _crosses_more(polygon, most_crossings)
        valid = shapely.make_valid(polygon, method="structure", keep_collapsed=False) if bearable else None
        copies[position] = valid if valid is not None and valid.area > 0 else None
    return copies


def _crosses_more(polygon: shapely.Geometry, most_crossings: int, *, at_once: int = 64) -> bool:
    """Whether the polygon's edges cross each other more often than that; counts until it knows."""
    rings, _ = rings_of(np.array([polygon], dtype=object))
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    edges = shapely.linestrings(np.stack([coordinates[:-1][same], coordinates[1:][same]], axis=1))
    tree, crossings = shapely.STRtree(edges), 0
    for start in range(0, len(edges), at_once):
        crossings += tree.query(edges[start : start + at_once], predicate="crosses").shape[1]
        if crossings > 2 * most_crossings:  # each is met from both edges
            return True
    return False
