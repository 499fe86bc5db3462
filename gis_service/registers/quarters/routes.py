"""The quarter over HTTP: progress, the steps of a village, the certificate."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi import Path as PathParam
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.routes import VaultDep
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep, TodayDep
from gis_service.api.wire import Instant, Limit, Offset, Page, RowKey, Withheld, items_of
from gis_service.jobs.routes import JobItem, QueueDep, job_item
from gis_service.registers.mismatches.queries import mismatch
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.actions import (
    close,
    finish_work,
    open_quarter,
    printed_certificate,
    sign,
    take_back,
)
from gis_service.registers.quarters.calendar import WRITTEN, Quarter
from gis_service.registers.quarters.matching_jobs import ask_for_matching
from gis_service.registers.quarters.person_links import links_of_mismatch, person
from gis_service.registers.quarters.published import published_progress
from gis_service.registers.quarters.queries import reconciliation_of
from gis_service.registers.quarters.tables import LinkKind, QuarterState
from gis_service.registers.snapshots.routes import SnapshotRowItem

router = APIRouter(prefix="/api/v1", tags=["quarters"], dependencies=[Depends(requires(Permission.SEE_REGISTERS))])
LEAD = [Depends(requires(Permission.LEAD_QUARTER))]
WORK = [Depends(requires(Permission.WORK_MISMATCHES))]
SIGN = [Depends(requires(Permission.SIGN_QUARTER))]

QuarterText = Annotated[str, Field(pattern=WRITTEN, description="Like 2026-Q4.", examples=["2026-Q4"])]


class VillageProgress(BaseModel):
    """How far a village is; `state` is null where the quarter has not been opened."""

    village_id: int
    code: str
    name: str
    parent_id: int | None
    reconciliation_id: int | None
    state: QuarterState | None
    due_on: date | None
    is_overdue: bool
    police_signed_by: str | None
    village_signed_by: str | None
    found: int | None
    open: int | None
    confirmed: int | None
    corrected_police: int | None
    corrected_village: int | None
    corrected_grid: int | None
    rejected: int | None
    settled: int | None
    share_settled: float | None
    previous_found: int | None
    withheld: Withheld


class QuarterItem(BaseModel):
    """A village's quarter."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    village_id: int
    quarter: str
    state: QuarterState
    opened_by: str
    opened_at: Instant
    due_on: date
    matched_at: Instant | None
    figures: dict[str, Any] | None
    worked_at: Instant | None
    police_signed_by: str | None
    police_signed_at: Instant | None
    village_signed_by: str | None
    village_signed_at: Instant | None
    closed_by: str | None
    closed_at: Instant | None
    certificate_sha256: str | None


class Opening(BaseModel):
    """Which quarter is opened, in every village of an area or of your part of the district."""

    quarter: QuarterText
    area_id: RowKey | None = None


class Opened(BaseModel):
    """The villages' quarters that were opened."""

    reconciliation_ids: list[int]


class Matching(BaseModel):
    """Which villages are matched: those of an area, or of your part of the district."""

    area_id: RowKey | None = None


class LinkItem(BaseModel):
    """Two records that are one person: how found (level), how sure (log2 odds), and how well each field agrees."""

    quarter: str
    kind: LinkKind
    left_row_id: int
    right_row_id: int
    left_side: Side
    right_side: Side
    level: str
    score: float
    name: str
    id_number: str
    phone: str
    birth_year: str
    address: str


class PersonRow(SnapshotRowItem):
    """A record with the side that keeps it."""

    side: Side


class PersonItem(BaseModel):
    """A record beside those that it is linked to, masked, and the links."""

    rows: list[PersonRow]
    links: list[LinkItem]


class Signing(BaseModel):
    """For which side; only those who lead all sides say it."""

    side: Side | None = None


class StateNow(BaseModel):
    """The state that a village's quarter has now."""

    state: QuarterState


