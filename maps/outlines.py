"""Outlines fit to travel: simplified together so that neighbours share their borders, rounded, with a label's place."""

import json

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

__all__ = ["DECIMALS", "bounds_latlon", "geojson_geometries", "label_places", "simplified"]

LONLAT = "EPSG:4326"
Polygons = npt.NDArray[np.object_]
DECIMALS = 6
"""Decimals of a degree on the wire: 0.1 m."""


def simplified(areas: gpd.GeoDataFrame, tolerance_m: float) -> gpd.GeoSeries:
    """
    Simplify polygons of one level together, so that a shared border stays one line.

    Visvalingam and Whyatt (1993) on the coverage (GEOS ``CoverageSimplify``), in the UTM zone of the place. Holes
    that are too small to see are left out of the drawing. Outlines that overlap too wildly to be one coverage are
    simplified one by one.

    Parameters
    ----------
    areas
        Polygons in any CRS.
    tolerance_m
        Side in metres of the square whose half is the largest triangle that may vanish; 0 keeps every vertex.

    Returns
    -------
    geopandas.GeoSeries
        On the same index, EPSG:4326, rounded to `DECIMALS`.

    Raises
    ------
    ValueError
        When the frame has no CRS.
    """
    if areas.crs is None:
        raise ValueError("areas to draw need a CRS")
    outlines = areas.geometry
    if tolerance_m > 0 and len(areas):
        metric = outlines.to_crs(utm_crs(outlines))
        whole = without_small_holes(metric.to_numpy(), tolerance_m**2 / 2)
        outlines = gpd.GeoSeries(thinned(whole, tolerance_m), index=areas.index, crs=metric.crs)
    rounded = shapely.transform(outlines.to_crs(LONLAT).to_numpy(), lambda lonlat: np.round(lonlat, DECIMALS))
    return gpd.GeoSeries(rounded, index=areas.index, crs=LONLAT)


def utm_crs(outlines: gpd.GeoSeries) -> str:
    """Return the UTM zone (WGS 84) that the middle of the outlines lies in; geopandas' own search takes 0.15 s."""
    west, south, east, north = outlines.total_bounds
    middle = gpd.GeoSeries(gpd.points_from_xy([(west + east) / 2], [(south + north) / 2]), crs=outlines.crs)
    lonlat = middle.to_crs(LONLAT).iloc[0]
    zone = int((lonlat.x + 180) // 6) % 60 + 1
    return f"EPSG:{(32600 if lonlat.y >= 0 else 32700) + zone}"


def thinned(polygons: Polygons, tolerance_m: float) -> Polygons:
    """Return polygons with fewer vertices, together when they are near enough to a coverage, else one by one."""
    thinner: Polygons
    try:
        thinner = shapely.coverage_simplify(polygons, tolerance_m)
    except shapely.errors.GEOSException:
        thinner = shapely.simplify(polygons, tolerance_m / 2, preserve_topology=True)
    return thinner


def without_small_holes(polygons: Polygons, smallest_m2: float) -> Polygons:
    """Return polygons without interior rings of less than an area: real neighbours leave hundreds of slivers."""
    parts, owners = shapely.get_parts(polygons, return_index=True)
    holed = np.flatnonzero(shapely.get_num_interior_rings(parts) > 0)
    for place in holed:
        holes = [ring for ring in parts[place].interiors if shapely.area(shapely.polygons(ring)) >= smallest_m2]
        parts[place] = shapely.polygons(parts[place].exterior, holes=holes or None)
    filled = polygons.copy()
    for owner in np.unique(owners[holed]):
        own = parts[owners == owner]
        filled[owner] = own[0] if len(own) == 1 else shapely.multipolygons(own)
    return filled


def label_places(areas: gpd.GeoDataFrame) -> list[list[float]]:
    """Return ``[lat, lon]`` of the middle of the widest part of each area, where its label fits best."""
    metric = areas.geometry.to_crs(utm_crs(areas.geometry)) if len(areas) else areas.geometry
    spokes = shapely.maximum_inscribed_circle(metric.to_numpy(), tolerance=20)
    middles = gpd.GeoSeries(shapely.get_point(spokes, 0), crs=metric.crs).to_crs(LONLAT)
    places: list[list[float]] = np.round(np.column_stack([middles.y, middles.x]), 5).tolist()
    return places


def geojson_geometries(outlines: gpd.GeoSeries) -> list[dict[str, object]]:
    """Return each geometry as a GeoJSON object."""
    return [json.loads(text) for text in shapely.to_geojson(outlines.to_numpy())]


def bounds_latlon(areas: gpd.GeoDataFrame) -> list[list[float]]:
    """
    Return ``[[south, west], [north, east]]`` of all areas, as Leaflet wants them.

    Raises
    ------
    ValueError
        When there is nothing to bound.
    """
    west, south, east, north = areas.geometry.to_crs(LONLAT).total_bounds
    if not np.isfinite([west, south, east, north]).all():
        raise ValueError("nothing to draw: no area has a geometry")
    return [[float(south), float(west)], [float(north), float(east)]]


def by_parent(areas: pd.DataFrame) -> pd.Series:
    """Return the parent's id as a plain object column: an int, or None for a root."""
    return areas["parent_id"].astype(object).where(areas["parent_id"].notna(), None)
