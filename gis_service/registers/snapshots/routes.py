"""Snapshots over HTTP: each side hands in its own register, as a file or as rows, and sees what was kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Query, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.routes import VaultDep
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep, TodayDep
from gis_service.api.problems import fault_body
from gis_service.api.wire import Instant, Limit, Offset, Page, PlainText, RowKey, items_of
from gis_service.intake.routes import Columns, FaultItem, options_of, owner_of
from gis_service.intake.uploads import passing_upload
from gis_service.registers.mismatches.states import Side
from gis_service.registers.snapshots.actions import HandedIn, Handing, hand_in
from gis_service.registers.snapshots.handed import table_of_file, table_of_records
from gis_service.registers.snapshots.queries import masked_rows, snapshot, snapshots
from gis_service.registers.snapshots.sources import sources
from gis_service.registers.snapshots.tables import Origin

router = APIRouter(
    prefix="/api/v1/snapshots", tags=["snapshots"], dependencies=[Depends(requires(Permission.SEE_REGISTERS))]
)
HAND_IN = [Depends(requires(Permission.HAND_IN_REGISTER))]
ROWS_MOST = 20_000

Cell = Annotated[PlainText, Field(max_length=300)]


class SnapshotItem(BaseModel):
    """What a register said on a day, without its rows; `sha256` is the fingerprint of the content."""

    snapshot_id: int
    side: Side
    area_id: int
    area_name: str | None
    taken_on: date
    origin: Origin
    source: str | None
    file_name: str | None
    sha256: str
    row_count: int
    doubtful_count: int
    handed_in_by: str
    received_at: Instant


class SnapshotRowItem(BaseModel):
    """One person of a register, masked; `doubts` names the fields that do not hold."""

    row_id: int
    row_number: int
    source_key: str
    name: str | None
    id_number: str | None
    phone: str | None
    birth_year: int | None
    sex: str | None
    dwelling: str | None
    address_text: str | None
    address_code: str | None
    arrived_on: date | None
    left_on: date | None
    doubts: str | None


class SourceItem(BaseModel):
    """A saved mapping: from the headings of a source to fields."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    area_id: int
    side: Side
    name: str
    columns: dict[str, str]
    saved_by: str
    saved_at: Instant


class Pushed(BaseModel):
    """A register as another system sends it: rows of text under its own headings."""

    side: Side
    area_id: RowKey
    taken_on: date | None = None
    source: Annotated[PlainText, Field(min_length=1, max_length=64)] | None = None
    columns: Annotated[dict[Cell, Cell], Field(max_length=100)] | None = None
    strict: bool = False
    rows: Annotated[list[dict[Cell, Cell | None]], Field(min_length=1, max_length=ROWS_MOST)]


class Kept(BaseModel):
    """What was kept; `is_new` is false where the same content was there already."""

    snapshot_id: int
    is_new: bool
    row_count: int
    doubt_count: int
    doubts: Sequence[FaultItem]


@router.get("")
def list_snapshots(
    session: ReadDep,
    scope: ScopeDep,
    viewer: ViewerDep,
    side: Side | None = None,
    area_id: RowKey | None = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[SnapshotItem]:
    """List the snapshots of your part of the district and side, newest first."""
    frame, total = snapshots(session, scope, viewer, side=side, area_id=area_id, offset=offset, limit=limit)
    return Page(items=items_of(SnapshotItem, frame), total=total, offset=offset, limit=limit)


def handing_of_form(
    side: Annotated[Side, Form()],
    area_id: Annotated[RowKey, Form(description="Whose people it lists: a village, a township or the district.")],
    taken_on: Annotated[date | None, Form(description="The day on which it stood so; today when absent.")] = None,
    source: Annotated[PlainText | None, Form(max_length=64, description="Whose columns are saved.")] = None,
    columns: Columns = None,
    strict: Annotated[bool, Form(description="Refuse the whole where a value is doubtful.")] = False,
) -> Handing:
    """What is said of a file in the form that it comes with."""
    mapping = options_of("", None, columns, None, None, None).columns
    return Handing(side, area_id, taken_on, source or None, mapping, strict)


FormSaid = Annotated[Handing, Depends(handing_of_form)]


@router.post("", status_code=201, dependencies=HAND_IN)
def hand_in_file(
    response: Response,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    today: TodayDep,
    said: FormSaid,
    file: Annotated[UploadFile, File(description="The register: CSV or Excel.")],
) -> Kept:
    """Hand in a register as a file; 200 where the same content was there already."""
    with passing_upload(settings, owner_of(acting), file.filename or "", file.file) as upload:
        table = table_of_file(settings, upload.path, upload.name)
    return _kept(response, hand_in(engine, acting, table, said, today=today))


@router.post("/rows", status_code=201, dependencies=HAND_IN)
def hand_in_rows(response: Response, engine: EngineDep, acting: ActingDep, today: TodayDep, pushed: Pushed) -> Kept:
    """Hand in a register row by row from another system; 200 where the same content was there already."""
    said = Handing(pushed.side, pushed.area_id, pushed.taken_on, pushed.source, pushed.columns, pushed.strict)
    return _kept(response, hand_in(engine, acting, table_of_records(pushed.rows), said, today=today))


@router.get("/sources")
def list_sources(session: ReadDep, scope: ScopeDep, viewer: ViewerDep) -> list[SourceItem]:
    """List the saved mappings of your part of the district and side."""
    return [SourceItem.model_validate(each) for each in sources(session, scope, viewer)]


@router.get("/{snapshot_id}/rows")
def list_rows(
    session: ReadDep,
    scope: ScopeDep,
    viewer: ViewerDep,
    vault: VaultDep,
    snapshot_id: RowKey,
    doubtful: Annotated[bool, Query(description="Only rows of which something does not hold.")] = False,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[SnapshotRowItem]:
    """List the people of a snapshot, masked, in the order of the file."""
    kept = snapshot(session, scope, viewer, snapshot_id)
    frame, total = masked_rows(session, vault, kept.id, doubtful=doubtful, offset=offset, limit=limit)
    return Page(items=items_of(SnapshotRowItem, frame), total=total, offset=offset, limit=limit)


def _kept(response: Response, done: HandedIn) -> Kept:
    if not done.is_new:
        response.status_code = 200
    return Kept(
        snapshot_id=done.snapshot_id,
        is_new=done.is_new,
        row_count=done.row_count,
        doubt_count=done.doubt_count,
        doubts=[FaultItem.model_validate(fault_body(fault)) for fault in done.doubts],
    )
