"""The borders that an applied change found and left, read from what its reversal needs."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from gis_service.areas.tables import LandChange

COLUMNS = ("area_id", "code", "name", "when", "geometry")


def recorded_borders(change: LandChange) -> gpd.GeoDataFrame:
    """Borders on the day of a change that was carried out, lon-lat: `area_id`, `code`, `name`, `when` (before, after).

    Empty as long as it was not.
    """
    undo: dict[str, Any] = change.undo or {}
    day = change.day.isoformat()
    rows = [
        {
            "area_id": int(area_id),
            "code": version["code"],
            "name": version["name"],
            "when": when,
            "geometry": shapely.from_wkb(version["border"]),
        }
        for when in ("before", "after")
        for area_id, timeline in undo.get(when, {}).items()
        for version in timeline
        if version["border"] is not None
        and version["since"] <= day
        and (version["until"] is None or day < version["until"])
    ]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=pd.Index(COLUMNS)), geometry="geometry", crs="EPSG:4326")
