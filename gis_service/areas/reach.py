"""Where a viewer may write: the areas of the own subtrees on a day."""

from __future__ import annotations

from datetime import date

import geopandas as gpd
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis_service.access.viewer import Viewer
from gis_service.areas.scope import subtree
from gis_service.areas.tables import Area, AreaLevel, AreaVersion
from gis_service.storage.frames import read_frame, read_geoframe

_CODE_DTYPES = {"area_id": "Int64", "code": "str", "level": "str"}


def reach_of(session: Session, viewer: Viewer, day: date) -> frozenset[int] | None:
    """The ids of the areas that `viewer` may write to on `day`; None when it is the whole district."""
    if viewer.everything or viewer.area_ids is None:
        return None
    roots = select(Area.id).where(Area.id.in_(sorted(viewer.area_ids)), Area.level == AreaLevel.DISTRICT)
    if session.scalars(roots).first() is not None:
        return None
    return frozenset(session.scalars(subtree(viewer.area_ids, day)))


def area_codes(session: Session) -> pd.DataFrame:
    """Every code that an area ever had: `area_id`, `level`, indexed by `code`; the newest bearer of a code counts."""
    query = (
        select(AreaVersion.area_id, AreaVersion.code, Area.level)
        .join(Area, Area.id == AreaVersion.area_id)
        .order_by(AreaVersion.valid_from)
    )
    codes = read_frame(session, query, dtypes=_CODE_DTYPES)
    return codes.drop_duplicates("code", keep="last").set_index("code")


def outlines(session: Session, area_ids: frozenset[int], day: date) -> gpd.GeoSeries:
    """The shapes of some areas on `day`, in lon-lat, indexed by `area_id`."""
    query = select(AreaVersion.area_id).where(AreaVersion.area_id.in_(sorted(area_ids)), AreaVersion.valid_on(day))
    return read_geoframe(session, query, AreaVersion.geom, dtypes={"area_id": "int64"}, index="area_id").geometry


def district_outline(session: Session, day: date) -> gpd.GeoSeries:
    """The shape of the district on `day`, in lon-lat; empty when there is none yet."""
    query = (
        select(AreaVersion.area_id)
        .join(Area, Area.id == AreaVersion.area_id)
        .where(Area.level == AreaLevel.DISTRICT, AreaVersion.valid_on(day))
    )
    return read_geoframe(session, query, AreaVersion.geom, dtypes={"area_id": "int64"}, index="area_id").geometry
