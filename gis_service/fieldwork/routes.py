"""Fieldwork over HTTP: what a device takes along, and the visits that it sends."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Query, Request, UploadFile
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, Field

from gis_service.access.http import ActingDep, ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep
from gis_service.api.wire import Page, RowKey
from gis_service.fieldwork.actions import Receipt, VisitRecord, add_photo, record_visits
from gis_service.fieldwork.offline import taken_along
from gis_service.fieldwork.tables import VisitKind, VisitOutcome
from gis_service.fieldwork.worklist import tasks_due, todays_walk

router = APIRouter(
    prefix="/api/v1/field", tags=["fieldwork"], dependencies=[Depends(requires(Permission.SEE_WORKLIST))]
)
RECORDS = [Depends(requires(Permission.RECORD_VISITS))]

ReceiptKey = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$", description="Made by the device, for this record only.")
]


class Task(BaseModel):
    """A visit that is due; tasks at one address are one stop of the walk."""

    stop: int
    address_id: int
    why: str
    since: date
    due_on: date
    overdue_days: int
    grade: str | None
    text: str
    area_name: str | None
    lon: float | None
    lat: float | None


class RentalFigures(BaseModel):
    """What was counted on a group-rental checklist."""

    rooms: Annotated[int, Field(ge=0, le=10_000)]
    beds: Annotated[int, Field(ge=0, le=100_000)]
    residents: Annotated[int, Field(ge=0, le=100_000)]
    usable_area_m2: Annotated[float | None, Field(ge=0, le=1_000_000)] = None


class VisitSent(BaseModel):
    """A visit as the device wrote it down."""

    receipt_key: ReceiptKey
    address_id: RowKey
    kind: VisitKind
    outcome: VisitOutcome
    made_at: AwareDatetime
    note: Annotated[str | None, Field(max_length=500)] = None
    figures: RentalFigures | None = None


class VisitsSent(BaseModel):
    """What a device has collected."""

    visits: Annotated[list[VisitSent], Field(min_length=1, max_length=200)]


class ReceiptItem(BaseModel):
    """What became of one record; the device forgets it unless it was refused."""

    receipt_key: str
    receipt: Receipt
    visit_id: int | None
    said: str


class Receipts(BaseModel):
    """A receipt for each record, in the order in which they were sent."""

    receipts: list[ReceiptItem]


@router.get("/today")
def list_today(
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    lon: Annotated[float | None, Query(ge=-180, le=180)] = None,
    lat: Annotated[float | None, Query(ge=-90, le=90)] = None,
) -> Page[Task]:
    """List the day's visits in the order of a short walk, from where the officer stands when that is given."""
    start = None if lon is None or lat is None else (lon, lat)
    tasks = todays_walk(tasks_due(session, scope, settings, until=scope.day), settings, start_lonlat=start)
    plain = tasks.astype(object)
    items = [Task.model_validate(row) for row in plain.where(plain.notna(), None).to_dict("records")]
    return Page(items=items, total=len(items), offset=0, limit=max(len(items), 1))


@router.get("/offline")
def take_along(request: Request, session: ReadDep, scope: ScopeDep, settings: SettingsDep) -> dict[str, Any]:
    """Give everything that a device needs without a network: beats, addresses, residents (masked), tasks."""
    return taken_along(session, scope, settings, request.app.state.vault, now=datetime.now(UTC))


@router.post("/visits", dependencies=RECORDS)
def send_visits(
    engine: EngineDep,
    settings: SettingsDep,
    viewer: ActingDep,
    sent: VisitsSent,
) -> Receipts:
    """Record visits; each gets its receipt. Sending one again is harmless."""
    records = [
        VisitRecord(
            receipt_key=each.receipt_key,
            address_id=each.address_id,
            kind=each.kind,
            outcome=each.outcome,
            made_at=each.made_at,
            note=each.note,
            figures=None if each.figures is None else each.figures.model_dump(),
        )
        for each in sent.visits
    ]
    received = record_visits(engine, settings, viewer, records, now=datetime.now(UTC))
    return Receipts(
        receipts=[
            ReceiptItem(receipt_key=each.receipt_key, receipt=each.receipt, visit_id=each.visit_id, said=str(each.said))
            for each in received
        ]
    )


@router.post("/visits/{receipt_key}/photos", status_code=204, dependencies=RECORDS)
def send_photo(
    engine: EngineDep,
    settings: SettingsDep,
    viewer: ActingDep,
    receipt_key: ReceiptKey,
    photo: Annotated[UploadFile, File(description="JPEG or PNG.")],
) -> Response:
    """Keep a photo of one's own visit."""
    add_photo(engine, settings, viewer, receipt_key, photo.file.read(settings.attachment_max_bytes + 1))
    return Response(status_code=204)
