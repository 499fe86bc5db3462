"""Addresses that are decided and yet in doubt: far from the others of their road, or the same door twice.

Decisions by hand that have gone out of date are doubts as well: `acknowledging.doubts_of` lists all of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import pandas as pd
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.addresses.text.duplicates import duplicates
from gis_service.addresses.text.gazetteer import Gazetteer
from gis_service.addresses.text.parse import parse, roads_seen
from gis_service.areas.queries import area_names
from gis_service.areas.scope import subtree
from gis_service.areas.tables import AreaLevel
from gis_service.errors import TooLargeError
from gis_service.settings import Settings
from gis_service.storage.frames import read_frame
from gis_service.texts import T
from layers.siblings import sibling_distances

MOST_ADDRESSES: Final = 60_000
"""So many texts are taken apart while somebody waits: a township."""

_FEWEST_OF_A_ROAD: Final = 3
"""A name is a road's when so many addresses have it before a number."""


class Doubt(StrEnum):
    """Why an address is in doubt."""

    FAR = "far_from_road"
    DUPLICATE = "duplicate_door"
    STALE = "stale_override"


def doubtful_addresses(session: Session, settings: Settings, scope: Scope, area_id: int | None = None) -> pd.DataFrame:
    """Addresses in scope (inside an area) that are in doubt, the furthest first and then the duplicates by group.

    Returns
    -------
    Index `address_id`, once for each doubt; `doubt`, `code`, `text`, `distance_m` (Float64: to the others of the road;
    NA for duplicates), `other_id`, `other_text` (the nearest of the road; the first of the same door), `home_area_id`.

    Raises
    ------
    TooLargeError
        There are more addresses than are looked through at once: choose a smaller area.
    """
    rows = _rows(session, scope, area_id)
    tree = area_names(session, Scope(scope.day, None))
    gazetteer = Gazetteer.from_areas(tree, _known_roads(session))
    parts = parse(rows["text"], gazetteer.with_roads(roads_seen(rows["text"], gazetteer, _FEWEST_OF_A_ROAD)))
    far = _far(rows, parts, tree, settings)
    same = _same_door(rows, parts)
    found = pd.concat([far, same])
    found["other_text"] = found["other_id"].map(rows["text"])
    return found.join(rows[["code", "text", "home_area_id"]])


def _rows(session: Session, scope: Scope, area_id: int | None) -> pd.DataFrame:
    inside = [] if area_id is None else [Placement.home_area_id.in_(subtree([area_id], scope.day))]
    query = (
        select(
            Address.id.label("address_id"),
            Address.code,
            Address.text,
            Address.stated_village_code,
            func.ST_X(Address.geom).label("lon"),
            func.ST_Y(Address.geom).label("lat"),
            Placement.home_area_id,
        )
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(scope.day)))
        .where(placement_in_scope(scope), *inside)
        .order_by(Address.code)
    )
    if (session.scalar(select(func.count()).select_from(query.subquery())) or 0) > MOST_ADDRESSES:
        raise TooLargeError(T("More than {most} addresses are not looked through at once.", most=f"{MOST_ADDRESSES:,}"))
    types = {"code": "str", "text": "str", "stated_village_code": "str", "lon": "float64", "lat": "float64"}
    return read_frame(session, query, dtypes={**types, "home_area_id": "Int64"}, index="address_id")


def _known_roads(session: Session) -> list[str]:
    return [road for road in session.scalars(select(Address.road).distinct()) if road]


def _far(rows: pd.DataFrame, parts: pd.DataFrame, tree: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Those far from the others of their road; roads of one name in two townships are two."""
    villages = tree[tree["level"].eq(AreaLevel.VILLAGE)]
    by_village = villages.drop_duplicates("code").set_index("code")["parent_id"].map(tree["code"])
    township = rows["stated_village_code"].map(by_village).fillna(parts["township_code"]).fillna("")
    road = parts["road"] + parts["section"].fillna("") + "/" + township
    found = sibling_distances(rows[["lon", "lat"]], road, settings.metric_crs)
    far = found[found["distance_m"].gt(settings.doubt_far_m).fillna(value=False)]
    far = far.sort_values("distance_m", ascending=False, kind="stable")
    return far.rename(columns={"nearest": "other_id"}).assign(doubt=Doubt.FAR.value)


def _same_door(rows: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
    """Every address of a door but the first, with that one."""
    groups = duplicates(parts, rows["stated_village_code"]).dropna()
    first = groups.drop_duplicates()
    others = groups.drop(first.index)
    of_group = pd.Series(first.index, index=first.to_numpy())
    return pd.DataFrame(
        {
            "distance_m": pd.array([pd.NA] * len(others), dtype="Float64"),
            "other_id": pd.array(of_group.reindex(others.to_numpy()).to_numpy(), dtype="Int64"),
            "doubt": Doubt.DUPLICATE.value,
        },
        index=others.index,
    ).sort_values("other_id", kind="stable")