@router.get("/quarters/progress")
def list_progress(
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    quarter: Annotated[str, Query(pattern=WRITTEN, description="Like 2026-Q4.")],
    area_id: RowKey | None = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[VillageProgress]:
    """List how far each village is."""
    frame = published_progress(session, scope, settings, Quarter.parse(quarter), area_id)
    return Page(items=items_of(VillageProgress, frame, offset, limit), total=len(frame), offset=offset, limit=limit)


@router.post("/quarters", status_code=201, dependencies=LEAD)
def open_villages(engine: EngineDep, acting: ActingDep, today: TodayDep, order: Opening) -> Opened:
    """Open a quarter in every village that has it not."""
    made = open_quarter(engine, acting, Quarter.parse(order.quarter), today=today, area_id=order.area_id)
    return Opened(reconciliation_ids=made)


@router.post("/quarters/{quarter}/match", status_code=202, dependencies=LEAD)
def match_registers(
    engine: EngineDep,
    queue: QueueDep,
    acting: ActingDep,
    today: TodayDep,
    quarter: Annotated[str, PathParam(pattern=WRITTEN)],
    order: Matching,
) -> JobItem:
    """Have the snapshots of every village of an area matched by a worker; what differs becomes items.

    The `result` of the job counts facts that are new, open still, opened again, settled still and gone; `villages` were
    matched, those in `waiting` were not, as registers of them have not been handed in.
    """
    return job_item(ask_for_matching(engine, queue, acting, Quarter.parse(quarter), today=today, area_id=order.area_id))


@router.get("/mismatches/{mismatch_id}/links")
def list_links(
    session: ReadDep, scope: ScopeDep, viewer: ViewerDep, vault: VaultDep, mismatch_id: RowKey
) -> list[LinkItem]:
    """List why the records of a mismatch are taken for one person."""
    return items_of(LinkItem, links_of_mismatch(session, mismatch(session, scope, viewer, vault, mismatch_id)))


@router.get("/snapshot-rows/{row_id}/person")
def read_person(session: ReadDep, scope: ScopeDep, viewer: ViewerDep, vault: VaultDep, row_id: RowKey) -> PersonItem:
    """Read a record of a register beside those that it was linked to."""
    found = person(session, scope, viewer, vault, row_id)
    return PersonItem(rows=items_of(PersonRow, found["rows"]), links=items_of(LinkItem, found["links"]))


@router.get("/reconciliations/{reconciliation_id}")
def read_quarter(session: ReadDep, scope: ScopeDep, reconciliation_id: RowKey) -> QuarterItem:
    """Read a village's quarter."""
    return QuarterItem.model_validate(reconciliation_of(session, scope, reconciliation_id))


@router.post("/reconciliations/{reconciliation_id}/work-finished", dependencies=WORK)
def say_finished(engine: EngineDep, acting: ActingDep, today: TodayDep, reconciliation_id: RowKey) -> StateNow:
    """Say that every mismatch of the village has been judged."""
    finish_work(engine, acting, reconciliation_id, today=today)
    return StateNow(state=QuarterState.WORKED)


@router.post("/reconciliations/{reconciliation_id}/taken-back", dependencies=WORK)
def say_taken_back(engine: EngineDep, acting: ActingDep, today: TodayDep, reconciliation_id: RowKey) -> StateNow:
    """Take a worked or signed quarter back to work; its signatures fall away."""
    take_back(engine, acting, reconciliation_id, today=today)
    return StateNow(state=QuarterState.MATCHED)


@router.post("/reconciliations/{reconciliation_id}/signature", dependencies=SIGN)
def sign_village(
    engine: EngineDep, acting: ActingDep, today: TodayDep, reconciliation_id: RowKey, order: Signing
) -> StateNow:
    """Sign for your side."""
    return StateNow(state=QuarterState(sign(engine, acting, reconciliation_id, today=today, side=order.side)))


@router.post("/reconciliations/{reconciliation_id}/closing", dependencies=LEAD)
def close_village(
    engine: EngineDep, settings: SettingsDep, acting: ActingDep, today: TodayDep, reconciliation_id: RowKey
) -> StateNow:
    """Close a signed quarter for good."""
    close(engine, settings, acting, reconciliation_id, today=today)
    return StateNow(state=QuarterState.CLOSED)


@router.get("/reconciliations/{reconciliation_id}/certificate", response_class=Response)
def read_certificate(session: ReadDep, scope: ScopeDep, reconciliation_id: RowKey) -> Response:
    """Read the certificate sheet (HTML): the same bytes ever after it was closed, a draft before."""
    return Response(printed_certificate(session, scope, reconciliation_id), media_type="text/html; charset=utf-8")
