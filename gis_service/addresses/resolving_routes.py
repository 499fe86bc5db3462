"""Deciding unresolved addresses over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from gis_service.access.http import ActingDep, ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.addresses.acknowledging import doubts_of
from gis_service.addresses.doubts import Doubt
from gis_service.addresses.resolving import (
    accept_suggestions,
    override_area,
    place_by_hand,
    stale_overrides,
    withdraw_override,
)
from gis_service.addresses.tables import Unresolved
from gis_service.api.dependencies import AsOf, EngineDep, ReadDep, SettingsDep
from gis_service.api.wire import Limit, Offset, Page, RowKey, items_of

router = APIRouter(
    prefix="/api/v1", tags=["unresolved addresses"], dependencies=[Depends(requires(Permission.RESOLVE_ADDRESS))]
)

Reason = Annotated[str, Field(max_length=500, description="Why; kept with the address and in the audit trail.")]


class Acceptance(BaseModel):
    """Which suggestions are accepted: all conditions must hold; without any, every one in your part."""

    reason: Reason
    address_ids: Annotated[list[RowKey] | None, Field(max_length=10_000)] = None
    unresolved: Unresolved | None = None
    area_id: RowKey | None = None
    within_m: Annotated[float | None, Field(ge=0, description="Suggested from at most so far away, metres.")] = None


class Accepted(BaseModel):
    """How many addresses were decided."""

    addresses: int


class Override(BaseModel):
    """The compound that an address is in, whatever its point says."""

    area_id: RowKey
    reason: Reason


class HandPlacement(BaseModel):
    """A point in degrees lon-lat."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    reason: Reason


class StaleOverride(BaseModel):
    """An override beneath which land or point have changed."""

    address_id: int
    code: str
    text: str
    area_id: int
    area_ended: bool
    found_area_id: int | None
    override_reason: str
    valid_from: date


class DoubtfulAddress(BaseModel):
    """A decided address that may be wrong, and the one that speaks against it, if it is one."""

    address_id: int
    doubt: Doubt
    code: str
    text: str
    distance_m: Annotated[float | None, Field(description="To the others of its road, metres.")]
    other_id: int | None
    other_text: str | None
    other_beyond: Annotated[bool, Field(description="The other one lies outside your part and is not named.")]
    acknowledged_by: Annotated[str | None, Field(description="Who answers for it; null while it is open.")]
    acknowledged_reason: str | None


@router.post("/unresolved/acceptances")
def accept(engine: EngineDep, settings: SettingsDep, acting: ActingDep, day: AsOf, order: Acceptance) -> Accepted:
    """Accept suggestions in your part of the district, one or many, with one reason."""
    written = accept_suggestions(
        engine,
        settings,
        acting,
        day,
        order.reason,
        address_ids=order.address_ids,
        unresolved=order.unresolved,
        area_id=order.area_id,
        within_m=order.within_m,
    )
    return Accepted(addresses=written)


@router.put("/addresses/{address_id}/override", status_code=204, response_class=Response)
def override(
    engine: EngineDep, settings: SettingsDep, acting: ActingDep, day: AsOf, address_id: RowKey, order: Override
) -> None:
    """Say in which compound an address is; survives every later assignment."""
    override_area(engine, settings, acting, address_id, order.area_id, order.reason, day)


@router.delete("/addresses/{address_id}/override", status_code=204, response_class=Response)
def withdraw(engine: EngineDep, settings: SettingsDep, acting: ActingDep, day: AsOf, address_id: RowKey) -> None:
    """Let land and point decide again."""
    withdraw_override(engine, settings, acting, address_id, day)


@router.put("/addresses/{address_id}/point", status_code=204, response_class=Response)
def place(
    engine: EngineDep, settings: SettingsDep, acting: ActingDep, day: AsOf, address_id: RowKey, order: HandPlacement
) -> None:
    """Give an address a point and decide it anew."""
    place_by_hand(engine, settings, acting, address_id, order.lon, order.lat, order.reason, day)


@router.get("/unresolved/stale-overrides")
def stale(
    session: ReadDep, scope: ScopeDep, settings: SettingsDep, offset: Offset = 0, limit: Limit = 100
) -> Page[StaleOverride]:
    """List overrides beneath which land or point have changed."""
    frame = stale_overrides(session, settings, scope)
    return Page(items=items_of(StaleOverride, frame, offset, limit), total=len(frame), offset=offset, limit=limit)


@router.get("/unresolved/doubtful")
def doubtful(
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    area_id: RowKey | None = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[DoubtfulAddress]:
    """List addresses far from the others of their road, doors that are there twice, and decisions out of date."""
    frame = doubts_of(session, settings, scope, area_id)
    return Page(items=items_of(DoubtfulAddress, frame, offset, limit), total=len(frame), offset=offset, limit=limit)
