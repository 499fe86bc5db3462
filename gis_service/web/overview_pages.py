"""The overview, the page of an area, and the teams."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gis_service.access.http import ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.addresses.queries import count_unresolved
from gis_service.api.dependencies import ReadDep, SettingsDep
from gis_service.api.wire import RowKey
from gis_service.areas.queries import area_details, area_names, count_areas, lineage
from gis_service.areas.tables import AreaLevel
from gis_service.changes.completing import undrawn_split
from gis_service.jobs.running import said_in_words
from gis_service.planning.notices import notices_for, read_by
from gis_service.registers.published import published_beat_loads, published_coverage
from gis_service.teams.queries import officers, units
from gis_service.texts import T
from gis_service.web.rendering import page, records
from gis_service.web.wording import UNIT_NAMES, code_name

router = APIRouter(include_in_schema=False)
NOTICES_SHOWN = 3


@router.get("/", dependencies=[Depends(requires(Permission.SEE_OWN_ACCOUNT))])
def home(request: Request, session: ReadDep, scope: ScopeDep, settings: SettingsDep, viewer: ViewerDep) -> Response:
    """Show where help is needed most; administrators and auditors have pages of their own."""
    if not viewer.may(Permission.SEE_FIGURES):
        return RedirectResponse("/audit" if viewer.may(Permission.READ_AUDIT) else "/accounts", status_code=303)
    land = count_areas(session, scope)
    if not any(land.values()) and viewer.may(Permission.IMPORT_LAND):
        return RedirectResponse("/start", status_code=303)
    figures = published_coverage(session, scope, settings)
    counts = count_unresolved(session, scope)
    told = notices_for(session, viewer, scope.day)
    read = read_by(session, viewer, told)
    unread = [each for each in told if each.id not in read]
    top = next((level for level in AreaLevel if figures["level"].eq(level).sum() > 1), AreaLevel.COMPOUND)
    roots = figures[~figures["parent_id"].isin(figures.index)]
    total = records(roots)[0] if len(roots) == 1 else None
    rows = figures[figures["level"].eq(top)].sort_values("load", ascending=False, na_position="last")
    return page(
        request,
        "home.html",
        viewer,
        title=total["name"] if total else str(T("Your part of the district")),
        day=scope.day,
        standard=settings.persons_per_officer,
        areas=land,
        total=total or _sum(roots),
        counts=counts,
        waiting=sum(counts[name] for name in ("outside", "no_point", "stated_differs", "overlap", "no_beat")),
        rows=records(rows.head(20)),
        level_name=code_name(top),
        may_import=viewer.may(Permission.IMPORT_LAND),
        notices=[said_in_words(each.message) for each in unread[:NOTICES_SHOWN]],
        unread=len(unread),
        may_see_teams=viewer.may(Permission.SEE_TEAMS),
    )


def _sum(roots: pd.DataFrame) -> dict[str, object]:
    """Totals of several areas, for somebody whose scope has no single root."""
    roots = roots.iloc[:0] if roots["withheld"].map(len).any() else roots  # no sum of a part of them
    migrants, officers_fte = roots["migrants"].sum(min_count=1), roots["officers_fte"].sum(min_count=1)
    base = roots["posts_at_standard"].sum(min_count=1)
    return {
        "migrants": migrants,
        "officers_fte": officers_fte,
        "required": roots["required"].sum(min_count=1),
        "load": migrants / officers_fte if pd.notna(officers_fte) and officers_fte else pd.NA,
        "coverage": officers_fte / base if pd.notna(base) and base else pd.NA,
    }


@router.get("/areas/{area_id}", dependencies=[Depends(requires(Permission.SEE_FIGURES))])
def area_page(
    request: Request, session: ReadDep, scope: ScopeDep, settings: SettingsDep, viewer: ViewerDep, area_id: RowKey
) -> HTMLResponse:
    """Show one area: its figures, what lies below it, its people and beats."""
    area = area_details(session, scope, area_id)
    level = AreaLevel(area["level"])
    figures = published_coverage(session, scope, settings)
    inside = area_names(session, scope, within=area_id).index
    children = figures[figures["parent_id"].eq(area_id).fillna(value=False)].sort_values("load", ascending=False)
    staff = officers(session, scope)
    held = published_beat_loads(session, scope, settings)
    return page(
        request,
        "area.html",
        viewer,
        area=area,
        day=scope.day,
        level_name=code_name(level),
        child_level_name=code_name(level.child) if level.child else "",
        lineage=[
            {"area_id": step, "name": name, "linked": step in figures.index and step != area_id}
            for step, _code, name in lineage(session, area_id, scope)
        ],
        figures=records(figures.loc[[area_id]])[0],
        counts=count_unresolved(session, scope, area_id),
        may_draft=viewer.may(Permission.DRAFT_LAND_CHANGE),
        undrawn=undrawn_split(session, area_id, scope.day),
        rows=records(children),
        officers=records(staff[staff["area_id"].isin(inside)]),
        beats=records(held[held["area_id"].isin(inside)].sort_values("load", ascending=False)),
    )


@router.get("/teams", dependencies=[Depends(requires(Permission.SEE_TEAMS))])
def teams_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    viewer: ViewerDep,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> HTMLResponse:
    """Show the units and the officers in scope."""
    strength, staff = units(session, scope), officers(session, scope)
    by_level = strength["level"].value_counts()
    return page(
        request,
        "teams.html",
        viewer,
        day=scope.day,
        units=len(strength),
        unit_counts=[(str(UNIT_NAMES[level]), int(by_level[level])) for level in AreaLevel if level in by_level],
        may_view_as=viewer.may(Permission.VIEW_AS),
        officer_count=staff.index.nunique(),
        officers=records(staff.iloc[offset : offset + 100]),
        offset=offset,
        limit=100,
        total=len(staff),
    )
