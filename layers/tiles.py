"""Vector tiles of some points.

`layers.point_pyramid` cuts them from points by the hundred thousand, `layers.border_pyramid` from polygons.
Mapbox Vector Tiles 2.1 in the XYZ scheme: Web Mercator, tile row `y` counts down from the north, and so do the units
inside a tile, `EXTENT` of them on a side. Nothing is measured here: Web Mercator is only where tiles are drawn.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers._mvt import EXTENT, Values, point_layer

__all__ = ["EXTENT", "TILE_PX", "encode_points", "tile_bounds", "tile_units"]

TILE_PX: Final = 256
"""Pixels of a tile's side on the screen."""


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
    units = tile_units(z, x, y, lon, lat)
    inside = _inside(units)
    position = np.floor(units[:, inside]).astype(np.int64)
    chosen = {key: pd.Series(values).array[inside] for key, values in (properties or {}).items()}
    return point_layer(layer, position[0], position[1], np.asarray(ids, dtype=np.int64)[inside], chosen)


def tile_units(z: int, x: int, y: int, lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Right and down from the tile's north-west corner of degrees (EPSG:4326), shape (2, n), in units of the tile."""
    across = (np.asarray(lon, dtype=np.float64) + 180.0) / 360.0
    phi = np.radians(np.asarray(lat, dtype=np.float64))
    down = (1.0 - np.arcsinh(np.tan(phi)) / np.pi) / 2.0
    return np.stack([across * 2.0**z - x, down * 2.0**z - y]) * EXTENT


def _inside(units: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    right, down = (units >= 0.0) & (units < EXTENT)
    inside: npt.NDArray[np.bool_] = right & down
    return inside
