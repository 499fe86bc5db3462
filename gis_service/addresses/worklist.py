"""The worklist of addresses that wait for a decision: how many wait where, and the compounds that could be meant."""

from __future__ import annotations

import math
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Placement
from gis_service.areas.queries import area_names, areas
from gis_service.areas.tables import AreaLevel

#: metres around a point within which compounds are offered, and how many of them
OFFERED_WITHIN_M = 1_500.0
MOST_OFFERED = 60
_METRES_A_DEGREE = 111_319.49


def waiting_by_area(session: Session, scope: Scope) -> pd.DataFrame:
    """How many addresses wait in every area in scope above compounds: index `area_id`; name, level, waiting, total.

    In the order of the tree; `total` counts the decided ones too.
    """
    query = (
        select(
            Placement.home_area_id,
            func.count().label("total"),
            func.count().filter(Placement.unresolved.is_not(None)).label("waiting"),
        )
        .where(Placement.valid_on(scope.day), placement_in_scope(scope))
        .group_by(Placement.home_area_id)
    )
    names = area_names(session, scope)
    parents = names["parent_id"].dropna().astype("int64").to_dict()
    counts: dict[int, list[int]] = {int(area_id): [0, 0] for area_id in names.index}
    for home, total, waiting in session.execute(query):
        current = home
        for _level in AreaLevel:
            if current is None:
                break
            if current in counts:
                counts[current][0] += waiting
                counts[current][1] += total
            current = parents.get(current)
    above = names[names["level"].ne(AreaLevel.COMPOUND)]
    table = above[["name", "level", "parent_id"]].copy()
    table["waiting"] = [counts[int(area_id)][0] for area_id in table.index]
    table["total"] = [counts[int(area_id)][1] for area_id in table.index]
    return table.loc[_in_tree_order(table)]


def _in_tree_order(table: pd.DataFrame) -> list[int]:
    """Parents before their children."""
    below: dict[Any, list[int]] = {}
    for area_id, parent in table["parent_id"].items():
        key = None if pd.isna(parent) or int(parent) not in table.index else int(parent)
        below.setdefault(key, []).append(int(str(area_id)))
    order: list[int] = []

    def walk(key: Any) -> None:
        for area_id in below.get(key, []):
            order.append(area_id)
            walk(area_id)

    walk(None)
    return order


def compounds_offered(session: Session, scope: Scope, row: dict[str, Any]) -> gpd.GeoDataFrame:
    """The compounds in scope that an address could be in, the nearest first; those of its village without a point.

    Parameters
    ----------
    row
        An address as `queries.address` gives it.
    """
    compounds = [AreaLevel.COMPOUND]
    lon, lat = row["lon"], row["lat"]
    if lon is None:
        home = row["home_area_id"]
        found = areas(session, scope, levels=compounds, within=home) if home is not None else None
        return areas(session, scope, levels=compounds)[:MOST_OFFERED] if found is None else found[:MOST_OFFERED]
    high = OFFERED_WITHIN_M / _METRES_A_DEGREE
    wide = high / math.cos(math.radians(lat))
    near = areas(session, scope, levels=compounds, box=(lon - wide, lat - high, lon + wide, lat + high))
    if row["suggested_area_id"] is not None and row["suggested_area_id"] not in near.index:
        near = pd.concat([areas(session, scope, only=[row["suggested_area_id"]]), near])
    point = gpd.GeoSeries.from_xy([lon], [lat], crs=near.crs).iloc[0]
    # by degrees: an order to offer, not a figure to show
    order = near.geometry.to_numpy()
    distance = pd.Series([shape.distance(point) for shape in order], index=near.index)
    return near.loc[distance.sort_values(kind="stable").index[:MOST_OFFERED]]
