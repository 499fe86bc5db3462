"""Signing off undecided addresses, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from gis_service.access.http import ActingDep, ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.addresses.routes import AddressItem
from gis_service.addresses.signing_off import (
    QUARTER,
    clearance,
    sign_off_unresolved,
    sign_offs,
    signed_addresses,
)
from gis_service.addresses.tables import Unresolved
from gis_service.api.dependencies import AsOf, EngineDep, ReadDep
from gis_service.api.wire import Instant, Limit, Offset, Page, PlainText, RowKey, items_of

router = APIRouter(
    prefix="/api/v1", tags=["unresolved addresses"], dependencies=[Depends(requires(Permission.SEE_ADDRESSES))]
)

Quarter = Annotated[str, Query(pattern=QUARTER, description="For example 2026-Q3.")]
Counts = dict[Unresolved, int]


class ClearanceItem(BaseModel):
    """What of an area waits for a decision, and what of that nobody has signed for the quarter; by reason."""

    area_id: int
    quarter: str
    cleared: bool
    waiting: Counts
    open: Counts


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


class SignedAddressItem(AddressItem):
    """An address that was signed; `signed_as` is why it waited then, `unresolved` why it waits now."""

    signed_as: Unresolved


@router.get("/unresolved/clearance")
def read_clearance(session: ReadDep, scope: ScopeDep, area_id: RowKey, quarter: Quarter) -> ClearanceItem:
    """Say whether the list of an area is empty or signed off: only then its quarter can be finalised."""
    found = clearance(session, scope, area_id, quarter)
    return ClearanceItem.model_validate(
        {
            "area_id": area_id,
            "quarter": quarter,
            "cleared": found.is_cleared,
            "waiting": found.waiting,
            "open": found.open,
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


@router.get("/unresolved/sign-offs/{sign_off_id}/addresses")
def list_signed(
    session: ReadDep, scope: ScopeDep, sign_off_id: RowKey, offset: Offset = 0, limit: Limit = 100
) -> Page[SignedAddressItem]:
    """List the addresses that a sign-off covers."""
    frame = signed_addresses(session, scope, sign_off_id)
    return Page(items=items_of(SignedAddressItem, frame, offset, limit), total=len(frame), offset=offset, limit=limit)
