"""Addresses that are decided and yet in doubt: far from the others of their road, or the same door twice.

Decisions by hand that have gone out of date are doubts as well: `acknowledging.doubts_of` lists all of them.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import ColumnElement, and_, select, true
from sqlalchemy.orm import Session

from gis_service.access.scope import Scope
from gis_service.addresses.parts import FEWEST_OF_A_ROAD
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.addresses.text.duplicates import duplicates
from gis_service.addresses.text.gazetteer import ROAD, Gazetteer
from gis_service.addresses.text.parse import parse, roads_seen
from gis_service.areas.queries import area_names
from gis_service.areas.scope import subtree, townships_of
from gis_service.areas.tables import AreaLevel
from gis_service.errors import TooLargeError
from gis_service.settings import Settings
from gis_service.storage.columns import read_columns
from gis_service.storage.engine import reading
from gis_service.storage.fence import is_fenced
from gis_service.texts import T

MOST_ADDRESSES: Final = 60_000
"""So many texts are taken apart while somebody waits: a township."""

_DTYPES: Final = {**dict.fromkeys(("code", "text", "stated_village_code"), "str"), "home_area_id": "Int64"}


class Doubt(StrEnum):
    """Why an address is in doubt."""

    FAR = "far_from_road"
    DUPLICATE = "duplicate_door"
    STALE = "stale_override"


def doubtful_addresses(session: Session, settings: Settings, scope: Scope, area_id: int | None = None) -> pd.DataFrame:
    """Addresses in scope (inside an area) that are in doubt, the furthest first and then the duplicates by group.

    They are compared with all addresses of their townships: the others of a road, or of a door, may lie in the next
    village. (A township with more than `MOST_ADDRESSES` is not read: there they are compared among themselves.)

    Returns
    -------
    Index `address_id`, once for each doubt; `doubt`, `code`, `text`, `distance_m` (Float64: to the others of the road;
    NA for duplicates), `other_id`, `other_text` (the nearest of the road; the first of the same door; they may lie
    beyond the scope: `acknowledging.doubts_of` does not show such), `home_area_id`.

    Raises
    ------
    TooLargeError
        There are more addresses than are looked through at once: choose a smaller area.
    """
    own = _own(session, scope, area_id)
    if not is_fenced(session):
        return _compared(session, settings, scope.day, own)
    with reading(session.get_bind().engine) as beyond:  # the fence would hide what they are compared with
        return _compared(beyond, settings, scope.day, own)


def _compared(session: Session, settings: Settings, day: date, own: pd.DataFrame) -> pd.DataFrame:
    tree = area_names(session, Scope(day, None))
    gazetteer = Gazetteer.from_areas(tree, _known_roads(session))
    around = _around(session, day, own, gazetteer)
    rows = pd.concat([own, around[~around.index.isin(own.index)]]).sort_values("code", kind="stable")
    parts = parse(rows["text"], gazetteer.with_roads(roads_seen(rows["text"], gazetteer, FEWEST_OF_A_ROAD)))
    found = pd.concat([_far(rows, parts, tree, settings), _same_door(rows, parts)])
    found = found[found.index.isin(own.index)]
    found["other_text"] = found["other_id"].map(rows["text"])
    return found.join(rows[["code", "text", "home_area_id"]])


def _own(session: Session, scope: Scope, area_id: int | None) -> pd.DataFrame:
    """The addresses in question."""
    inside = true() if area_id is None else Placement.home_area_id.in_(subtree([area_id], scope.day))
    rows = _rows(session, scope.day, and_(placement_in_scope(scope), inside))
    if rows is None:
        raise TooLargeError(T("More than {most} addresses are not looked through at once.", most=f"{MOST_ADDRESSES:,}"))
    return rows


def _around(session: Session, day: date, own: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    """Of the addresses of their townships those on the same roads, or stating the same villages.

    None when a township has too many.
    """
    homes = [int(home) for home in own["home_area_id"].dropna().unique()]
    within = subtree(sorted(townships_of(session, homes, day)), day)
    roads = roads_seen(own["text"], gazetteer.without(ROAD), 1)
    on_them = "|".join(map(re.escape, roads)) or r"\b\B"
    rows = _rows(session, day, Placement.home_area_id.in_(list(session.scalars(within))), on_them, own)
    return own.iloc[:0] if rows is None else rows


def _rows(
    session: Session,
    day: date,
    condition: ColumnElement[bool],
    on_roads: str | None = None,
    like: pd.DataFrame | None = None,
) -> pd.DataFrame | None:
    """Addresses whose placement on the day meets a condition; None when they are too many.

    With `on_roads` (a regular expression) only those with such a road, or that state a village that `like` states.
    """
    query = (
        select(Address.id, Address.code, Address.text, Address.stated_village_code, Placement.home_area_id)
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(day)))
        .where(condition)
        .limit(MOST_ADDRESSES + 1)
    )
    texts = dict.fromkeys(("code", "text", "stated_village_code"), pa.string())
    table = read_columns(session, query, {"id": pa.int64(), **texts, "home_area_id": pa.int64()}, point=Address.geom)
    if len(table) > MOST_ADDRESSES:
        return None
    if on_roads is not None and like is not None:
        stated = pa.array(like["stated_village_code"].dropna().unique().tolist(), pa.string())
        states = pc.is_in(table["stated_village_code"], value_set=stated)
        table = table.filter(pc.or_(pc.match_substring_regex(table["text"], pattern=on_roads), states))
    rows: pd.DataFrame = table.to_pandas(integer_object_nulls=True)
    return rows.rename(columns={"id": "address_id"}).set_index("address_id").astype(_DTYPES)


def _known_roads(session: Session) -> list[str]:
    return [road for road in session.scalars(select(Address.road).distinct()) if road]


def _far(rows: pd.DataFrame, parts: pd.DataFrame, tree: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Those far from the others of their road; roads of one name in two townships are two."""
    from layers.siblings import sibling_distances

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
