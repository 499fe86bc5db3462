"""The teams over HTTP. Identity numbers and phones of officers are not among the fields."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from gis_service.access.http import ActingDep, ScopeDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import EngineDep, ReadDep
from gis_service.api.wire import Limit, Offset, Page, PlainText, RowKey, items_of
from gis_service.areas.tables import AreaLevel
from gis_service.teams.actions import hand_over_beat
from gis_service.teams.queries import beats, officers, units
from gis_service.teams.tables import EmploymentForm, PostRole, Side

router = APIRouter(prefix="/api/v1", tags=["teams"], dependencies=[Depends(requires(Permission.SEE_TEAMS))])


class UnitItem(BaseModel):
    """A brigade, squadron, squad or team with its strength on the day."""

    unit_id: int
    code: str
    name: str
    level: AreaLevel
    area_id: int
    area_name: str
    leader: str | None
    officers_fte: float
    officers: int


class OfficerItem(BaseModel):
    """An officer in the post held on the day."""

    officer_id: int
    badge_no: str
    name: str
    form: EmploymentForm
    side: Side
    unit_id: int
    unit_name: str
    role: PostRole
    share: float
    beats: int


class BeatItem(BaseModel):
    """A beat and who answers for it on the day."""

    beat_id: int
    code: str
    name: str
    unit_id: int
    unit_name: str
    officer_id: int | None
    badge_no: str | None
    officer: str | None
    share: float


class HandOver(BaseModel):
    """Hand a beat to another officer from a day on."""

    badge_no: Annotated[PlainText, Field(max_length=32)]
    from_day: date


@router.get("/units")
def list_units(session: ReadDep, scope: ScopeDep, offset: Offset = 0, limit: Limit = 100) -> Page[UnitItem]:
    """List the units in your part of the district."""
    frame = units(session, scope)
    return Page(items=items_of(UnitItem, frame, offset, limit), total=len(frame), offset=offset, limit=limit)


@router.get("/officers")
def list_officers(session: ReadDep, scope: ScopeDep, offset: Offset = 0, limit: Limit = 100) -> Page[OfficerItem]:
    """List the officers posted in your part of the district."""
    frame = officers(session, scope)
    return Page(items=items_of(OfficerItem, frame, offset, limit), total=len(frame), offset=offset, limit=limit)


@router.get("/beats")
def list_beats(session: ReadDep, scope: ScopeDep, offset: Offset = 0, limit: Limit = 100) -> Page[BeatItem]:
    """List the beats in your part of the district with the officers who hold them."""
    frame = beats(session, scope)
    return Page(items=items_of(BeatItem, frame, offset, limit), total=len(frame), offset=offset, limit=limit)


@router.post("/beats/{beat_id}/hand-over", dependencies=[Depends(requires(Permission.HAND_OVER_BEAT))])
def hand_over(engine: EngineDep, acting: ActingDep, beat_id: RowKey, order: HandOver) -> BeatItem:
    """Hand a beat to another officer: one small write, no address is touched."""
    return BeatItem.model_validate(hand_over_beat(engine, acting, beat_id, order.badge_no, order.from_day))
