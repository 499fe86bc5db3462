"""Mismatches over HTTP: lists, one with its evidence, states one by one or many at once, comments and files."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, UploadFile
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.routes import VaultDep
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep, TodayDep
from gis_service.api.wire import Instant, Limit, Offset, Page, PlainText, RowKey, items_of
from gis_service.registers.mismatches.actions import ITEMS_MOST, attach, comment, hand_over, set_state
from gis_service.registers.mismatches.queries import Wanted, attachment, count_states, mismatch, mismatches
from gis_service.registers.mismatches.states import Side
from gis_service.registers.tables import MismatchClass, MismatchState

router = APIRouter(
    prefix="/api/v1/mismatches", tags=["mismatches"], dependencies=[Depends(requires(Permission.SEE_REGISTERS))]
)
WORK = [Depends(requires(Permission.WORK_MISMATCHES))]

Items = Annotated[list[RowKey], Field(min_length=1, max_length=ITEMS_MOST)]


class MismatchRow(BaseModel):
    """A mismatch as an item: what, where, whose, by when; `lon` and `lat` in degrees."""

    mismatch_id: int
    source_key: str
    mismatch_class: MismatchClass
    state: MismatchState
    registers: str
    at_register: Side | None
    field: str | None
    address_id: int | None
    address: str | None
    lon: float | None
    lat: float | None
    area_id: int | None
    area_name: str | None
    village_id: int | None
    officer_id: int | None
    officer: str | None
    owner: str | None
    found_on: date
    last_found_on: date | None
    due_on: date | None
    times_opened: int
    evidence: str | None


class Event(BaseModel):
    """A step in the life of a mismatch."""

    model_config = ConfigDict(from_attributes=True)

    at: Instant
    actor: str
    side: Side | None
    kind: str
    state_before: MismatchState | None
    state_after: MismatchState | None
    text: str | None


class AttachmentItem(BaseModel):
    """A file without its content."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    actor: str
    at: Instant


class MismatchDetails(MismatchRow):
    """A mismatch with what each register says (masked), in which fields they differ, its trail and its files."""

    sides: dict[str, dict[str, Any]]
    differing: list[str]
    events: list[Event]
    attachments: list[AttachmentItem]


class Decision(BaseModel):
    """A state for one or many; a rejection and an opening again need a reason."""

    mismatch_ids: Items
    state: MismatchState
    reason: Annotated[PlainText | None, Field(max_length=500)] = None


class HandOver(BaseModel):
    """Whose they are (login) and by when they are due."""

    mismatch_ids: Items
    owner: Annotated[PlainText | None, Field(max_length=64)] = None
    due_on: date | None = None


class Comment(BaseModel):
    """What somebody has to say."""

    text: Annotated[PlainText, Field(min_length=1, max_length=1000)]


class Changed(BaseModel):
    """How many mismatches were changed."""

    mismatches: int


class Attached(BaseModel):
    """The file that was attached."""

    attachment_id: int


@router.get("")
def list_mismatches(
    session: ReadDep,
    scope: ScopeDep,
    viewer: ViewerDep,
    wanted: Annotated[Wanted, Depends()],
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[MismatchRow]:
    """List the mismatches of your part of the district and your side, those due first."""
    frame, total = mismatches(session, scope, viewer, wanted, offset=offset, limit=limit)
    return Page(items=items_of(MismatchRow, frame), total=total, offset=offset, limit=limit)


@router.get("/counts")
def list_counts(session: ReadDep, scope: ScopeDep, viewer: ViewerDep) -> dict[str, int]:
    """Count the mismatches of your part and side by state."""
    return count_states(session, scope, viewer)


@router.post("/states", dependencies=WORK)
def decide(engine: EngineDep, acting: ActingDep, today: TodayDep, order: Decision) -> Changed:
    """Take mismatches to a state, all or none."""
    changed = set_state(engine, acting, order.mismatch_ids, order.state, today=today, reason=order.reason)
    return Changed(mismatches=changed)


@router.post("/owners", dependencies=WORK)
def give(engine: EngineDep, acting: ActingDep, today: TodayDep, order: HandOver) -> Changed:
    """Say whose mismatches are and by when they are due, all or none."""
    changed = hand_over(engine, acting, order.mismatch_ids, today=today, owner=order.owner, due_on=order.due_on)
    return Changed(mismatches=changed)


@router.get("/{mismatch_id}")
def read_mismatch(
    session: ReadDep, scope: ScopeDep, viewer: ViewerDep, vault: VaultDep, mismatch_id: RowKey
) -> MismatchDetails:
    """Read one mismatch with its evidence side by side."""
    return MismatchDetails.model_validate(mismatch(session, scope, viewer, vault, mismatch_id))


@router.post("/{mismatch_id}/comments", status_code=204, response_class=Response, dependencies=WORK)
def say(engine: EngineDep, acting: ActingDep, today: TodayDep, mismatch_id: RowKey, order: Comment) -> None:
    """Add a comment."""
    comment(engine, acting, mismatch_id, order.text, today=today)


@router.post("/{mismatch_id}/attachments", status_code=201, dependencies=WORK)
def attach_file(
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    today: TodayDep,
    mismatch_id: RowKey,
    file: Annotated[UploadFile, File(description="A JPEG, PNG or PDF.")],
) -> Attached:
    """Attach a picture or document; it is kept sealed."""
    content = file.file.read(settings.attachment_max_bytes + 1)
    made = attach(engine, settings, acting, mismatch_id, file.filename or "", content, today=today)
    return Attached(attachment_id=made)


@router.get("/{mismatch_id}/attachments/{attachment_id}", response_class=Response)
def read_attachment(
    session: ReadDep,
    scope: ScopeDep,
    viewer: ViewerDep,
    vault: VaultDep,
    mismatch_id: RowKey,
    attachment_id: RowKey,
) -> Response:
    """Read a file; it is saved and never shown in the page."""
    file, content = attachment(session, scope, viewer, vault, mismatch_id, attachment_id)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=file.media_type, headers=headers)
