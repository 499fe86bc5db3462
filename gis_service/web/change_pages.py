"""Changes of the land for people: the list, one change with its impact and two maps, and what is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Engine

from gis_service.access.http import ActingDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep, today_here
from gis_service.api.problems import status_of
from gis_service.api.wire import RowKey
from gis_service.areas.tables import ChangeState, LandChange
from gis_service.changes.actions import (
    apply_change,
    approve_change,
    discard_change,
    land_change,
    land_changes,
    revert_change,
)
from gis_service.changes.completing import undrawn_split
from gis_service.changes.published import published_impact_of
from gis_service.errors import GridError, InvalidInputError
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.texts import T
from gis_service.web.change_showing import compared_borders, impact_tables, sentences
from gis_service.web.rendering import page
from gis_service.web.wording import code_name
from maps.page import script_json

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_LAND))])

PAGE = 50
_OPEN = (ChangeState.DRAFT, ChangeState.APPROVED)

Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Reason = Annotated[str, Form(max_length=500)]


@dataclass(frozen=True)
class Refusal:
    """What was refused: beside which field it is said, and what was typed there."""

    field: str
    error: GridError
    typed: str = ""

    @property
    def lines(self) -> list[str]:
        """The refusal and what is wrong in detail, each with what to do about it."""
        faults = self.error.faults if isinstance(self.error, InvalidInputError) else ()
        return [str(self.error), *(f"{fault.message} {fault.remedy or ''}".strip() for fault in faults)]


@router.get("/changes")
def changes_page(
    request: Request, session: ReadDep, viewer: ViewerDep, state: str = "", offset: Offset = 0
) -> HTMLResponse:
    """List the drafts and changes of the land, the newest first."""
    everything = land_changes(session, viewer)
    wanted = [change for change in everything if not state or change.state == state]
    counts = {each.value: sum(change.state == each for change in everything) for each in ChangeState}
    return page(
        request,
        "changes.html",
        viewer,
        rows=wanted[offset : offset + PAGE],
        asked=sentences(session, viewer, wanted[offset : offset + PAGE]),
        total=len(wanted),
        offset=offset,
        limit=PAGE,
        state=state,
        states=[(value, code_name(value), count) for value, count in counts.items()],
        may_import=viewer.may(Permission.IMPORT_LAND),
        may_draft=viewer.may(Permission.DRAFT_LAND_CHANGE),
    )


@router.get("/changes/{change_id}")
def change_page(
    request: Request, engine: EngineDep, settings: SettingsDep, viewer: ViewerDep, change_id: RowKey
) -> HTMLResponse:
    """Show one change: what it asks for, whom it moves, the land before and after."""
    return _change(request, engine, settings, viewer, change_id)


@router.post("/changes/{change_id}/approval", dependencies=[Depends(requires(Permission.APPROVE_LAND_CHANGE))])
def approve(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    change_id: RowKey,
    accepted_reason: Reason = "",
) -> Response:
    """Agree to somebody else's draft."""
    try:
        approve_change(engine, acting, change_id, accepted_reason=accepted_reason.strip() or None)
    except GridError as error:
        return _change(request, engine, settings, acting, change_id, Refusal("approval", error, accepted_reason))
    return _back(change_id)


@router.post("/changes/{change_id}/discard", dependencies=[Depends(requires(Permission.DRAFT_LAND_CHANGE))])
def discard(
    request: Request, engine: EngineDep, settings: SettingsDep, acting: ActingDep, change_id: RowKey
) -> Response:
    """Drop a change that is not applied."""
    try:
        discard_change(engine, acting, change_id)
    except GridError as error:
        return _change(request, engine, settings, acting, change_id, Refusal("discard", error))
    return _back(change_id)


@router.post("/changes/{change_id}/application", dependencies=[Depends(requires(Permission.APPLY_LAND_CHANGE))])
def apply(request: Request, engine: EngineDep, settings: SettingsDep, acting: ActingDep, change_id: RowKey) -> Response:
    """Carry an approved change out, all of it or nothing."""
    try:
        apply_change(engine, settings, acting, change_id)
    except GridError as error:
        return _change(request, engine, settings, acting, change_id, Refusal("application", error))
    return _back(change_id)


@router.post("/changes/{change_id}/reversion", dependencies=[Depends(requires(Permission.APPLY_LAND_CHANGE))])
def revert(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    change_id: RowKey,
    reason: Reason = "",
) -> Response:
    """Take an applied change back, as if it had never been."""
    try:
        revert_change(engine, settings, acting, change_id, reason)
    except GridError as error:
        return _change(request, engine, settings, acting, change_id, Refusal("reversion", error, reason))
    return _back(change_id)


def _back(change_id: int) -> Response:
    return RedirectResponse(f"/changes/{change_id}", status_code=303)


def _change(
    request: Request,
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    change_id: int,
    refusal: Refusal | None = None,
) -> HTMLResponse:
    with reading(engine) as session:
        change = land_change(session, viewer, change_id)
        session.expunge(change)  # what it says is read on when this session is over
    impact, obstacle = None, None
    if change.state in _OPEN:
        try:
            impact = published_impact_of(engine, settings, viewer, change_id, request.app.state.withheld_store)
        except InvalidInputError as error:
            obstacle = Refusal("impact", error)
    with reading(engine) as session:
        asked = sentences(session, viewer, [change])[change.id]
        comparison = compared_borders(session, settings, viewer, change, impact)
        is_split = change.kind == "split" and change.state == ChangeState.APPLIED
        undrawn = undrawn_split(session, change.payload["area_id"], max(change.day, today_here())) if is_split else None
        tables: dict[str, Any] = {"faults": []} if impact is None else impact_tables(session, viewer, change, impact)
    return page(
        request,
        "change.html",
        viewer,
        status=status_of(refusal.error) if refusal else 200,
        change=change,
        undrawn=undrawn,
        asked=asked,
        impact=impact,
        tables_shown=tables,
        obstacle=obstacle,
        refusal=refusal,
        comparison=None if comparison is None else script_json(comparison),
        address=str(request.url_for("change_page", change_id=change_id)),
        may=_may(viewer, change),
    )


def _may(viewer: Viewer, change: LandChange) -> dict[str, Any]:
    """What can be done now, by state and role; whose draft it is decides who approves."""
    is_author = change.author_id is not None and change.author_id == viewer.account_id
    waits = change.state == ChangeState.DRAFT and viewer.may(Permission.APPROVE_LAND_CHANGE)
    applies = viewer.may(Permission.APPLY_LAND_CHANGE)
    return {
        "approve": waits and not is_author,
        "only_another": str(T("A second person decides: nobody approves the own request."))
        if waits and is_author
        else "",
        "apply": change.state == ChangeState.APPROVED and applies,
        "discard": change.state in _OPEN and viewer.may(Permission.DRAFT_LAND_CHANGE),
        "revert": change.state == ChangeState.APPLIED and applies,
    }
