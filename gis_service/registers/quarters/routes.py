"""The quarter over HTTP: progress, the steps of a village, the certificate."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Query, UploadFile
from fastapi import Path as PathParam
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from gis_service.access.http import ActingDep, ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep, TodayDep
from gis_service.api.wire import Instant, Limit, Offset, Page, RowKey, items_of
from gis_service.intake.routes import owner_of
from gis_service.intake.uploads import passing_upload
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
from gis_service.registers.quarters.lists import read_list
from gis_service.registers.quarters.matching import match_quarter
from gis_service.registers.quarters.queries import progress, reconciliation_of
from gis_service.registers.quarters.tables import QuarterState

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
    found: int
    open: int
    confirmed: int
    corrected_police: int
    corrected_village: int
    corrected_grid: int
    rejected: int
    settled: int
    share_settled: float | None
    previous_found: int | None


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


class Matched(BaseModel):
    """What a matching found: new facts, such that were open still, came back, were settled still, and are gone."""

    new: int
    open_still: int
    opened_again: int
    settled_still: int
    gone: int


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
    quarter: Annotated[str, Query(pattern=WRITTEN, description="Like 2026-Q4.")],
    area_id: RowKey | None = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[VillageProgress]:
    """List how far each village is."""
    frame = progress(session, scope, Quarter.parse(quarter), area_id)
    return Page(items=items_of(VillageProgress, frame, offset, limit), total=len(frame), offset=offset, limit=limit)


@router.post("/quarters", status_code=201, dependencies=LEAD)
def open_villages(engine: EngineDep, acting: ActingDep, today: TodayDep, order: Opening) -> Opened:
    """Open a quarter in every village that has it not."""
    made = open_quarter(engine, acting, Quarter.parse(order.quarter), today=today, area_id=order.area_id)
    return Opened(reconciliation_ids=made)


@router.post("/quarters/{quarter}/match", dependencies=LEAD)
def match_registers(
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    today: TodayDep,
    quarter: Annotated[str, PathParam(pattern=WRITTEN)],
    village: Annotated[UploadFile, File(description="The villages' base registers, one table.")],
    grid: Annotated[UploadFile, File(description="The grid workers' lists, one table.")],
    police: Annotated[
        UploadFile | None, File(description="The police registry; the service's own when absent.")
    ] = None,
    area_id: Annotated[RowKey | None, Form()] = None,
) -> Matched:
    """Match three registers of every village of an area; what differs becomes items."""
    sent = {"village": village, "grid": grid, **({} if police is None else {"police": police})}
    lists = {}
    for name, file in sent.items():
        with passing_upload(settings, owner_of(acting), file.filename or "", file.file) as upload:
            lists[name] = read_list(settings, upload.path, upload.name)
    done = match_quarter(engine, settings, acting, Quarter.parse(quarter), lists, today=today, area_id=area_id)
    return Matched(**asdict(done))


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
def close_village(engine: EngineDep, acting: ActingDep, today: TodayDep, reconciliation_id: RowKey) -> StateNow:
    """Close a signed quarter for good."""
    close(engine, acting, reconciliation_id, today=today)
    return StateNow(state=QuarterState.CLOSED)


@router.get("/reconciliations/{reconciliation_id}/certificate", response_class=Response)
def read_certificate(session: ReadDep, scope: ScopeDep, reconciliation_id: RowKey) -> Response:
    """Read the certificate sheet (HTML): the same bytes ever after it was closed, a draft before."""
    return Response(printed_certificate(session, scope, reconciliation_id), media_type="text/html; charset=utf-8")
