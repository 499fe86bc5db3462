"""Vector tiles of points and polygons; `layers.point_pyramid` cuts them from points by the hundred thousand.

Mapbox Vector Tiles 2.1 in the XYZ scheme: Web Mercator, tile row `y` counts down from the north, and so do the units
inside a tile, `EXTENT` of them on a side. Nothing is measured here: Web Mercator is only where tiles are drawn.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers._mvt import EXTENT, Values, point_layer, polygon_layer
from layers.frames import require_lonlat

__all__ = ["EXTENT", "TILE_PX", "encode_points", "encode_polygons", "tile_bounds"]

TILE_PX: Final = 256
"""Pixels of a tile's side on the screen."""

BUFFER_PX: Final = 4
"""Pixels that polygons reach over a tile's edge, so that no seam shows."""

UNITS_PER_PX: Final = EXTENT // TILE_PX


def tile_bounds(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """West, south, east, north of a tile in degrees (EPSG:4326)."""
    columns = np.array([x, x + 1])
    rows = np.array([y + 1, y])
    lon = columns / 2.0**z * 360.0 - 180.0
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1.0 - 2.0 * rows / 2.0**z))))
    return float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1])


def encode_points(
    z: int,
    x: int,
    y: int,
    lon: npt.ArrayLike,
    lat: npt.ArrayLike,
    ids: npt.ArrayLike,
    properties: Mapping[str, Values] | None = None,
    *,
    layer: str,
) -> bytes:
    """A tile with one feature per point.

    A point lies in exactly one tile of a zoom level (west and north edges are the tile's own); those in other tiles and
    those without coordinates are left out.

    Parameters
    ----------
    z, x, y : the tile.
    lon, lat : degrees, EPSG:4326.
    ids : whole numbers ≥ 0, the features' ids.
    properties : values per point: text, whole numbers, numbers, truth or categories; a missing value is left out.
    layer : name of the layer.

    Raises
    ------
    TypeError
        A property holds something else.
    """
    units = _tile_units(z, x, y, lon, lat)
    inside = _inside(units)
    position = np.floor(units[:, inside]).astype(np.int64)
    chosen = {key: pd.Series(values).array[inside] for key, values in (properties or {}).items()}
    return point_layer(layer, position[0], position[1], np.asarray(ids, dtype=np.int64)[inside], chosen)


def encode_polygons(
    z: int, x: int, y: int, areas_lonlat: gpd.GeoDataFrame, columns: Sequence[str] = (), *, layer: str
) -> bytes:
    """A tile with the polygons that meet it, simplified to half a pixel and cut `BUFFER_PX` outside its edge.

    Parameters
    ----------
    z, x, y : the tile.
    areas_lonlat : polygons in EPSG:4326 or 4490; the index gives the features' ids (whole numbers ≥ 0).
    columns : columns that become properties; missing values are left out.
    layer : name of the layer.

    Raises
    ------
    NotLonLatError
    """
    require_lonlat(areas_lonlat)
    geometry = areas_lonlat.geometry.to_numpy()
    in_units = shapely.transform(geometry, lambda lon, lat: tuple(_tile_units(z, x, y, lon, lat)), interleaved=False)
    reach = BUFFER_PX * UNITS_PER_PX
    window = shapely.box(-reach, -reach, EXTENT + reach, EXTENT + reach)
    west, north, east, south = shapely.bounds(in_units).T
    near = (east >= -reach) & (west <= EXTENT + reach) & (south >= -reach) & (north <= EXTENT + reach)
    # simplified before it is cut, so that neighbours of one tile and the next keep their common border
    simple = shapely.simplify(in_units[near], UNITS_PER_PX / 2)
    within = shapely.contains_properly(window, simple)
    simple[~within] = shapely.intersection(simple[~within], window)
    whole = shapely.set_precision(simple, 1.0)
    drawn = shapely.area(whole) > 0
    rows = areas_lonlat[list(columns)].iloc[np.flatnonzero(near)[drawn]].astype(object)
    properties = [
        {key: value for key, value in zip(columns, row, strict=True) if not pd.isna(value)}
        for row in rows.itertuples(index=False, name=None)
    ]
    return polygon_layer(layer, _multipolygons(whole[drawn]), rows.index.to_numpy(dtype=np.int64), properties)


def _multipolygons(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """The polygons of each shape (lines and points that cutting left fall away) as one MultiPolygon."""
    parts, of_shape = shapely.get_parts(shapes, return_index=True)
    polygons = shapely.get_dimensions(parts) == 2
    together: npt.NDArray[np.object_] = shapely.multipolygons(parts[polygons], indices=of_shape[polygons])
    return together


def _tile_units(z: int, x: int, y: int, lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Right and down from the tile's north-west corner, shape (2, n), in units of the tile."""
    across = (np.asarray(lon, dtype=np.float64) + 180.0) / 360.0
    phi = np.radians(np.asarray(lat, dtype=np.float64))
    down = (1.0 - np.arcsinh(np.tan(phi)) / np.pi) / 2.0
    return np.stack([across * 2.0**z - x, down * 2.0**z - y]) * EXTENT


def _inside(units: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    right, down = (units >= 0.0) & (units < EXTENT)
    inside: npt.NDArray[np.bool_] = right & down
    return inside
