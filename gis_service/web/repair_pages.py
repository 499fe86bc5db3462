"""Repairs of borders for people: what is proposed, each with its ground on two maps; accepted ones as a draft."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import geopandas as gpd
import pandas as pd
from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Engine

from gis_service.access.http import ActingDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import AsOf, EngineDep, SettingsDep
from gis_service.api.problems import status_of
from gis_service.areas.queries import area_details, area_names, areas
from gis_service.areas.tables import AreaLevel
from gis_service.changes.repairing import Proposals, accept_repairs, propose_repairs
from gis_service.errors import GridError, InvalidInputError
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.scope import scope_of
from gis_service.texts import T
from gis_service.web.change_pages import Refusal
from gis_service.web.drawing import Drawing
from gis_service.web.narrowing import AreaTyped, places_inside
from gis_service.web.rendering import page, records
from gis_service.web.wording import code_name
from maps.compare import compared_cases
from maps.page import script_json

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.DRAFT_LAND_CHANGE))])

PAGE = 50
AROUND = 0.15
"""How far around the proposals of a page the neighbourhood is shown, as a share of their extent."""


@dataclass(frozen=True)
class Wanted:
    """Which proposals are looked at: inside an area, of a kind (`sliver_gap`), from the so-many-eth on."""

    area_id: int | None
    kind: str
    offset: int = 0

    def of(self, found: Proposals) -> pd.DataFrame:
        """The proposals of the kind, with it as a column."""
        table = found.table
        kinds = table["kind"].where(~table["sliver"].astype(bool), "sliver_" + table["kind"])
        return table.assign(called=kinds)[kinds.eq(self.kind) | (not self.kind)]

    @property
    def query(self) -> str:
        """As part of a link."""
        return "&".join(f"{name}={value}" for name, value in (("area_id", self.area_id), ("kind", self.kind)) if value)


def _wanted(
    area: AreaTyped,
    kind: Annotated[str, Query(max_length=40, pattern="^[a-z_]*$")] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Wanted:
    return Wanted(area, kind, offset)


WantedDep = Annotated[Wanted, Depends(_wanted)]


@router.get("/land-repairs")
def repairs_page(
    request: Request, engine: EngineDep, settings: SettingsDep, viewer: ViewerDep, day: AsOf, wanted: WantedDep
) -> HTMLResponse:
    """List the repairs that could be made, and show the ground of one of them before and after."""
    return _repairs(request, engine, settings, viewer, day, wanted)


@router.post("/land-repairs")
def accept(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    day: AsOf,
    wanted: WantedDep,
    keys: Annotated[list[str] | None, Form(max_length=1000)] = None,
    everything: Annotated[bool, Form()] = False,
    note: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Draft the correction that the repairs chosen come to, or all that the filter leaves."""
    try:
        chosen = list(keys or ())
        if everything:
            chosen = wanted.of(propose_repairs(engine, settings, acting, day, within=wanted.area_id)).index.tolist()
        if not chosen:
            raise InvalidInputError(T("Choose at least one repair."))
        change = accept_repairs(engine, settings, acting, day, chosen, within=wanted.area_id, note=note.strip() or None)
    except GridError as error:
        return _repairs(request, engine, settings, acting, day, wanted, Refusal("repairs", error, note))
    return RedirectResponse(f"/changes/{change.id}", status_code=303)


def _repairs(
    request: Request,
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    day: date,
    wanted: Wanted,
    refusal: Refusal | None = None,
) -> HTMLResponse:
    with reading(engine) as session:
        scope = scope_of(session, viewer, day)
        if wanted.area_id is not None:
            area_details(session, scope, wanted.area_id)  # refuses what is not in the viewer's part
        named = area_names(session, scope)
    found, obstacle = None, None
    try:
        found = propose_repairs(engine, settings, viewer, day, within=wanted.area_id)
    except GridError as error:
        obstacle = Refusal("limits", error)
    rows: list[dict[str, Any]] = []
    total, comparison, kinds = 0, None, []
    if found is not None:
        fitting = wanted.of(found)
        kinds = [
            (str(kind), code_name(str(kind)), count)
            for kind, count in Wanted(None, "").of(found)["called"].value_counts().items()
        ]
        total = len(fitting)
        shown = fitting.iloc[wanted.offset : wanted.offset + PAGE]
        names = named["name"].to_dict()
        rows = [{**row, "areas": "、".join(names.get(each, "—") for each in row["area_ids"])} for row in records(shown)]
        if len(shown):
            comparison = script_json(_cases(engine, settings, viewer, day, found, shown.index))
    return page(
        request,
        "repairs.html",
        viewer,
        status=status_of(refusal.error) if refusal else 200,
        rows=rows,
        total=total,
        limit=PAGE,
        wanted=wanted,
        kinds=kinds,
        inside=places_inside(named),
        comparison=comparison,
        obstacle=obstacle,
        refusal=refusal,
        day=day,
    )


def _cases(
    engine: Engine, settings: Settings, viewer: Viewer, day: date, found: Proposals, keys: pd.Index
) -> dict[str, Any]:
    """The maps of some proposals, and the areas of their levels around them."""
    before, after = (gpd.GeoDataFrame(side[side["key"].isin(keys)]) for side in (found.before, found.after))
    west, south, east, north = (float(value) for value in before.total_bounds)
    wide, high = (east - west) * AROUND, (north - south) * AROUND
    levels = [AreaLevel(level) for level in found.table.loc[keys, "level"].unique()]
    with reading(engine) as session:
        scope = scope_of(session, viewer, day)
        ground = areas(session, scope, levels=levels, box=(west - wide, south - high, east + wide, north + high))
        base_maps = Drawing(session, scope, settings).base_maps
    return compared_cases(before, after, found.places.loc[keys], ground, base_maps)
