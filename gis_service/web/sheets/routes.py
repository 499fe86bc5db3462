"""Sheets as files: PDF of squads, beats and townships, and any map as PDF, PNG or SVG; each is noted in the trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from gis_service.access.audit import record
from gis_service.access.http import ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep
from gis_service.api.wire import RowKey
from gis_service.areas.queries import area_details, area_names
from gis_service.areas.tables import AreaLevel
from gis_service.registers.published import published_beat_loads
from gis_service.storage.engine import transaction
from gis_service.web.command.indicators import INDICATOR_NAMES, Indicator
from gis_service.web.drawing import Drawing
from gis_service.web.rendering import page, records
from gis_service.web.sheets.contents import beat_content, bulletin_content, map_svg, printed_on, squad_content
from gis_service.web.sheets.paper import pdf_of, png_of

router = APIRouter(prefix="/sheets", include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_FIGURES))])

#: sides of the paper of a map, millimetres: A4, lying
MAP_MM = (277.0, 175.0)
LEVELS = [level for level in AreaLevel if level is not AreaLevel.DISTRICT]


def _sent(engine: EngineDep, viewer: Viewer, name: str, body: bytes, media_type: str) -> Response:
    with transaction(engine) as writing:
        record(writing, viewer, "export", "sheet", name, after={"bytes": len(body)})
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(body, media_type=media_type, headers=headers)


def _pdf(
    engine: EngineDep,
    viewer: Viewer,
    drawing: Drawing,
    name: str,
    make: Callable[[Drawing, int], dict[str, Any]],
    key: int,
) -> Response:
    content = make(drawing, key)
    body = pdf_of(f"{name}.html", foot=printed_on(drawing.scope.day), **content)
    return _sent(engine, viewer, f"{name}-{key}-{drawing.scope.day}.pdf", body, "application/pdf")


@router.get("")
def sheets_page(
    request: Request, session: ReadDep, scope: ScopeDep, settings: SettingsDep, viewer: ViewerDep
) -> HTMLResponse:
    """What can be printed, in scope."""
    names = area_names(session, scope)
    return page(
        request, "sheets.html", viewer, day=scope.day,
        townships=records(names[names["level"].eq(AreaLevel.TOWNSHIP)]),
        villages=records(names[names["level"].eq(AreaLevel.VILLAGE)]),
        beats=records(published_beat_loads(session, scope, settings)),
        indicators=[(each.value, str(name)) for each, name in INDICATOR_NAMES.items()],
    )  # fmt: skip


@router.get("/squads/{area_id}.pdf")
def squad_sheet(
    engine: EngineDep, session: ReadDep, scope: ScopeDep, settings: SettingsDep, viewer: ViewerDep, area_id: RowKey
) -> Response:
    """A3: a squad's map and roster."""
    return _pdf(engine, viewer, Drawing(session, scope, settings), "squad", squad_content, area_id)


@router.get("/beats/{beat_id}.pdf")
def beat_sheet(
    engine: EngineDep, session: ReadDep, scope: ScopeDep, settings: SettingsDep, viewer: ViewerDep, beat_id: RowKey
) -> Response:
    """A4: an officer's beat with its addresses and the inspections that are due."""
    return _pdf(engine, viewer, Drawing(session, scope, settings), "beat", beat_content, beat_id)


@router.get("/townships/{area_id}.pdf")
def township_bulletin(
    engine: EngineDep, session: ReadDep, scope: ScopeDep, settings: SettingsDep, viewer: ViewerDep, area_id: RowKey
) -> Response:
    """A4: a township's month, with maps and ranking."""
    return _pdf(engine, viewer, Drawing(session, scope, settings), "bulletin", bulletin_content, area_id)


@router.get("/maps/{indicator}.{suffix}")
def map_sheet(
    engine: EngineDep,
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    indicator: Indicator,
    suffix: Literal["pdf", "png", "svg"],
    level: Annotated[AreaLevel | None, Query()] = None,
    within: Annotated[RowKey | None, Query()] = None,
) -> Response:
    """Any map of the command centre as PDF, PNG or SVG.

    When no level is named, the largest that has several areas; for beats, what they are made of.
    """
    drawing = Drawing(session, scope, settings)
    if within is not None:
        area_details(session, scope, within)  # a sheet of an area that is not one's own is hidden
    counts = area_names(session, scope, within=within)["level"].value_counts()
    several = next((each for each in LEVELS if counts.get(each.value, 0) > 1), AreaLevel.COMPOUND)
    usual = AreaLevel.COMPOUND if indicator is Indicator.BEATS else several
    width_mm, height_mm = MAP_MM
    drawn = map_svg(drawing, indicator, level or usual, within, width_mm=width_mm, height_mm=height_mm)
    name = f"{indicator.value}-{scope.day}.{suffix}"
    if suffix == "svg":
        return _sent(engine, viewer, name, drawn.encode(), "image/svg+xml")
    pdf = pdf_of("map.html", title=str(INDICATOR_NAMES[indicator]), map=drawn, foot=printed_on(scope.day))
    if suffix == "pdf":
        return _sent(engine, viewer, name, pdf, "application/pdf")
    return _sent(engine, viewer, name, png_of(pdf), "image/png")
