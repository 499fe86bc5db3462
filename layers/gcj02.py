"""GCJ-02 and BD-09, the shifted coordinates of Chinese phone-app maps, to and from WGS 84.

The forward formulas are the published ones: WGS 84 to GCJ-02 as in https://github.com/googollee/eviltransform, GCJ-02
to BD-09 as in https://github.com/wandergis/coordtransform (eviltransform's BD-09 has π where the noise's frequency,
π · 3000/180, belongs, and is metres off). Our tests hold the vectors published with them. There is no closed inverse:
it is found by fixed-point iteration, which converges because the shift changes by less than 3 % of the way moved; a
round trip returns within `ROUND_TRIP_M`. How closely the formula meets the state's own is not published.

All functions are vectorised over arrays of degrees, longitude first, and return new arrays.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Degrees = npt.NDArray[np.float64]
LonLat = tuple[Degrees, Degrees]

SHIFTED_EXTENT: Final = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north in degrees: the published formula shifts inside this rectangle and nothing outside it."""

ROUND_TRIP_M: Final = 0.001
"""Metres within which there and back again returns to the start."""

_SEMI_MAJOR_M: Final = 6_378_245.0  # Krasovsky 1940, which the published formula measures degrees with
_ECCENTRICITY_SQUARED: Final = 0.00669342162296594323
_BD_NOISE_FREQUENCY: Final = np.pi * 3000.0 / 180.0
_BD_SHIFT: Final = (0.0065, 0.006)
_CONVERGED_DEG: Final = 1e-11  # about a micrometre
_MOST_STEPS: Final = 50


def wgs84_to_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> LonLat:
    """GCJ-02 degrees of WGS 84 degrees; outside `SHIFTED_EXTENT` unchanged, as published."""
    lon_wgs84, lat_wgs84 = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    shift_lon, shift_lat = _shift(lon_wgs84, lat_wgs84)
    shifted = within_shifted_extent(lon_wgs84, lat_wgs84)
    return lon_wgs84 + np.where(shifted, shift_lon, 0.0), lat_wgs84 + np.where(shifted, shift_lat, 0.0)


def gcj02_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> LonLat:
    """WGS 84 degrees of GCJ-02 degrees, to `ROUND_TRIP_M`; outside `SHIFTED_EXTENT` unchanged."""
    lon_gcj02, lat_gcj02 = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    shifted = within_shifted_extent(lon_gcj02, lat_gcj02)
    lon_wgs84, lat_wgs84 = _invert(lambda x, y: _add(x, y, _shift(x, y)), lon_gcj02, lat_gcj02)
    return np.where(shifted, lon_wgs84, lon_gcj02), np.where(shifted, lat_wgs84, lat_gcj02)


def gcj02_to_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> LonLat:
    """BD-09 degrees of GCJ-02 degrees."""
    lon_gcj02, lat_gcj02 = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    radius = np.hypot(lon_gcj02, lat_gcj02) + 0.00002 * np.sin(lat_gcj02 * _BD_NOISE_FREQUENCY)
    angle = np.arctan2(lat_gcj02, lon_gcj02) + 0.000003 * np.cos(lon_gcj02 * _BD_NOISE_FREQUENCY)
    return radius * np.cos(angle) + _BD_SHIFT[0], radius * np.sin(angle) + _BD_SHIFT[1]


def bd09_to_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> LonLat:
    """GCJ-02 degrees of BD-09 degrees, to `ROUND_TRIP_M`."""
    return _invert(gcj02_to_bd09, np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))


def wgs84_to_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> LonLat:
    """BD-09 degrees of WGS 84 degrees."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def bd09_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> LonLat:
    """WGS 84 degrees of BD-09 degrees, to `ROUND_TRIP_M`."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def within_shifted_extent(lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which places lie in `SHIFTED_EXTENT`, where the published formula shifts."""
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    west, south, east, north = SHIFTED_EXTENT
    return (x >= west) & (x <= east) & (y >= south) & (y <= north)


def _shift(lon: Degrees, lat: Degrees) -> LonLat:
    """Published shift of WGS 84 degrees, in degrees: polynomial and sines in metres over the length of a degree."""
    x, y = lon - 105.0, lat - 35.0
    common = (20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x)) + common
    east_m += (20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi * x / 3.0)) * 2.0 / 3.0
    east_m += (150.0 * np.sin(np.pi * x / 12.0) + 300.0 * np.sin(np.pi * x / 30.0)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x)) + common
    north_m += (20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi * y / 3.0)) * 2.0 / 3.0
    north_m += (160.0 * np.sin(np.pi * y / 12.0) + 320.0 * np.sin(np.pi * y / 30.0)) * 2.0 / 3.0
    phi = np.radians(lat)
    flattening = 1.0 - _ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    metres_per_radian_north = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_SQUARED) / (flattening * np.sqrt(flattening))
    metres_per_radian_east = _SEMI_MAJOR_M / np.sqrt(flattening) * np.cos(phi)
    return np.degrees(east_m / metres_per_radian_east), np.degrees(north_m / metres_per_radian_north)


def _add(lon: Degrees, lat: Degrees, shift: LonLat) -> LonLat:
    return lon + shift[0], lat + shift[1]


def _invert(forward: Callable[[Degrees, Degrees], LonLat], lon: Degrees, lat: Degrees) -> LonLat:
    """Places that `forward` takes to the given ones, by fixed-point iteration on the difference."""
    lon_found, lat_found = lon.copy(), lat.copy()
    for _ in range(_MOST_STEPS):
        lon_reached, lat_reached = forward(lon_found, lat_found)
        step_lon, step_lat = lon - lon_reached, lat - lat_reached
        lon_found, lat_found = lon_found + step_lon, lat_found + step_lat
        steps = np.maximum(np.abs(step_lon), np.abs(step_lat))
        if not np.any(steps > _CONVERGED_DEG):  # NaN in, NaN out
            break
    return lon_found, lat_found
