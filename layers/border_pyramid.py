"""Borders ready to be cut into vector tiles: each zoom level is simplified once, for all tiles together.

Neighbours are simplified as one coverage (M. Visvalingam and J. D. Whyatt, 1993; GEOS *CoverageSimplifier*), so that a
common border stays one line, in every tile. Nothing is measured here: Web Mercator is only where tiles are drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from layers._mvt import EXTENT, CodedColumn, Outlines, outlines, polygon_layer
from layers.frames import require_lonlat
from layers.tiles import TILE_PX, tile_units

__all__ = ["BorderPyramid"]

_REACH: Final = 4 * EXTENT // TILE_PX
"""Units (4 pixels) that polygons reach over a tile's edge, so that no seam shows."""

_TOLERANCE: Final = EXTENT // TILE_PX
"""What simplifying may cost, in units: a corner goes when its triangle is smaller than one square pixel."""

_WORLD: Final = 0
"""The zoom level at which the whole world is one tile."""

Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True)
class _Level:
    """What has an extent at one zoom level, at whole units from the north-west corner of the world."""

    rows: npt.NDArray[np.int64]
    shapes: Shapes
    boxes: npt.NDArray[np.float64]
    drawn: Outlines


class BorderPyramid:
    """Polygons with their properties, ready to be cut into tiles; what a zoom level needs is made when first asked for.

    Parameters
    ----------
    areas_lonlat : polygons in EPSG:4326 or 4490; the index gives the features' ids (whole numbers ≥ 0).
    columns : columns that become properties; missing values are left out.

    Raises
    ------
    NotLonLatError
    """

    def __init__(self, areas_lonlat: gpd.GeoDataFrame, columns: Sequence[str] = ()) -> None:
        require_lonlat(areas_lonlat)
        self._ids = areas_lonlat.index.to_numpy(dtype=np.int64)
        self._properties = {name: CodedColumn.of(areas_lonlat[name]) for name in columns}
        self._world: Shapes = shapely.transform(
            areas_lonlat.geometry.to_numpy(),
            lambda lon, lat: tuple(tile_units(_WORLD, 0, 0, lon, lat)),
            interleaved=False,
        )
        self._levels: dict[int, _Level] = {}
        self._lock = Lock()

    @property
    def corners(self) -> int:
        """How many corners are kept, at all zoom levels together."""
        kept = [self._world, *(level.shapes for level in list(self._levels.values()))]
        return int(sum(shapely.get_num_coordinates(shapes).sum() for shapes in kept))

    def tile(self, z: int, x: int, y: int, *, layer: str) -> bytes:
        """A tile (XYZ scheme, y down) with the polygons that meet it, simplified to a pixel and cut just outside it."""
        level = self._level(z)
        corner = np.array([x, y], dtype=np.int64) * EXTENT
        low, high = corner - _REACH, corner + EXTENT + _REACH
        boxes = level.boxes
        near = np.flatnonzero((boxes[:, 2:] >= low).all(axis=1) & (boxes[:, :2] <= high).all(axis=1))
        inside = (boxes[near, :2] >= low).all(axis=1) & (boxes[near, 2:] <= high).all(axis=1)
        cut, crossing = _drawable(_whole(shapely.clip_by_rect(level.shapes[near[~inside]], *low, *high)))
        pieces = outlines(cut)
        drawn = Outlines(
            np.concatenate([level.drawn.start[near[inside]], pieces.start]),
            [*(level.drawn.rest[place] for place in near[inside].tolist()), *pieces.rest],
        )
        chosen = level.rows[np.concatenate([near[inside], near[~inside][crossing]])]
        return polygon_layer(layer, drawn, corner, self._ids, self._properties, chosen)

    def is_ready(self, z: int) -> bool:
        """Say whether a zoom level has been simplified."""
        return z in self._levels

    def prepare(self, z: int) -> None:
        """Simplify a zoom level, unless that was done or is being done."""
        if not self.is_ready(z) and self._lock.acquire(blocking=False):
            self._lock.release()
            self._level(z)

    def _level(self, z: int) -> _Level:
        with self._lock:
            if z not in self._levels:
                scaled = shapely.transform(self._world, lambda units: units * 2.0**z)
                simple = shapely.coverage_simplify(scaled, _TOLERANCE) if len(scaled) else scaled
                shapes, rows = _drawable(_whole(simple))
                self._levels[z] = _Level(rows, shapes, shapely.bounds(shapes).reshape(-1, 4), outlines(shapes))
            return self._levels[z]


def _whole(shapes: Shapes) -> Shapes:
    """The shapes with their corners at whole units; those that this breaks are noded anew."""
    rounded: Shapes = shapely.transform(shapes, np.rint)
    broken = ~shapely.is_valid(rounded)
    rounded[broken] = shapely.set_precision(shapely.make_valid(rounded[broken]), 1.0)
    single: Shapes = shapely.remove_repeated_points(rounded)
    return single


def _drawable(shapes: Shapes) -> tuple[Shapes, npt.NDArray[np.int64]]:
    """The polygons of each shape as one MultiPolygon, and where it was; what has no extent falls away."""
    parts, of_shape = shapely.get_parts(shapes, return_index=True)
    polygons = shapely.area(parts) > 0
    places, together = np.unique(of_shape[polygons], return_inverse=True)
    drawable: Shapes = shapely.multipolygons(parts[polygons], indices=together)
    return drawable, places
