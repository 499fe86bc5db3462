"""Signing off undecided addresses, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from gis_service.access.http import ActingDep, ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.addresses.acknowledging import acknowledge_doubts, open_doubts
from gis_service.addresses.doubts import Doubt
from gis_service.addresses.routes import AddressItem
from gis_service.addresses.signing_off import (
    QUARTER,
    clearance,
    sign_off_unresolved,
    sign_offs,
    signed_addresses,
)
from gis_service.addresses.tables import Unresolved
from gis_service.api.dependencies import AsOf, EngineDep, ReadDep, SettingsDep
from gis_service.api.wire import Instant, Limit, Offset, Page, PlainText, RowKey, items_of

router = APIRouter(
    prefix="/api/v1", tags=["unresolved addresses"], dependencies=[Depends(requires(Permission.SEE_ADDRESSES))]
)

Quarter = Annotated[str, Query(pattern=QUARTER, description="For example 2026-Q3.")]
Counts = dict[Unresolved, int]


class ClearanceItem(BaseModel):
    """What of an area waits for a decision, what of that nobody has signed for the quarter, open doubts; by reason."""

    area_id: int
    quarter: str
    cleared: bool
    waiting: Counts
    open: Counts
    doubts: dict[Doubt, int]


class SignOff(BaseModel):
    """Somebody answers for what was undecided in an area; stale once something else waits there."""

    sign_off_id: int
    area_id: int
    code: str
    name: str
    quarter: str
    day: date
    counts: Counts
    addresses: int
    open: int
    note: str
    signed_by: str
    signed_at: Instant


class Signing(BaseModel):
    """Which list is signed, and why what is on it stays undecided."""

    area_id: RowKey
    quarter: Annotated[str, Field(pattern=QUARTER)]
    note: Annotated[PlainText, Field(max_length=500)]


class Signed(BaseModel):
    """What was signed."""

    sign_off_id: int
    counts: Counts


class Acknowledgement(BaseModel):
    """Which doubts somebody answers for: all conditions must hold; without any, every open one in your part."""

    reason: Annotated[PlainText, Field(max_length=500)]
    area_id: RowKey | None = None
    doubt: Doubt | None = None
    address_ids: Annotated[list[RowKey] | None, Field(max_length=10_000)] = None


class Acknowledged(BaseModel):
    """How many doubts were acknowledged."""

    doubts: int


class SignedAddressItem(AddressItem):
    """An address that was signed; `signed_as` is why it waited then, `unresolved` why it waits now."""

    signed_as: Unresolved


@router.get("/unresolved/clearance")
def read_clearance(
    session: ReadDep, settings: SettingsDep, scope: ScopeDep, area_id: RowKey, quarter: Quarter
) -> ClearanceItem:
    """Say whether no decision and no doubt of an area is open: only then its quarter can be finalised."""
    found = clearance(session, scope, area_id, quarter)
    doubts = open_doubts(session, settings, scope, area_id)
    return ClearanceItem.model_validate(
        {
            "area_id": area_id,
            "quarter": quarter,
            "cleared": found.is_cleared and not any(doubts.values()),
            "waiting": found.waiting,
            "open": found.open,
            "doubts": doubts,
        }
    )


@router.get("/unresolved/sign-offs")
def list_sign_offs(
    session: ReadDep,
    scope: ScopeDep,
    quarter: Annotated[str | None, Query(pattern=QUARTER)] = None,
    area_id: RowKey | None = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[SignOff]:
    """List sign-offs of undecided addresses in your part of the district, the newest first."""
    frame = sign_offs(session, scope, quarter=quarter, area_id=area_id)
    return Page(items=items_of(SignOff, frame, offset, limit), total=len(frame), offset=offset, limit=limit)


@router.post("/unresolved/sign-offs", dependencies=[Depends(requires(Permission.SIGN_OFF_UNRESOLVED))])
def sign(engine: EngineDep, acting: ActingDep, day: AsOf, order: Signing) -> Signed:
    """Answer for everything in an area that waits and is not signed yet."""
    signed = sign_off_unresolved(engine, acting, order.area_id, order.quarter, order.note, day)
    return Signed.model_validate({"sign_off_id": signed.id, "counts": signed.counts})


@router.post("/unresolved/doubtful/acknowledgements", dependencies=[Depends(requires(Permission.SIGN_OFF_UNRESOLVED))])
def acknowledge(
    engine: EngineDep, settings: SettingsDep, acting: ActingDep, day: AsOf, order: Acknowledgement
) -> Acknowledged:
    """Answer for doubts in your part of the district, one or many; each is open again as soon as its facts change."""
    said = order.model_dump(exclude={"reason"})
    return Acknowledged(doubts=acknowledge_doubts(engine, settings, acting, day, order.reason, **said))


@router.get("/unresolved/sign-offs/{sign_off_id}/addresses")
def list_signed(
    session: ReadDep, scope: ScopeDep, sign_off_id: RowKey, offset: Offset = 0, limit: Limit = 100
) -> Page[SignedAddressItem]:
    """List the addresses that a sign-off covers."""
    frame = signed_addresses(session, scope, sign_off_id)
    return Page(items=items_of(SignedAddressItem, frame, offset, limit), total=len(frame), offset=offset, limit=limit)
