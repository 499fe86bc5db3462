"""The geometry of an import on its way to lon-lat: what it means is declared or in the file, and never guessed."""

from __future__ import annotations

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_service.errors import Fault, InvalidInputError
from gis_service.intake.content import MISSING, NO_GEOMETRY, NOT_FINITE, UNREADABLE
from gis_service.intake.fault_list import FaultList
from gis_service.texts import T, Text
from layers.crs import (
    SHIFTED,
    CoordinatesOutOfRangeError,
    CrsNotDeclaredError,
    CrsUnknownError,
    LonLatReading,
    to_lonlat,
)

_FLAWS: Final = {
    MISSING: T("The row has no geometry."),
    UNREADABLE: T("The geometry is of a kind that is not taken (curves, or rings that do not close)."),
    NOT_FINITE: T("The coordinates are not finite numbers."),
}


def place(
    geometry: gpd.GeoSeries, declared: str | None, file: str, faults: FaultList, warnings: list[Text]
) -> gpd.GeoSeries:
    """Geometry in lon-lat, read as declared or as its file says; rows that cannot lie there become faults and None.

    Raises
    ------
    InvalidInputError
        What is declared names no CRS. (That nothing is declared where the file names none is a fault of the whole.)
    """
    placed = geometry.copy().set_crs(None, allow_override=True)
    rest = gpd.GeoDataFrame(geometry=geometry[geometry.notna()])
    while len(rest):
        try:
            reading = to_lonlat(rest, declared)
        except CoordinatesOutOfRangeError as error:
            out = pd.Series(placed.index.isin(error.rows), index=placed.index)
            _refuse_out_of_range(out, geometry, declared, faults)
            placed[out] = None
            rest = rest.drop(index=list(error.rows))
        except CrsNotDeclaredError:
            faults.refuse_all(_undeclared(file))
            placed[:] = None
            break
        except CrsUnknownError as error:
            raise InvalidInputError(
                T("{crs} is not known: declare EPSG:4326, another EPSG:<code>, GCJ-02 or BD-09.", crs=declared)
            ) from error
        else:
            placed[rest.index] = reading.frame.geometry.to_numpy()
            _report(reading, warnings)
            break
    return placed.set_crs("EPSG:4326", allow_override=True)


def points(rows: pd.DataFrame, faults: FaultList) -> gpd.GeoSeries:
    """Points of the columns `lon` and `lat` as they are written; a row with neither has none."""
    lon, lat = (rows[name].astype("float64") for name in ("lon", "lat"))
    faults.refuse(
        lon.isna() ^ lat.isna(),
        T("Only one of lon and lat is given."),
        field="lon",
        remedy=T("Give both, or neither when there is no point."),
    )
    given = (lon.notna() & lat.notna()).to_numpy()
    shapes = np.full(len(rows), None, dtype=object)
    shapes[given] = shapely.points(lon[given], lat[given])
    return gpd.GeoSeries(shapes, index=rows.index)


def refuse_flaws(flaws: pd.Series, faults: FaultList, *, may_be_missing: bool) -> None:
    """Refuse what is no geometry; rings that cross themselves pass, because a topology report shows them."""
    for flaw, message in _FLAWS.items():
        if flaw != MISSING or not may_be_missing:
            faults.refuse(flaws.eq(flaw), message, field="geometry", remedy=T("Draw it again and export the layer."))


def remark_invalid(flaws: pd.Series, warnings: list[Text]) -> None:
    """Say how many geometries are invalid; nothing is repaired silently."""
    invalid = flaws[~flaws.isin(["", *NO_GEOMETRY])]
    if len(invalid):
        warnings.append(
            T(
                "{count} shapes are invalid (first: {reason}); they are taken as they are and "
                "the topology report shows them.",
                count=len(invalid),
                reason=invalid.iloc[0],
            )
        )


def _undeclared(file: str) -> Fault:
    return Fault(
        T("The file does not say what its coordinates mean; that is never guessed."),
        file=file,
        field="crs",
        remedy=T(
            "Say it: --crs EPSG:4326 (surveyed, GPS), GCJ-02 (Amap, Tencent) or BD-09 (Baidu), or another EPSG:<code>."
        ),
    )


def _refuse_out_of_range(out: pd.Series, geometry: gpd.GeoSeries, declared: str | None, faults: FaultList) -> None:
    first = pd.Series("", index=geometry.index, dtype="str")
    shapes = geometry[out].to_numpy()
    corners = shapely.bounds(shapes)[:, :2]
    first[out] = np.array([f"{x:.6g}, {y:.6g}" for x, y in corners], dtype=object)
    swapped = np.zeros(len(geometry), dtype=bool)
    east, north = shapely.bounds(shapes)[:, 2], shapely.bounds(shapes)[:, 3]
    swapped[out.to_numpy()] = (np.abs(corners[:, 0]) <= 90) & (np.abs(east) <= 90) & (north > 90) & (north <= 180)
    for rows, remedy in (
        (out & swapped, T("Longitude and latitude are probably swapped: longitude comes first (121.5, 29.9).")),
        (out & ~swapped, T("Declare the coordinate system that the numbers are in; this one cannot be it.")),
    ):
        faults.refuse(
            rows,
            T("The coordinates are impossible when read as {crs}.", crs=declared or geometry.crs.name),
            field="geometry",
            values=first,
            remedy=remedy,
        )


def _report(reading: LonLatReading, warnings: list[Text]) -> None:
    if reading.overrode is not None:
        warnings.append(
            T(
                "The file says {file_crs}, you said {said}: read as you said.",
                file_crs=reading.overrode,
                said=reading.read_as,
            )
        )
    elif reading.read_as in SHIFTED:
        warnings.append(T("Converted from {said} to WGS 84.", said=reading.read_as))
    if len(reading.z_dropped):
        warnings.append(T("The heights of {count} shapes were dropped.", count=len(reading.z_dropped)))
