"""The page on which borders are edited on a map; what it draws at first, thinned out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request
from fastapi.responses import HTMLResponse

from gis_service.access.http import ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep
from gis_service.areas.queries import areas, count_areas
from gis_service.areas.tables import AreaLevel
from gis_service.registers.people_store import count_ahead
from gis_service.texts import T, Text
from gis_service.web.drawing import Drawing
from gis_service.web.rendering import page
from gis_service.web.wording import code_name
from maps.areas import TOLERANCE_M
from maps.compare import base_map_data
from maps.outlines import geojson_geometries, simplified
from maps.page import script_json

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.DRAFT_LAND_CHANGE))])

#: what the script says while somebody draws
WORDS: dict[str, Text] = {
    "zoomIn": T("Zoom in"),
    "zoomOut": T("Zoom out"),
    "choose": T("Choose an area: click it, or take it from the list."),
    "chosen": T("{name}: {m2} m²"),
    "reshape": T(
        "Drag a corner; click or drag a small dot to add one; press Delete to take one away; arrow keys move by 1 m."
    ),
    "zoom": T("Zoom in to see the corners."),
    "split": T("Click a line across the area, from outside to outside; Enter or a double click ends it."),
    "merge": T("Click the neighbours that become one."),
    "create": T("Click the corners of the new area; Enter or a double click closes it."),
    "changed": T("{name}: {before} → {after} m² ({percent} %)"),
    "founded": T("{name}: {after} m²"),
    "moved": T("{m2} m² from {from} to {to}"),
    "nobody": T("no area"),
    "new": T("New area"),
    "live": T("{m2} m², {percent} % of before"),
    "corner": T("Corner {number}"),
    "between": T("Add a corner here"),
    "fixed": T("This corner is shared with an area outside your part."),
    "checking": T("Checking with the neighbours…"),
    "failed": T("The server did not answer; try again."),
    "code": T("Code"),
    "name": T("Name of the area"),
    "part": T("Part {number}, {m2} m²"),
    "swap": T("The other way round"),
    "coordinates": T("One corner a line: longitude, latitude."),
    "discarded": T("The drawing was taken back."),
}


@router.get("/land-editor")
def editor_page(
    request: Request, session: ReadDep, scope: ScopeDep, settings: SettingsDep, viewer: ViewerDep
) -> HTMLResponse:
    """Show the map on which borders are drawn."""
    counts = count_areas(session, scope)
    levels = [level for level in reversed(AreaLevel) if counts[level.value] and level is not AreaLevel.DISTRICT]
    return page(
        request,
        "editor.html",
        viewer,
        levels=[(level.value, code_name(level.value)) for level in levels],
        settings=script_json(
            {
                "words": {name: str(text) for name, text in WORDS.items()},
                "base": base_map_data(Drawing(session, scope, settings).base_maps),
            }
        ),
        edited_day=scope.day,
    )


@router.get("/land-editor/areas")
def areas_to_choose(
    engine: EngineDep,
    session: ReadDep,
    scope: ScopeDep,
    level: Annotated[AreaLevel, Query()],
    afterwards: BackgroundTasks,
) -> dict[str, Any]:
    """The areas of a level in scope, thinned out: to choose from, not to edit.

    While somebody draws, the people of the day are counted, which its impact will ask for.
    """
    if scope.is_whole_district:
        afterwards.add_task(count_ahead, engine, scope.day)
    frame = areas(session, scope, levels=[level])
    shapes = geojson_geometries(simplified(frame, TOLERANCE_M.get(level.value, 0.0)))
    features = [
        {"type": "Feature", "id": area_id, "properties": {"name": name, "code": code}, "geometry": shape}
        for area_id, name, code, shape in zip(
            frame.index.tolist(), frame["name"].tolist(), frame["code"].tolist(), shapes, strict=True
        )
    ]
    return {"type": "FeatureCollection", "features": features}
