"""What addresses are placed on: the compounds, villages and beat parts of one day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import geopandas as gpd
import pandas as pd
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.placing import place
from gis_service.addresses.tables import Unresolved
from gis_service.areas.queries import area_names, areas
from gis_service.areas.tables import AreaLevel
from gis_service.storage.boxes import Box
from gis_service.teams.queries import beat_parts


@dataclass(frozen=True, eq=False)
class Ground:
    """The land and the beats of one day.

    Attributes
    ----------
    compounds : AREAS frame in lon-lat.
    villages : `area_id`, indexed by code.
    parts : `teams.queries.beat_parts`.
    """

    compounds: gpd.GeoDataFrame
    villages: pd.Series
    parts: gpd.GeoDataFrame

    def place(self, points: pd.DataFrame, metric_crs: str) -> pd.DataFrame:
        """`placing.place` on this ground."""
        return place(points, self.compounds, self.villages, self.parts, metric_crs)


def ground_on(session: Session, day: date, box: Box | None = None) -> Ground:
    """The ground of `day`; with a box (degrees lon-lat) only the compounds that touch it."""
    everything = Scope(day, None)
    compounds = areas(session, everything, levels=[AreaLevel.COMPOUND], box=box)
    names = area_names(session, everything, levels=[AreaLevel.VILLAGE])
    villages = pd.Series(names.index, index=names["code"])
    return Ground(compounds, villages[~villages.index.duplicated()], beat_parts(session, everything))


def place_some(session: Session, points: pd.DataFrame, day: date, metric_crs: str) -> pd.DataFrame:
    """Place a few addresses as the land stands on `day`: only the compounds around them are read.

    The nearest area of an address outside all of them may lie anywhere: for such addresses all compounds are read.
    """
    with_point = points.dropna(subset=["lon", "lat"])
    extent = (*with_point[["lon", "lat"]].min(), *with_point[["lon", "lat"]].max()) if len(with_point) else (0.0,) * 4
    west, south, east, north = (float(edge) for edge in extent)
    placed = ground_on(session, day, (west, south, east, north)).place(points, metric_crs)
    outside = placed["unresolved"].eq(Unresolved.OUTSIDE.value)
    if not outside.any():
        return placed
    again = ground_on(session, day).place(points[outside], metric_crs)
    return pd.concat([placed[~outside], again]).loc[placed.index]
