"""Places on earth: what a file's coordinates mean, and their way to longitude-latitude and to metres.

Phone-app maps shift coordinates on purpose (`gcj02`), and nothing in a file says so: a person declares it, `diagnose`
shows what each reading would mean, and nothing here guesses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from layers.frames import LONLAT, require_lonlat, require_metric
from layers.gcj02 import SHIFTED_EXTENT, bd09_to_wgs84, gcj02_to_wgs84, within_shifted_extent

Points = npt.NDArray[np.float64]

SHIFTED: Final[Mapping[str, Callable[[npt.ArrayLike, npt.ArrayLike], tuple[Points, Points]]]] = MappingProxyType(
    {"GCJ-02": gcj02_to_wgs84, "BD-09": bd09_to_wgs84}
)
"""Shifted coordinates that may be declared, each with its way to WGS 84."""

AS_IS: Final = "as is"
"""The reading of coordinates as longitude and latitude without a shift."""


class CrsNotDeclaredError(ValueError):
    """Neither the file nor the person says what the coordinates mean."""


class CrsUnknownError(ValueError):
    """What was declared is neither a CRS that is known nor a shift."""


class CoordinatesOutOfRangeError(ValueError):
    """Coordinates cannot be what they were declared to be.

    Attributes
    ----------
    rows : index labels of the features concerned.
    """

    def __init__(self, problem: str, rows: pd.Index) -> None:
        self.rows = tuple(rows)
        super().__init__(f"{problem}: {len(rows)} features, first {', '.join(map(str, rows[:10]))}")


@dataclass(frozen=True, eq=False, slots=True)
class LonLatReading:
    """What became of a file's geometry on its way to longitude and latitude.

    Attributes
    ----------
    frame : the features in EPSG:4326, two-dimensional; index and columns as they were.
    read_as : CRS or shift that the coordinates were read as.
    overrode : name of the file's own CRS when the declaration contradicted it, else None. Some formats (GeoJSON, KML)
        say EPSG:4326 whatever they hold.
    accuracy_m : metres by which the transformation may be wrong, None where PROJ does not know it.
    z_dropped : index labels of the features whose third dimension (or measure) was dropped.
    """

    frame: gpd.GeoDataFrame
    read_as: str
    overrode: str | None
    accuracy_m: float | None
    z_dropped: pd.Index


def to_lonlat(frame: gpd.GeoDataFrame, declared: str | None = None) -> LonLatReading:
    """Features read as declared (or, undeclared, as the file says), in EPSG:4326.

    Parameters
    ----------
    frame : features as they came from the file.
    declared : "EPSG:<code>", "GCJ-02" or "BD-09"; None to believe the file. A declaration wins over the file.

    Raises
    ------
    CrsNotDeclaredError
        Nothing is declared and the file does not say.
    CrsUnknownError
        What is declared names no CRS.
    CoordinatesOutOfRangeError
        Features do not lie on the earth under this reading, or outside the region where GCJ-02 and BD-09 are shifted.
    """
    geometry = frame.geometry.to_numpy()
    z_dropped = frame.index[shapely.has_z(geometry) | shapely.has_m(geometry)]
    flat = gpd.GeoSeries(shapely.force_2d(geometry), index=frame.index)
    if declared is not None and declared in SHIFTED:
        source, to_wgs84, accuracy_m = CRS(LONLAT), SHIFTED[declared], None
        _refuse_outside(flat, within_shifted_extent, f"outside {SHIFTED_EXTENT}, where {declared} is shifted")
    else:
        source = _declared_crs(declared, frame.crs)
        transformer = Transformer.from_crs(source, LONLAT, always_xy=True)
        to_wgs84, accuracy_m = transformer.transform, transformer.accuracy if transformer.accuracy >= 0 else None
    lonlat = _moved(flat, to_wgs84)
    _refuse_outside(lonlat, _on_earth, f"not on the earth when read as {declared or source.name}")
    contradicted = frame.crs is not None and not frame.crs.equals(source, ignore_axis_order=True)
    return LonLatReading(
        frame=frame.set_geometry(lonlat.set_crs(LONLAT)),
        read_as=declared or source.to_string(),
        overrode=frame.crs.name if contradicted else None,
        accuracy_m=accuracy_m,
        z_dropped=z_dropped,
    )


def to_metric(frame_lonlat: gpd.GeoDataFrame, metric_crs: Any) -> gpd.GeoDataFrame:
    """Copy of a lon-lat frame in the deployment's metric CRS, where it may be measured.

    Raises
    ------
    NotLonLatError
        The frame is not in longitude and latitude.
    NotMetricError
        Metres of `metric_crs` are not metres on the ground.
    CoordinatesOutOfRangeError
        Features lie where `metric_crs` is not defined.
    """
    require_lonlat(frame_lonlat)
    frame_metric = frame_lonlat.to_crs(require_metric(metric_crs))
    _refuse_outside(frame_metric.geometry, _finite, f"outside the reach of {frame_metric.crs.name}")
    return frame_metric


def diagnose(
    features: gpd.GeoDataFrame | gpd.GeoSeries | Points,
    district_lonlat: shapely.Geometry,
    *,
    unsure: Literal["features", "district"] = "features",
) -> pd.DataFrame:
    """How many features lie wholly inside a district under each reading of uncertain coordinates.

    Parameters
    ----------
    features : geometry, or an array of shape (n, 2) of points, in degrees; missing and empty ones are not counted.
    district_lonlat : outline of the district in degrees.
    unsure : which of the two is read in each way; the other is in WGS 84. An outline of unknown origin is diagnosed by
        places that are known.

    Returns
    -------
    One row per `reading` ("as is", "GCJ-02", "BD-09") with `features` (how many), `inside` (how many wholly) and
    `share_inside` (0-1, NaN without features).
    """
    geometry = shapely.points(features) if isinstance(features, np.ndarray) else features.geometry.to_numpy()
    geometry = geometry[~(shapely.is_missing(geometry) | shapely.is_empty(geometry))]
    inside = []
    for to_wgs84 in (None, *SHIFTED.values()):
        moved = {"features": geometry, "district": np.array([district_lonlat])}
        if to_wgs84 is not None:
            moved[unsure] = shapely.transform(moved[unsure], to_wgs84, interleaved=False)
        outline = moved["district"][0]
        shapely.prepare(outline)
        inside.append(int(shapely.covers(outline, moved["features"]).sum()))
    count = len(geometry)
    return pd.DataFrame(
        {"features": count, "inside": inside, "share_inside": [n / count if count else np.nan for n in inside]},
        index=pd.Index([AS_IS, *SHIFTED], name="reading"),
    )


def suspicious_coordinates(
    lon: npt.ArrayLike, lat: npt.ArrayLike, extent_lonlat: tuple[float, float, float, float]
) -> pd.DataFrame:
    """Points that cannot be on the earth, and points whose longitude and latitude are probably swapped.

    A point is probably swapped when it lies outside the extent, and inside it when swapped. Nothing is repaired.

    Parameters
    ----------
    lon, lat : degrees; NaN (no point) is not suspicious.
    extent_lonlat : west, south, east, north in degrees of where points are expected, for example the district's bounds
        with a margin.

    Returns
    -------
    One row per point, in order, with `off_the_earth` and `probably_swapped` (bool).
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    west, south, east, north = extent_lonlat
    expected = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    expected_swapped = (y >= west) & (y <= east) & (x >= south) & (x <= north)
    given = ~(np.isnan(x) | np.isnan(y))
    return pd.DataFrame({"off_the_earth": given & ~_on_earth(x, y), "probably_swapped": ~expected & expected_swapped})


