"""Map pages: the frame that folium and our script fill, and what it fetches when somebody drills down or clicks."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from gis_service.access.http import ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.addresses.queries import address
from gis_service.api.dependencies import ReadDep, SettingsDep
from gis_service.api.wire import RowKey
from gis_service.areas.tables import AreaLevel
from gis_service.registers.rentals.hotspots import HotspotMeasure
from gis_service.texts import T, Text
from gis_service.web.drawing import MEASURES, Drawing, compounds_for_coverage, draw
from gis_service.web.map_kinds import MapKind
from gis_service.web.rendering import page
from gis_service.web.wording import code_name
from maps.canvas import MapUrls
from maps.page import render_map

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_FIGURES))])

TITLES: dict[MapKind, Text] = {
    MapKind.COVERAGE: T("Coverage map"),
    MapKind.HOTSPOTS: T("Rental hotspots"),
    MapKind.MISMATCHES: T("Mismatches"),
    MapKind.BEATS: T("Beats and officers"),
    MapKind.QUARTER: T("Quarterly reconciliation"),
    MapKind.TOPOLOGY: T("Topology"),
    MapKind.ADDRESSES: T("Address map"),
}


@router.get("/maps/{kind}")
def map_page(
    request: Request,
    viewer: ViewerDep,
    scope: ScopeDep,
    kind: MapKind,
    measure: HotspotMeasure = HotspotMeasure.GROUP_RENTALS,
) -> HTMLResponse:
    """Show a map on the whole page; that of hotspots with a switch for what is measured."""
    query = urlencode(request.query_params.multi_items())
    return page(
        request,
        "map.html",
        viewer,
        kind=kind.value,
        title=str(TITLES[kind]),
        query=f"?{query}" if query else "",
        measures=MEASURES if kind is MapKind.HOTSPOTS else {},
        measure=measure,
        day=scope.day,
    )


@router.get("/maps/{kind}/frame")
def map_frame(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    kind: MapKind,
    measure: HotspotMeasure = HotspotMeasure.GROUP_RENTALS,
) -> HTMLResponse:
    """The map itself, in a frame of the page."""
    day = f"as_of={scope.day.isoformat()}"
    urls = MapUrls(
        areas=f"/maps/coverage/areas?within={{area_id}}&level={{level}}&{day}",
        area_page=f"/areas/{{area_id}}?{day}",
        address_tiles=f"/api/v1/tiles/addresses/{{z}}/{{x}}/{{y}}.mvt?{day}",
        address=f"/maps/address/{{address_id}}?{day}",
    )
    drawn = draw(kind, Drawing(session, scope, settings, urls, measure))
    body = render_map(drawn, nonce=request.state.nonce, mode="served")
    return HTMLResponse(body, headers={"Cache-Control": "private, no-cache"})


@router.get("/maps/coverage/areas")
def coverage_areas(
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    within: Annotated[RowKey, Query()],
    level: Annotated[AreaLevel, Query()],
) -> dict[str, Any]:
    """The areas of `level` inside `within`, as the coverage map draws them."""
    return compounds_for_coverage(Drawing(session, scope, settings), level, within)


@router.get("/maps/address/{address_id}")
def map_address(session: ReadDep, scope: ScopeDep, address_id: RowKey) -> dict[str, Any]:
    """What the panel of a map says of one address."""
    row = address(session, scope, address_id)
    standing = code_name(row["unresolved"]) if row["unresolved"] else str(T("Decided"))
    return {
        "title": row["text"],
        "figures": [
            [str(T("Village")), row["village_name"] or "—"],
            [str(T("Compound")), row["area_name"] or "—"],
            [str(T("Beat")), row["beat_name"] or "—"],
            [str(T("Officer")), row["officer"] or "—"],
            [str(T("Standing")), standing],
        ],
    }
