"""What addresses are placed on: the compounds, villages and beat parts of one day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import geopandas as gpd
import pandas as pd
from sqlalchemy import case, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.placing import place
from gis_service.addresses.tables import Unresolved
from gis_service.areas.land_record import heir_pairs
from gis_service.areas.queries import areas
from gis_service.areas.tables import Area, AreaLevel, AreaVersion
from gis_service.storage.boxes import Box
from gis_service.storage.frames import read_frame
from gis_service.teams.queries import beat_parts


@dataclass(frozen=True, eq=False)
class Ground:
    """The land and the beats of one day.

    Attributes
    ----------
    compounds : AREAS frame in lon-lat.
    villages : `area_id`, indexed by code; of villages that are no more too, under the codes that they had.
    parts : `teams.queries.beat_parts`.
    heirs : pairs (village, village that got ground of it).
    homes : parent of a village that is no more, by its `area_id`.
    """

    compounds: gpd.GeoDataFrame
    villages: pd.Series
    parts: gpd.GeoDataFrame
    heirs: pd.MultiIndex
    homes: pd.Series

    def place(self, points: pd.DataFrame, metric_crs: str) -> pd.DataFrame:
        """`placing.place` on this ground."""
        return place(points, self.compounds, self.villages, self.parts, metric_crs, self.heirs, self.homes)


def ground_on(session: Session, day: date, box: Box | None = None, stated: Collection[str] | None = None) -> Ground:
    """The ground of `day`; with a box (degrees lon-lat) only the compounds that touch it, and the villages `stated`."""
    everything = Scope(day, None)
    compounds = areas(session, everything, levels=[AreaLevel.COMPOUND], box=box)
    villages, homes = _villages(session, day, stated)
    heirs = pd.MultiIndex.from_frame(heir_pairs(session, day))
    parts = beat_parts(session, everything, None if box is None else compounds.index.tolist())
    return Ground(compounds, villages, parts, heirs, homes)


def _villages(session: Session, day: date, stated: Collection[str] | None) -> tuple[pd.Series, pd.Series]:
    """Villages by every code that they had until `day` (who bears it on the day goes first); homes of former ones.

    `stated` narrows to the villages that ever bore one of these codes.
    """
    holds = case((AreaVersion.valid_on(day), 1), else_=0)
    query = (
        select(AreaVersion.area_id, AreaVersion.code, AreaVersion.parent_id, holds.label("holds"))
        .join(Area, Area.id == AreaVersion.area_id)
        .where(Area.level == AreaLevel.VILLAGE, AreaVersion.valid_from <= day)
        .order_by(holds.desc(), AreaVersion.valid_from.desc(), AreaVersion.area_id)
    )
    if stated is not None:
        query = query.where(
            AreaVersion.area_id.in_(select(AreaVersion.area_id).where(AreaVersion.code.in_(sorted(stated))))
        )
    names = read_frame(session, query, dtypes={"area_id": "int64", "code": "str", "parent_id": "Int64"})
    former = names[~names["area_id"].isin(names.loc[names["holds"].eq(1), "area_id"])].drop_duplicates("area_id")
    by_code = names.drop_duplicates("code").set_index("code")["area_id"]
    return by_code, former.dropna(subset=["parent_id"]).set_index("area_id")["parent_id"]


def place_some(session: Session, points: pd.DataFrame, day: date, metric_crs: str) -> pd.DataFrame:
    """Place a few addresses as the land stands on `day`: only the compounds around them are read.

    The nearest area of an address outside all of them may lie anywhere: for such addresses all compounds are read.
    """
    with_point = points.dropna(subset=["lon", "lat"])
    extent = (*with_point[["lon", "lat"]].min(), *with_point[["lon", "lat"]].max()) if len(with_point) else (0.0,) * 4
    west, south, east, north = (float(edge) for edge in extent)
    stated = set(points["stated_village_code"].dropna())
    placed = ground_on(session, day, (west, south, east, north), stated).place(points, metric_crs)
    outside = placed["unresolved"].eq(Unresolved.OUTSIDE.value)
    if not outside.any():
        return placed
    again = ground_on(session, day, stated=stated).place(points[outside], metric_crs)
    return pd.concat([placed[~outside], again]).loc[placed.index]
