"""Changes of the land over HTTP: draft, impact, approve, apply or discard, revert; what became of an area."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep
from gis_service.api.wire import Instant, RowKey
from gis_service.areas.change_kinds import Asked
from gis_service.areas.land_record import heirs_of
from gis_service.areas.queries import area_details
from gis_service.areas.tables import ChangeState
from gis_service.changes.actions import (
    apply_change,
    approve_change,
    discard_change,
    draft_change,
    land_change,
    land_changes,
    revert_change,
)
from gis_service.changes.carrying_out import CarriedOut
from gis_service.changes.published import published_impact_of
from gis_service.intake.subject import Mode

router = APIRouter(prefix="/api/v1", tags=["land changes"], dependencies=[Depends(requires(Permission.SEE_LAND))])

Reason = Annotated[str, Field(max_length=500)]


class Draft(BaseModel):
    """What should change, how and from which day."""

    mode: Mode
    day: date
    asked: Asked
    note: Annotated[str | None, Field(max_length=500)] = None


class ChangeItem(BaseModel):
    """A change of the land and where it stands."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: str
    mode: Mode
    day: date
    state: ChangeState
    author: str
    drafted_at: Instant
    approved_by: str | None
    decided_at: Instant | None
    note: str | None
    accepted_reason: str | None


class ChangeDetails(ChangeItem):
    """A change with what it asks for."""

    payload: dict[str, Any]


class Approval(BaseModel):
    """Agreement; with a reason also to the topology faults that come with the change."""

    accepted_reason: Reason | None = None


class Reverting(BaseModel):
    """Why a change is taken back."""

    reason: Reason


class Done(BaseModel):
    """What was written: areas whose record differs, addresses with another placement, and over which days."""

    areas: int
    addresses: int
    since: date
    until: date | None


class ImpactItem(BaseModel):
    """What a change would move; `borders` and `faults` as GeoJSON in lon-lat."""

    since: date
    until: date | None
    written: int
    moved: int
    flows: list[dict[str, Any]]
    officers: list[dict[str, Any]]
    units: Annotated[list[dict[str, Any]], Field(description="Units whose area ends, and where each of them goes.")]
    coverage: list[dict[str, Any]]
    borders: dict[str, Any]
    faults: dict[str, Any]


class Heir(BaseModel):
    """One step of what became of an area."""

    from_area_id: int
    to_area_id: int
    kind: str
    day: date
    code: str | None = None
    name: str | None = None


@router.get("/land-changes")
def list_changes(
    session: ReadDep,
    viewer: ViewerDep,
    state: Annotated[ChangeState | None, Query(description="Only in this state.")] = None,
) -> list[ChangeItem]:
    """List changes of the land in your part of the district, the newest first."""
    return [ChangeItem.model_validate(change) for change in land_changes(session, viewer, state)]


@router.get("/land-changes/{change_id}")
def read_change(session: ReadDep, viewer: ViewerDep, change_id: RowKey) -> ChangeDetails:
    """Read one change of the land."""
    return ChangeDetails.model_validate(land_change(session, viewer, change_id))


@router.post("/land-changes", dependencies=[Depends(requires(Permission.DRAFT_LAND_CHANGE))])
def draft(engine: EngineDep, acting: ActingDep, order: Draft) -> ChangeDetails:
    """Put down a change; nothing happens before it is approved and applied."""
    change = draft_change(engine, acting, order.asked.model_dump(mode="json"), order.mode, order.day, note=order.note)
    return ChangeDetails.model_validate(change)


@router.get("/land-changes/{change_id}/impact")
def impact(
    request: Request, engine: EngineDep, settings: SettingsDep, viewer: ViewerDep, change_id: RowKey
) -> ImpactItem:
    """Tell whom and what a change would move; writes nothing."""
    found = published_impact_of(engine, settings, viewer, change_id, request.app.state.withheld_store)
    return ImpactItem(
        since=found.since,
        until=found.until,
        written=found.written,
        moved=len(found.moved),
        flows=_rows(found.flows),
        officers=_rows(found.officers.reset_index()),
        units=_rows(found.units.reset_index()),
        coverage=_rows(found.coverage.reset_index()),
        borders=json.loads(found.borders.to_json(ensure_ascii=False)),
        faults=json.loads(found.faults.to_json(ensure_ascii=False)),
    )


@router.post("/land-changes/{change_id}/approval", dependencies=[Depends(requires(Permission.APPROVE_LAND_CHANGE))])
def approve(engine: EngineDep, acting: ActingDep, change_id: RowKey, order: Approval) -> ChangeItem:
    """Agree to somebody else's draft."""
    return ChangeItem.model_validate(approve_change(engine, acting, change_id, accepted_reason=order.accepted_reason))


@router.post("/land-changes/{change_id}/discard", dependencies=[Depends(requires(Permission.DRAFT_LAND_CHANGE))])
def discard(engine: EngineDep, acting: ActingDep, change_id: RowKey) -> ChangeItem:
    """Drop a change that is not applied."""
    return ChangeItem.model_validate(discard_change(engine, acting, change_id))


@router.post("/land-changes/{change_id}/application", dependencies=[Depends(requires(Permission.APPLY_LAND_CHANGE))])
def apply(engine: EngineDep, settings: SettingsDep, acting: ActingDep, change_id: RowKey) -> Done:
    """Carry an approved change out, all of it or nothing."""
    return _done(apply_change(engine, settings, acting, change_id))


@router.post("/land-changes/{change_id}/reversion", dependencies=[Depends(requires(Permission.APPLY_LAND_CHANGE))])
def revert(engine: EngineDep, settings: SettingsDep, acting: ActingDep, change_id: RowKey, order: Reverting) -> Done:
    """Take an applied change back, as if it had never been."""
    return _done(revert_change(engine, settings, acting, change_id, order.reason))


@router.get("/areas/{area_id}/heirs")
def heirs(session: ReadDep, scope: ScopeDep, area_id: RowKey) -> list[Heir]:
    """Tell what became of an area (in your part of the district on the day asked for)."""
    area_details(session, scope, area_id)
    return [Heir.model_validate(step) for step in heirs_of(session, area_id)]


def _done(done: CarriedOut) -> Done:
    return Done(areas=len(done.after), addresses=done.rewriting.written, since=done.since, until=done.until)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]
