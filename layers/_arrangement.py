"""The plane cut by all borders at hand: faces that share their corners to the last bit, and who is beside whom."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import shapely

from layers._overlay import Geometries, Positions, rings_of

SNAP_DEG: Final = 1e-10
"""What lies nearer than this in degrees (some 10 µm) is the same place."""

TINY_DEG2: Final = 1e-15
"""Faces up to this in square degrees (some 10 mm²) are the rounding of coordinates: they follow their neighbours."""


@dataclass(frozen=True, eq=False, slots=True)
class Arrangement:
    """Faces of the plane in lon-lat, and their shared edges.

    Attributes
    ----------
    faces : polygons without overlap; where two meet, both have the same vertices.
    first, second : positions of faces that meet along edges, each pair in both directions.
    length_deg : for how long they meet, degrees of latitude.
    """

    faces: Geometries
    first: Positions
    second: Positions
    length_deg: npt.NDArray[np.float64]

    @classmethod
    def of(cls, lines: Geometries) -> Self:
        """Cut the plane by lines; what no line encloses is no face."""
        noded = shapely.get_parts(shapely.union_all(lines))
        faces = shapely.get_parts(shapely.polygonize(noded))
        return cls(faces, *_meeting(faces))

    @property
    def is_tiny(self) -> npt.NDArray[np.bool_]:
        """Which faces are but the rounding of coordinates."""
        tiny: npt.NDArray[np.bool_] = shapely.area(self.faces) <= TINY_DEG2
        return tiny

    def within(self, polygons: Geometries) -> npt.NDArray[np.bool_]:
        """Whether each face (row) lies in each of the polygons (column)."""
        inside = np.zeros((len(self.faces), len(polygons)), dtype=bool)
        if len(self.faces):
            places = shapely.point_on_surface(self.faces)
            polygon, face = shapely.STRtree(places).query(polygons, predicate="contains")
            inside[face, polygon] = True
        return inside

    def beside(self, face: int) -> tuple[Positions, npt.NDArray[np.float64]]:
        """The faces that meet this one, and for how long."""
        low, high = np.searchsorted(self.first, [face, face + 1])
        return self.second[low:high], self.length_deg[low:high]


def snapped_together(drawn: shapely.Geometry, around: Geometries) -> tuple[shapely.Geometry, Geometries]:
    """A drawn polygon or line and the polygons around it, with one vertex wherever they have nearly the same.

    Within `SNAP_DEG`, vertices of the drawn one move onto those around it; edges get the vertices that lie on them.
    """
    corners = shapely.multipoints(shapely.get_coordinates(around)) if len(around) else shapely.MultiPoint()
    own = shapely.snap(drawn, corners, SNAP_DEG)
    own_corners = shapely.multipoints(shapely.get_coordinates(own))
    return own, shapely.snap(around, own_corners, SNAP_DEG)


def _meeting(faces: Geometries) -> tuple[Positions, Positions, npt.NDArray[np.float64]]:
    rings, face_of_ring = rings_of(faces)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    start, end = points[:-1][same], points[1:][same]
    face = face_of_ring[ring[:-1][same]]
    backwards = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    edges = np.where(backwards[:, None], np.hstack([end, start]), np.hstack([start, end]))
    order = np.lexsort(edges.T)
    edges, face = edges[order], face[order]
    twin = np.flatnonzero((edges[1:] == edges[:-1]).all(axis=1))
    one, other = face[twin], face[twin + 1]
    across = edges[twin]
    shrink = np.cos(np.radians(across[:, 1]))
    length = np.hypot((across[:, 2] - across[:, 0]) * shrink, across[:, 3] - across[:, 1])
    first, second = np.r_[one, other], np.r_[other, one]
    pairs, position = np.unique(np.stack([first, second], axis=1), axis=0, return_inverse=True)
    total = np.bincount(position.ravel(), weights=np.r_[length, length], minlength=len(pairs)).astype(np.float64)
    return pairs[:, 0].astype(np.intp), pairs[:, 1].astype(np.intp), total
