"""Deciding what the land alone does not decide: accepting suggestions, placing points by hand, overriding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from geoalchemy2 import WKTElement
from sqlalchemy import ColumnElement, Engine, func, select
from sqlalchemy.orm import Session, aliased

from gis_service.access.approvals import check_reason
from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.ground import place_some
from gis_service.addresses.placements import as_content, day_number, rewrite_placements
from gis_service.addresses.placing import beats_of
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.replacing import points_of
from gis_service.addresses.tables import Address, Placement, PointSource, Unresolved
from gis_service.addresses.timeline import OPEN, Rewriting
from gis_service.areas.scope import area_in_scope, subtree
from gis_service.areas.tables import Area, AreaLevel, AreaVersion
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.storage.frames import read_frame
from gis_service.storage.rows import LONLAT_SRID
from gis_service.teams.queries import beat_parts
from gis_service.teams.scope import scope_of
from gis_service.texts import T

MOST_AT_ONCE = 100_000
"""Suggestions accepted with one reason."""


def accept_suggestions(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    day: date,
    reason: str,
    *,
    address_ids: Sequence[int] | None = None,
    unresolved: Unresolved | None = None,
    area_id: int | None = None,
    within_m: float | None = None,
) -> int:
    """Decide addresses for the area that is suggested, from `day` on; returns how many.

    Parameters
    ----------
    address_ids, unresolved, area_id, within_m
        Only these addresses, this reason, inside this area, suggested from at most so many metres away; all must hold.

    Raises
    ------
    NotPermittedError
        The role may not, or an area suggested lies outside the viewer's part of the district.
    NotFoundError
        Nothing in the viewer's part of the district waits with a suggestion and fits.
    """
    viewer.require(Permission.RESOLVE_ADDRESS)
    said = check_reason(reason)
    with transaction(engine) as session:
        scope = scope_of(session, viewer, day)
        chosen = suggestions_that_fit(
            session, scope, address_ids=address_ids, unresolved=unresolved, area_id=area_id, within_m=within_m
        )
        if chosen.empty:
            raise NotFoundError(T("Nothing in your part of the district waits with a suggestion and fits."))
        _require_compounds(session, scope, chosen.unique().tolist())
        done = _override(session, settings, chosen, day, said)
        after = {"reason": said, "addresses": done.written, "unresolved": unresolved, "area_id": area_id, **done.told()}
        one = int(chosen.index[0]) if len(chosen) == 1 else None
        record(session, viewer, "accept_suggestions", "address", one, after=after)
    return done.written


def suggestions_that_fit(
    session: Session,
    scope: Scope,
    *,
    address_ids: Sequence[int] | None = None,
    unresolved: Unresolved | None = None,
    area_id: int | None = None,
    within_m: float | None = None,
) -> pd.Series:
    """The suggestions that `accept_suggestions` would accept: address → compound, at most `MOST_AT_ONCE`."""
    conditions: list[ColumnElement[bool]] = [
        Placement.unresolved.is_not(None),
        Placement.suggested_area_id.is_not(None),
        Placement.override_reason.is_(None),
    ]
    if address_ids is not None:
        conditions.append(Placement.address_id.in_(sorted(address_ids)))
    if unresolved is not None:
        conditions.append(Placement.unresolved == unresolved.value)
    if area_id is not None:
        conditions.append(Placement.home_area_id.in_(subtree([area_id], scope.day)))
    if within_m is not None:
        conditions.append(Placement.suggested_distance_m <= within_m)
    query = (
        select(Placement.address_id, Placement.suggested_area_id)
        .where(Placement.valid_on(scope.day), placement_in_scope(scope), *conditions)
        .order_by(Placement.address_id)
        .limit(MOST_AT_ONCE)
    )
    return pd.Series(dict(session.execute(query).all()), dtype="int64")


def override_area(
    engine: Engine, settings: Settings, viewer: Viewer, address_id: int, area_id: int, reason: str, day: date
) -> None:
    """Say in which compound an address is, whatever its point says, from `day` on.

    Raises
    ------
    NotPermittedError
        The role may not, or the compound lies outside the viewer's part of the district.
    NotFoundError
        There is no such address in the viewer's part of the district.
    InvalidInputError
        The area is no compound.
    """
    viewer.require(Permission.RESOLVE_ADDRESS)
    said = check_reason(reason)
    with transaction(engine) as session:
        scope = scope_of(session, viewer, day)
        before = _placement(session, scope, address_id)
        _require_compounds(session, scope, [area_id])
        done = _override(session, settings, pd.Series({address_id: area_id}, dtype="int64"), day, said)
        record(
            session,
            viewer,
            "override_area",
            "address",
            address_id,
            before={"area_id": before.area_id, "unresolved": before.unresolved},
            after={"area_id": area_id, "reason": said, "day": day, **done.told()},
        )


def withdraw_override(engine: Engine, settings: Settings, viewer: Viewer, address_id: int, day: date) -> None:
    """Let land and point decide again, from `day` on.

    Raises
    ------
    NotPermittedError, NotFoundError
        The role may not; there is no such address in the viewer's part of the district.
    ConflictError
        The address is not overridden.
    """
    withdraw_overrides(engine, settings, viewer, [address_id], day)


def withdraw_overrides(
    engine: Engine, settings: Settings, viewer: Viewer, address_ids: Sequence[int], day: date
) -> None:
    """Let land and point decide several addresses again, from `day` on: all of them, or none; raises as the above."""
    viewer.require(Permission.RESOLVE_ADDRESS)
    with transaction(engine) as session:
        scope = scope_of(session, viewer, day)
        overridden = {}
        for address_id in address_ids:
            before = _placement(session, scope, address_id)
            if before.override_reason is None:
                raise ConflictError(T("The place of this address is not overridden."))
            overridden[address_id] = {"area_id": before.area_id, "reason": before.override_reason}
        told = _place(session, settings, [*address_ids], day, forced=True).told()
        for address_id, seen in overridden.items():
            record(session, viewer, "withdraw_override", "address", address_id, before=seen, after=told)


def place_by_hand(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    address_id: int,
    lon: float,
    lat: float,
    reason: str,
    day: date,
) -> None:
    """Give an address a point (degrees lon-lat) and decide it anew from `day` on; an override stays.

    Raises
    ------
    NotPermittedError
        The role may not, or the point lies outside the viewer's part of the district.
    NotFoundError
        There is no such address in the viewer's part of the district.
    """
    viewer.require(Permission.RESOLVE_ADDRESS)
    said = check_reason(reason)
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise InvalidInputError(T("A point is given in degrees of longitude and latitude."))
    with transaction(engine) as session:
        scope = scope_of(session, viewer, day)
        _placement(session, scope, address_id)
        old = points_of(session, np.array([address_id], dtype=np.int64)).loc[address_id]
        address = session.get_one(Address, address_id, with_for_update=True)
        address.geom = WKTElement(f"POINT({lon!r} {lat!r})", srid=LONLAT_SRID)
        address.point_source = PointSource.HAND_PLACED.value
        session.flush()
        done = _place(session, settings, [address_id], day, forced=False)
        placed = session.scalars(
            select(Placement).where(Placement.address_id == address_id, Placement.valid_on(day))
        ).one()
        if not scope.is_whole_district:
            _require_inside(session, scope, placed.home_area_id)
        record(
            session,
            viewer,
            "place_by_hand",
            "address",
            address_id,
            before={"lon": _number(old["lon"]), "lat": _number(old["lat"])},
            after={"lon": lon, "lat": lat, "reason": said, "area_id": placed.area_id, **done.told()},
        )


def stale_overrides(session: Session, settings: Settings, scope: Scope, area_id: int | None = None) -> pd.DataFrame:
    """Overrides in scope (inside an area) beneath which land or point have changed: index `address_id`.

    Columns: `code`, `text`, `area_id` (named by the override), `home_area_id`, `area_ended` (it is no more),
    `found_area_id` (where the point lies now, NA = nowhere), `override_reason`, `valid_from`. An override is stale when
    its area has ended, or when land and point say something else than when it was made.
    """
    version = aliased(AreaVersion)
    inside = [] if area_id is None else [Placement.home_area_id.in_(subtree([area_id], scope.day))]
    query = (
        select(
            Placement.address_id,
            Address.code,
            Address.text,
            Placement.area_id,
            Placement.home_area_id,
            version.id.is_(None).label("area_ended"),
            Placement.suggested_area_id,
            Placement.override_reason,
            Placement.valid_from,
        )
        .join(Address, Address.id == Placement.address_id)
        .outerjoin(version, (version.area_id == Placement.area_id) & version.valid_on(scope.day))
        .where(
            Placement.valid_on(scope.day), Placement.override_reason.is_not(None), placement_in_scope(scope), *inside
        )
        .order_by(Placement.address_id)
    )
    dtypes = {**dict.fromkeys(("area_id", "home_area_id", "suggested_area_id"), "Int64"), "area_ended": "bool"}
    held = read_frame(session, query, dtypes=dtypes, index="address_id")
    if held.empty:
        return held.drop(columns="suggested_area_id").assign(found_area_id=pd.array([], dtype="Int64"))
    points = points_of(session, held.index.to_numpy(dtype=np.int64))
    held["found_area_id"] = _found(place_some(session, points, scope.day, settings.metric_crs))
    known, found = held["suggested_area_id"], held["found_area_id"]
    moved = ~(known.eq(found).fillna(value=False) | (known.isna() & found.isna())).astype(bool)
    return held[held["area_ended"] | moved].drop(columns="suggested_area_id")


def _found(placed: pd.DataFrame) -> pd.Series:
    """Where the point lies, decided or not; the nearest area of one outside is not where it lies."""
    inside = placed["unresolved"].ne(Unresolved.OUTSIDE.value) & placed["unresolved"].ne(Unresolved.OVERLAP.value)
    return placed["area_id"].fillna(placed["suggested_area_id"].where(inside))


def _override(session: Session, settings: Settings, chosen: pd.Series, day: date, reason: str) -> Rewriting:
    """Let addresses (index) be in compounds (values) from `day` on; what land and point say stays as the suggestion."""
    ids = chosen.index.to_numpy(dtype=np.int64)
    points = points_of(session, ids)
    natural = place_some(session, points, day, settings.metric_crs)
    named = chosen.reindex(natural.index).astype("Int64")
    beat = beats_of(points, named, beat_parts(session, Scope(day, None)))
    nothing = pd.Series(None, index=natural.index, dtype="object")
    placed = natural.assign(
        area_id=named,
        home_area_id=named,
        beat_id=beat,
        unresolved=nothing.mask(beat.isna(), Unresolved.NO_BEAT.value),
        suggested_area_id=_found(natural),
        suggested_distance_m=pd.Series(np.nan, index=natural.index, dtype="Float64"),
        candidate_area_ids=nothing,
    )
    pieces = as_content(placed).assign(override_reason=reason, since=day_number(day), until=OPEN, forced=True)
    return rewrite_placements(session, pieces)


def _place(session: Session, settings: Settings, address_ids: list[int], day: date, *, forced: bool) -> Rewriting:
    ids = np.array(address_ids, dtype=np.int64)
    placed = as_content(place_some(session, points_of(session, ids), day, settings.metric_crs))
    pieces = placed.assign(since=day_number(day), until=OPEN, forced=forced)
    return rewrite_placements(session, pieces)


def _placement(session: Session, scope: Scope, address_id: int) -> Placement:
    query = select(Placement).where(
        Placement.address_id == address_id, Placement.valid_on(scope.day), placement_in_scope(scope)
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFoundError(T("There is no such address in your part of the district."))
    return found


def _require_compounds(session: Session, scope: Scope, area_ids: list[int]) -> None:
    query = (
        select(func.count(AreaVersion.id), func.count().filter(Area.level == AreaLevel.COMPOUND))
        .join(Area, Area.id == AreaVersion.area_id)
        .where(AreaVersion.area_id.in_(area_ids), AreaVersion.valid_on(scope.day))
        .where(area_in_scope(scope, AreaVersion.area_id))
    )
    seen, compounds = session.execute(query).one()
    if seen != len(area_ids):
        raise NotPermittedError(T("The area lies outside your part of the district."))
    if compounds != len(area_ids):
        raise InvalidInputError(T("An address is placed in a compound, not in a larger area."))


def _require_inside(session: Session, scope: Scope, area_id: int | None) -> None:
    query = select(AreaVersion.area_id).where(AreaVersion.area_id == area_id, area_in_scope(scope, AreaVersion.area_id))
    if area_id is None or session.scalars(query).first() is None:
        raise NotPermittedError(T("The point lies outside your part of the district."))


def _number(value: object) -> float | None:
    number = float(str(value))
    return None if np.isnan(number) else number
