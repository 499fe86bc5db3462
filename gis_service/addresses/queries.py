"""Reads of addresses and of who answers for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from gis_service.access.scope import Scope
from gis_service.addresses.search_index import matches, text_matches
from gis_service.addresses.tables import FENCED_POINT, Address, Placement, Unresolved
from gis_service.areas.scope import area_in_scope, subtree
from gis_service.areas.tables import AreaVersion
from gis_service.errors import NotFoundError
from gis_service.storage.boxes import Box, in_box, narrows_first
from gis_service.storage.columns import read_columns
from gis_service.storage.fence import is_fenced
from gis_service.storage.frames import read_frame
from gis_service.storage.rows import holds_on
from gis_service.teams.tables import Beat, BeatDuty, Officer
from gis_service.texts import T


def placement_in_scope(scope: Scope, *, checked: bool = False, of: Any = Placement) -> ColumnElement[bool]:
    """The filter for placements that the viewer may see.

    `checked`: something else finds the rows, and the filter only checks them; `of`: what has their columns.
    """
    if scope.is_whole_district:
        return true()
    if scope.beat_ids is not None:
        mine: ColumnElement[bool] = (of.beat_id + 0 if checked else of.beat_id).in_(sorted(scope.beat_ids))
        return mine
    return area_in_scope(scope, of.home_area_id + 0 if checked else of.home_area_id)


def placement_in_part(session: Session, scope: Scope) -> ColumnElement[bool]:
    """The same, with the areas looked up first: the database then knows how much it is, and takes the index."""
    if scope.root_ids is None or scope.beat_ids is not None:
        return placement_in_scope(scope)
    return Placement.home_area_id.in_(list(session.scalars(subtree(scope.root_ids, scope.day))))


def address_in_scope(scope: Scope) -> ColumnElement[bool]:
    """The same for addresses, whatever else is asked about them."""
    if scope.is_whole_district:
        return true()
    placed = select(Placement.address_id).where(Placement.valid_on(scope.day), placement_in_scope(scope))
    return Address.id.in_(placed)


def _addresses(scope: Scope, *, checked: bool = False) -> Select[*tuple[Any, ...]]:
    village = aliased(AreaVersion)
    return (
        select(
            Address.id.label("address_id"),
            Address.code,
            Address.text,
            Address.building,
            Address.unit,
            Address.room,
            Address.point_source,
            func.ST_X(Address.geom).label("lon"),
            func.ST_Y(Address.geom).label("lat"),
            Address.stated_village_code,
            Placement.area_id,
            AreaVersion.name.label("area_name"),
            village.name.label("village_name"),
            Placement.home_area_id,
            Placement.beat_id,
            Beat.name.label("beat_name"),
            Officer.id.label("officer_id"),
            Officer.name.label("officer"),
            Officer.badge_no,
            Placement.unresolved,
            Placement.suggested_area_id,
            Placement.suggested_distance_m,
            Placement.override_reason,
        )
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(scope.day)))
        .outerjoin(AreaVersion, and_(AreaVersion.area_id == Placement.area_id, AreaVersion.valid_on(scope.day)))
        .outerjoin(village, and_(village.area_id == AreaVersion.parent_id, village.valid_on(scope.day)))
        .outerjoin(Beat, Beat.id == Placement.beat_id)
        .outerjoin(BeatDuty, and_(BeatDuty.beat_id == Placement.beat_id, BeatDuty.valid_on(scope.day)))
        .outerjoin(
            Officer,
            and_(Officer.id == BeatDuty.officer_id, or_(Officer.left_on.is_(None), Officer.left_on > scope.day)),
        )
        .where(placement_in_scope(scope, checked=checked))
    )


_DTYPES = dict.fromkeys(("area_id", "home_area_id", "beat_id", "officer_id", "suggested_area_id"), "Int64") | {
    "lon": "float64",
    "lat": "float64",
    "suggested_distance_m": "Float64",
}


def addresses(
    session: Session,
    scope: Scope,
    *,
    search: str | None = None,
    area_id: int | None = None,
    beat_id: int | None = None,
    unresolved: Unresolved | None = None,
    only_unresolved: bool = False,
    within_m: float | None = None,
    box: Box | None = None,
    offset: int = 0,
    limit: int = 100,
    count_to: int | None = None,
) -> tuple[pd.DataFrame, int]:
    """One page of addresses in scope, ordered by code, with place and officer, and how many there are in all.

    With `count_to` no more than these are counted: a greater number then says only that there are more.

    `search` is as for `search_addresses`: parts of the text, pinyin initials, the beginning of the code; `area_id`
    narrows to a subtree, `within_m` to what has a suggestion at most so many metres away; `box` is west, south, east,
    north in degrees lon-lat.
    """
    conditions: list[ColumnElement[bool]] = []
    checked = box is not None and narrows_first(session)
    few = only_unresolved or unresolved is not None
    said = true() if not search else text_matches(search) if few else matches(session, search)
    if area_id is not None:
        conditions.append(Placement.home_area_id.in_(subtree([area_id], scope.day)))
    if beat_id is not None:
        conditions.append(Placement.beat_id == beat_id)
    if unresolved is not None:
        conditions.append(Placement.unresolved == unresolved.value)
    elif only_unresolved:
        conditions.append(Placement.unresolved.is_not(None))
    if within_m is not None:
        conditions.append(Placement.suggested_distance_m <= within_m)
    if box is not None:
        conditions.append(in_box(session, Address, box))
    found = (
        select(Address.id)
        .join(Placement, and_(Placement.address_id == Address.id, Placement.valid_on(scope.day)))
        .where(placement_in_scope(scope, checked=checked), said, *conditions)
        .limit(None if count_to is None else count_to + 1)
    )
    total = session.execute(select(func.count()).select_from(found.subquery())).scalar_one()
    if search and count_to is not None and total > count_to:
        said = text_matches(search)  # so many have it that, in the order of codes, a page of them is soon together
    query = _addresses(scope, checked=checked).where(said, *conditions).order_by(Address.code)
    return read_frame(session, query.offset(offset).limit(limit), dtypes=_DTYPES, index="address_id"), total


def addresses_by_id(session: Session, scope: Scope, address_ids: list[int]) -> pd.DataFrame:
    """Return the addresses with these ids that are in scope, as `addresses` does, in the order given."""
    query = _addresses(scope).where(Address.id.in_(address_ids))
    frame = read_frame(session, query, dtypes=_DTYPES, index="address_id")
    return frame.reindex([address_id for address_id in address_ids if address_id in frame.index])


def address(session: Session, scope: Scope, address_id: int) -> dict[str, Any]:
    """One address with its place and officer.

    Raises
    ------
    NotFoundError
        There is none in scope.
    """
    row = session.execute(_addresses(scope).where(Address.id == address_id)).mappings().first()
    if row is None:
        raise NotFoundError(T("There is no such address in your part of the district."))
    return dict(row)


def address_by_code(session: Session, scope: Scope, code: str) -> int:
    """The id of the address with `code` that is in scope; raises `NotFoundError` when there is none."""
    found = session.scalar(select(Address.id).where(Address.code == code, address_in_scope(scope)))
    if found is None:
        raise NotFoundError(T("There is no such address in your part of the district."))
    return found


def count_unresolved(session: Session, scope: Scope, area_id: int | None = None) -> dict[str, int]:
    """How many addresses in scope (inside `area_id`) wait for a decision, by reason; `total`; `assigned`."""
    inside = true() if area_id is None else Placement.home_area_id.in_(subtree([area_id], scope.day))
    rows = session.execute(
        select(Placement.unresolved, func.count())
        .where(Placement.valid_on(scope.day), placement_in_scope(scope), inside)
        .group_by(Placement.unresolved)
    ).all()
    by_reason = {reason: int(count) for reason, count in rows}
    held = (
        select(func.count())
        .select_from(Placement)
        .join(BeatDuty, and_(BeatDuty.beat_id == Placement.beat_id, BeatDuty.valid_on(scope.day)))
        .where(Placement.valid_on(scope.day), placement_in_scope(scope), inside)
    )
    counts = {reason.value: by_reason.get(reason.value, 0) for reason in Unresolved}
    assigned = session.execute(held).scalar_one()
    total = sum(by_reason.values())
    return {**counts, "no_officer": by_reason.get(None, 0) - assigned, "assigned": assigned, "total": total}


def address_points(session: Session, condition: ColumnElement[bool] | None = None) -> pd.DataFrame:
    """Addresses as the locator needs them: index `address_id`; lon, lat, stated_village_code, building.

    Whatever the scope: not for showing. Without a `condition` on `Address`, every address.
    """
    query = (
        select(Address.id.label("address_id"), Address.stated_village_code, Address.building)
        .where(true() if condition is None else condition)
        .order_by(Address.id)
    )
    types = {"address_id": pa.int64(), "stated_village_code": pa.string(), "building": pa.string()}
    table = read_columns(session, query, types, point=Address.geom)
    frame: pd.DataFrame = table.to_pandas()
    return frame.set_index("address_id")[["lon", "lat", "stated_village_code", "building"]]


def points_in_box(session: Session, scope: Scope, box: Box) -> dict[str, npt.NDArray[Any]]:
    """Points in a box (west, south, east, north, lon-lat) as arrays for tiles.

    `id`, `lon`, `lat`, `unresolved` ('' = decided).
    """
    point, placed = (FENCED_POINT.c, FENCED_POINT.c) if is_fenced(session) else (Address, Placement)
    together = true() if point is placed else Placement.address_id == Address.id
    query = select(point.id, func.ST_X(point.geom), func.ST_Y(point.geom), func.coalesce(placed.unresolved, "")).where(
        in_box(session, point, box),
        together,
        holds_on(placed.valid_from, placed.valid_to, scope.day),
        placement_in_scope(scope, checked=narrows_first(session), of=placed),
    )
    rows = session.execute(query).fetchall()
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    return {
        "id": np.array(columns[0], dtype=np.int64),
        "lon": np.array(columns[1], dtype=np.float64),
        "lat": np.array(columns[2], dtype=np.float64),
        "unresolved": np.array(columns[3], dtype=object),
    }
