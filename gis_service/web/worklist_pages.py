"""Addresses that wait for a decision: filtered, on a map, decided one by one or many at once, and taken back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.acknowledging import open_doubts
from gis_service.addresses.queries import address, addresses, count_unresolved
from gis_service.addresses.resolving import (
    accept_suggestions,
    override_area,
    place_by_hand,
    stale_overrides,
    suggestions_that_fit,
    withdraw_overrides,
)
from gis_service.addresses.signing_off import clearance, sign_off_unresolved
from gis_service.addresses.tables import Unresolved
from gis_service.addresses.worklist import compounds_offered, waiting_by_area
from gis_service.api.dependencies import AsOf, EngineDep, ReadDep, SettingsDep
from gis_service.api.problems import status_of
from gis_service.api.wire import RowKey
from gis_service.areas.queries import area_names
from gis_service.errors import GridError, NotFoundError, TooLargeError
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.fence import fenced_scope
from gis_service.texts import T
from gis_service.web.change_pages import Refusal
from gis_service.web.drawing import Drawing
from gis_service.web.rendering import page, records
from gis_service.web.wording import code_name
from gis_service.web.worklist_filter import Filter, FilterDep
from maps.compare import base_map_data
from maps.outlines import geojson_geometries
from maps.page import script_json

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_ADDRESSES))])
RESOLVE = Depends(requires(Permission.RESOLVE_ADDRESS))

PAGE = 50
#: so many acceptances can be taken back with one button
MOST_TO_UNDO = 1_000

Reason = Annotated[str, Form(max_length=500)]


class HandPlaced(BaseModel):
    """A point that was clicked, degrees lon-lat, and why it is there."""

    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    reason: Annotated[str, Field(max_length=500)] = ""


@dataclass(frozen=True)
class Outcome:
    """What was just done, and the addresses with which it can be undone."""

    text: str = ""
    undo: list[int] = field(default_factory=list)


@router.get("/unresolved")
def unresolved_page(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    day: AsOf,
    wanted: FilterDep,
    item: RowKey | None = None,
    done: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """List the addresses that wait for a decision, with reason, nearest area and metres, and one of them on a map."""
    texts = {
        "accepted": T("Placed in the area suggested."),
        "placed": T("Placed by hand; decided anew."),
        "overridden": T("Decided by hand."),
        "withdrawn": T("Land and point decide again."),
        "signed": T("Signed off for the quarter."),
    }
    outcome = Outcome(str(texts[done])) if done in texts else None
    return _worklist(request, engine, settings, viewer, day, wanted, item=item, outcome=outcome)


@router.get("/unresolved/stale", dependencies=[RESOLVE])
def stale_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> HTMLResponse:
    """List decisions by hand beneath which land or point have changed."""
    found = stale_overrides(session, settings, scope)
    names = area_names(session, scope)["name"]
    shown = found.iloc[offset : offset + PAGE].copy()
    shown["area_name"] = shown["area_id"].map(names)
    shown["found_name"] = shown["found_area_id"].map(names)
    rows, total = records(shown), len(found)
    return page(request, "stale.html", viewer, rows=rows, total=total, offset=offset, limit=PAGE, day=scope.day)


@router.post("/unresolved/acceptance", dependencies=[RESOLVE])
def accept_many(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    day: AsOf,
    wanted: FilterDep,
    reason: Reason = "",
) -> HTMLResponse:
    """Accept every suggestion that the filter leaves, with one reason."""
    limits: dict[str, Any] = {"unresolved": wanted.unresolved, "area_id": wanted.area_id, "within_m": wanted.within_m}
    with reading(engine) as session:
        chosen = suggestions_that_fit(session, fenced_scope(session, acting, day), **limits).index.tolist()
    few = len(chosen) <= MOST_TO_UNDO
    try:
        count = accept_suggestions(
            engine, settings, acting, day, reason, **(limits | ({"address_ids": chosen} if few else {}))
        )
    except GridError as error:
        return _worklist(request, engine, settings, acting, day, wanted, refusal=Refusal("bulk", error, reason))
    outcome = Outcome(str(T("{count} suggestions accepted.", count=f"{count:,}")), chosen if few else [])
    return _worklist(request, engine, settings, acting, day, wanted, outcome=outcome)


@router.post("/unresolved/sign-off", dependencies=[Depends(requires(Permission.SIGN_OFF_UNRESOLVED))])
def sign_off(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    day: AsOf,
    wanted: FilterDep,
    area_id: Annotated[RowKey, Form()],
    reason: Reason = "",
) -> Response:
    """Answer for what an area leaves undecided in the quarter of the day."""
    try:
        sign_off_unresolved(engine, acting, area_id, quarter_of(day), reason, day)
    except GridError as error:
        return _worklist(request, engine, settings, acting, day, wanted, refusal=Refusal("sign_off", error, reason))
    return _back(wanted, "signed")


@router.post("/unresolved/withdrawal", dependencies=[RESOLVE])
def withdraw_many(
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    day: AsOf,
    wanted: FilterDep,
    address_ids: Annotated[list[RowKey], Form(max_length=MOST_TO_UNDO)],
) -> Response:
    """Let land and point decide addresses again."""
    withdraw_overrides(engine, settings, acting, address_ids, day)
    return _back(wanted, "withdrawn")


@router.post("/unresolved/{address_id}/acceptance", dependencies=[RESOLVE])
def accept_one(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    day: AsOf,
    wanted: FilterDep,
    address_id: RowKey,
    reason: Reason = "",
) -> Response:
    """Accept the suggestion for one address."""
    try:
        accept_suggestions(engine, settings, acting, day, reason, address_ids=[address_id])
    except GridError as error:
        refusal = Refusal("acceptance", error, reason)
        return _worklist(request, engine, settings, acting, day, wanted, item=address_id, refusal=refusal)
    return _back(wanted, "accepted")


@router.post("/unresolved/{address_id}/point", dependencies=[RESOLVE])
def place_one(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    day: AsOf,
    wanted: FilterDep,
    address_id: RowKey,
    spot: Annotated[HandPlaced, Form()],
) -> Response:
    """Give one address the point that was clicked."""
    try:
        place_by_hand(engine, settings, acting, address_id, spot.lon, spot.lat, spot.reason, day)
    except GridError as error:
        refusal = Refusal("point", error, spot.reason)
        return _worklist(request, engine, settings, acting, day, wanted, item=address_id, refusal=refusal)
    return _back(wanted, "placed")


@router.post("/unresolved/{address_id}/override", dependencies=[RESOLVE])
def override_one(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    day: AsOf,
    wanted: FilterDep,
    address_id: RowKey,
    compound_id: Annotated[RowKey, Form()],
    reason: Reason = "",
) -> Response:
    """Say in which compound one address is."""
    try:
        override_area(engine, settings, acting, address_id, compound_id, reason, day)
    except GridError as error:
        refusal = Refusal("override", error, reason)
        return _worklist(request, engine, settings, acting, day, wanted, item=address_id, refusal=refusal)
    return _back(wanted, "overridden")


def quarter_of(day: date) -> str:
    """The quarter of a day: `2026-Q4`."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def _back(wanted: Filter, done: str) -> Response:
    return RedirectResponse(f"/unresolved?{wanted.query(done=done)}", status_code=303)


