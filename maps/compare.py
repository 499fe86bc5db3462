"""Two maps side by side: the land before and after, with what moved; as data for our own script."""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from maps.canvas import BaseMap
from maps.outlines import DECIMALS, bounds_latlon, geojson_geometries

_SMALLEST_DEG2 = 1e-10
"""Moved pieces below this, about a square metre, are too small to be seen."""

_AROUND_DEG = 0.0003
"""A place is shown with at least so much around it, about 30 m."""

__all__ = ["TINTS", "base_map_data", "compared", "compared_cases"]

TINTS = ("#cfe3f5", "#fbe3c0", "#d7ecd0", "#f3d3dd", "#e1d9f2", "#d9e6e4", "#f2ecc2", "#e9d9cc")
"""Pale fills by which one tells neighbours apart; black text on each has a contrast above 12 : 1."""


def compared(
    borders: gpd.GeoDataFrame,
    ground: gpd.GeoDataFrame,
    faults: gpd.GeoDataFrame,
    base_maps: Sequence[BaseMap] = (),
) -> dict[str, Any]:
    """
    Return what the script `compare.js` draws: both sides, the ground around them and what lies otherwise.

    Parameters
    ----------
    borders
        Lon-lat; ``area_id``, ``code``, ``name``, ``when`` (before, after).
    ground
        AREAS frame in lon-lat around them; areas of ``borders`` are left out of it.
    faults
        Places in lon-lat that break the topology afterwards, with ``label`` (text).
    base_maps
        See `maps.canvas.BaseMap`; the first is drawn.

    Returns
    -------
    dict
        ``before``, ``after``, ``moved``, ``ground`` and ``faults`` as GeoJSON feature collections, ``bounds`` as
        ``[[south, west], [north, east]]`` of the borders, ``base`` (see `base_map_data`).

    Raises
    ------
    ValueError
        There is no border.
    """
    sides = {when: borders[borders["when"] == when] for when in ("before", "after")}
    around = ground[~ground.index.isin(borders["area_id"])]
    return {
        **_sides(sides),
        "moved": _collection(moved_ground(sides["before"], sides["after"])),
        "ground": _collection(around, names=around["name"]),
        "faults": _collection(faults, names=faults["label"]),
        "bounds": bounds_latlon(borders),
        "base": base_map_data(base_maps),
    }


def compared_cases(
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    places: gpd.GeoSeries,
    ground: gpd.GeoDataFrame,
    base_maps: Sequence[BaseMap] = (),
) -> dict[str, Any]:
    """
    Return what `compare.js` draws of cases of which one is shown at a time, each with its place.

    Parameters
    ----------
    before, after
        Lon-lat; ``key`` of the case, ``area_id``, ``code``, ``name``.
    places
        Lon-lat, one a case, on its key: the ground that changes hands, if only by a hair.
    ground
        AREAS frame in lon-lat around all of them.
    base_maps
        See `maps.canvas.BaseMap`; the first is drawn.

    Returns
    -------
    dict
        ``cases`` by key, each as `compared` has it; ``ground``, ``base``.
    """
    by_key = [dict(iter(side.groupby("key"))) for side in (before, after)]
    nothing = _collection(places.iloc[:0].to_frame("geometry").set_geometry("geometry"))
    cases = {
        str(key): {
            **_sides({"before": by_key[0][key], "after": by_key[1][key]}),
            "moved": _collection(places.loc[[key]].to_frame("geometry").set_geometry("geometry")),
            "faults": nothing,
            "bounds": _around(places[key]),
        }
        for key in places.index
    }
    return {"cases": cases, "ground": _collection(ground, names=ground["name"]), "base": base_map_data(base_maps)}


def moved_ground(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """
    Return the ground, from about 1 m² on, that areas on both sides gained, in lon-lat; nothing of a new one.

    Parameters
    ----------
    before, after
        Lon-lat with ``area_id``.
    """
    was = before.drop_duplicates("area_id").set_index("area_id").geometry
    now = after.drop_duplicates("area_id").set_index("area_id").geometry
    both = now.index.intersection(was.index)
    gained = shapely.difference(now.loc[both].to_numpy(), was.loc[both].to_numpy())
    parts = shapely.get_parts(gained)
    polygons = parts[shapely.area(parts) > _SMALLEST_DEG2]  # lines and points have none
    return gpd.GeoDataFrame(geometry=polygons, crs=before.crs)


def base_map_data(base_maps: Sequence[BaseMap]) -> dict[str, Any] | None:
    """Return ``url``, ``attribution`` and ``maxZoom`` of the first base map; None when there is none."""
    if not base_maps:
        return None
    first = base_maps[0]
    return {"url": first.url, "attribution": first.attribution, "maxZoom": first.max_zoom}


def _sides(sides: Mapping[str, gpd.GeoDataFrame]) -> dict[str, Any]:
    """Return both sides as feature collections; an area has one tint on both."""
    ids = pd.concat([side["area_id"] for side in sides.values()]).unique()
    tints = {area_id: TINTS[place % len(TINTS)] for place, area_id in enumerate(ids)}
    return {
        when: _collection(
            side, names=side["name"], codes=side["code"], ids=side["area_id"], tints=side["area_id"].map(tints)
        )
        for when, side in sides.items()
    }


def _around(place: shapely.Geometry) -> list[list[float]]:
    """Return ``[[south, west], [north, east]]`` of a place and half its extent around it."""
    west, south, east, north = place.bounds
    margin = max((east - west) / 2, (north - south) / 2, _AROUND_DEG)
    return [[south - margin, west - margin], [north + margin, east + margin]]


def _collection(frame: gpd.GeoDataFrame, **properties: Any) -> dict[str, Any]:
    """Return a feature collection, rounded to 0.1 m; the properties lose the plural of their names."""
    rounded = shapely.transform(frame.geometry.to_numpy(), lambda lonlat: np.round(lonlat, DECIMALS))
    columns = {name.removesuffix("s"): list(values) for name, values in properties.items()}
    features = [
        {
            "type": "Feature",
            "properties": {name: values[place] for name, values in columns.items()},
            "geometry": geometry,
        }
        for place, geometry in enumerate(geojson_geometries(gpd.GeoSeries(rounded)))
    ]
    return {"type": "FeatureCollection", "features": features}