def _declared_crs(declared: str | None, of_file: CRS | None) -> CRS:
    if declared is None:
        if of_file is None:
            raise CrsNotDeclaredError(f"the file names no CRS: declare EPSG:<code>, {' or '.join(SHIFTED)}")
        return CRS(of_file)
    try:
        return CRS.from_user_input(declared)
    except CRSError as error:
        raise CrsUnknownError(f"{declared!r} is neither a CRS (EPSG:<code>) nor {' nor '.join(SHIFTED)}") from error


def _moved(series: gpd.GeoSeries, to_wgs84: Callable[..., Any]) -> gpd.GeoSeries:
    return gpd.GeoSeries(shapely.transform(series.to_numpy(), to_wgs84, interleaved=False), index=series.index)


def _refuse_outside(
    series: gpd.GeoSeries, within: Callable[[Points, Points], npt.NDArray[np.bool_]], problem: str
) -> None:
    """Refuse features with a coordinate that is not `within`."""
    coordinates, owner = shapely.get_coordinates(series.to_numpy(), return_index=True)
    outside = np.unique(owner[~within(coordinates[:, 0], coordinates[:, 1])])
    if len(outside):
        raise CoordinatesOutOfRangeError(problem, series.index[outside])


def _on_earth(lon: Points, lat: Points) -> npt.NDArray[np.bool_]:
    return (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)


def _finite(x: Points, y: Points) -> npt.NDArray[np.bool_]:
    return np.isfinite(x) & np.isfinite(y)