def _worklist(
    request: Request,
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    day: date,
    wanted: Filter,
    *,
    item: int | None = None,
    outcome: Outcome | None = None,
    refusal: Refusal | None = None,
) -> HTMLResponse:
    may_resolve = viewer.may(Permission.RESOLVE_ADDRESS)
    with reading(engine) as session:
        scope = fenced_scope(session, viewer, day)
        counts = count_unresolved(session, scope, wanted.area_id)
        frame, total = addresses(
            session,
            scope,
            search=wanted.search or None,
            area_id=wanted.area_id,
            unresolved=wanted.unresolved,
            only_unresolved=True,
            within_m=wanted.within_m,
            offset=wanted.offset,
            limit=PAGE,
        )
        names = area_names(session, scope)["name"]
        rows = records(frame.assign(suggested_area_name=frame["suggested_area_id"].map(names)))
        chosen = item if item is not None else (rows[0]["address_id"] if rows else None)
        limits = {"area_id": wanted.area_id, "within_m": wanted.within_m}
        fits = len(suggestions_that_fit(session, scope, unresolved=wanted.unresolved, **limits)) if may_resolve else 0  # type: ignore[arg-type]
        shown = None if chosen is None else _item(session, scope, chosen, names, refused=refusal is not None)
        base = base_map_data(Drawing(session, scope, settings).base_maps)
        by_area = records(waiting_by_area(session, scope))
        quarter = quarter_of(day)
        to_sign = _to_sign(session, settings, scope, wanted.area_id, quarter)
    waiting = sum(counts[reason.value] for reason in Unresolved)
    return page(
        request,
        "worklist.html",
        viewer,
        status=status_of(refusal.error) if refusal else 200,
        rows=rows,
        total=total,
        limit=PAGE,
        wanted=wanted,
        reasons=[(value.value, code_name(value.value), counts[value.value]) for value in Unresolved],
        by_area=by_area,
        waiting=waiting,
        everything=counts["total"],
        fits=fits,
        item=shown,
        outcome=outcome,
        refusal=refusal,
        may_resolve=may_resolve,
        may_sign=viewer.may(Permission.SIGN_OFF_UNRESOLVED),
        quarter=quarter,
        to_sign=to_sign,
        points=script_json({"base": base, "points": [_dot(row) for row in rows if row["lon"] is not None]}),
        day=day,
    )


def _to_sign(
    session: Session, settings: Settings, scope: Scope, area_id: int | None, quarter: str
) -> dict[str, Any] | None:
    """How many addresses of the area chosen are open for the quarter; None when none is chosen.

    Doubts are counted where nothing else is open; None where the area is too large for that.
    """
    if area_id is None:
        return None
    try:
        found = clearance(session, scope, area_id, quarter)
    except NotFoundError:
        return None
    doubts = None
    if found.is_cleared:
        with suppress(TooLargeError):
            doubts = sum(open_doubts(session, settings, scope, area_id).values())
    return {
        "open": sum(found.open.values()),
        "waiting": sum(found.waiting.values()),
        "cleared": found.is_cleared,
        "doubts": doubts,
    }


def _dot(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": row["address_id"], "at": [row["lat"], row["lon"]], "text": row["text"], "reason": row["unresolved"]}


def _item(session: Session, scope: Scope, address_id: int, names: pd.Series, *, refused: bool) -> dict[str, Any] | None:
    """One address with what its map shows: the point, the compounds around it and the one suggested."""
    try:
        row = address(session, scope, address_id)
    except NotFoundError:
        if refused:
            return None
        raise
    offered = compounds_offered(session, scope, row)
    shapes = geojson_geometries(offered.geometry)
    areas_shown = [
        {"id": area_id, "name": name, "geometry": shape}
        for area_id, name, shape in zip(offered.index.tolist(), offered["name"].tolist(), shapes, strict=True)
    ]
    at = None if row["lon"] is None else [row["lat"], row["lon"]]
    return {
        **row,
        "suggested_area_name": names.get(row["suggested_area_id"]),
        "offered": [(each["id"], each["name"]) for each in areas_shown],
        "map": script_json({"at": at, "areas": areas_shown, "suggested": row["suggested_area_id"]}),
    }
