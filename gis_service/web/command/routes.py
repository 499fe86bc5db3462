"""The command centre: its page, and what its map and its panel fetch."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from gis_service.access.freshness import etag, fresh
from gis_service.access.http import ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.routes import VaultDep
from gis_service.access.scope import Scope
from gis_service.api.dependencies import ReadDep, SettingsDep
from gis_service.api.wire import RowKey
from gis_service.areas.queries import area_names, areas
from gis_service.areas.tables import AreaLevel
from gis_service.texts import T
from gis_service.web.command.alerts import alerts_answer
from gis_service.web.command.indicators import INDICATOR_NAMES, Indicator, indicator_answer
from gis_service.web.command.places import Asked, buildings_answer, place_answer
from gis_service.web.command.wording import script_words
from gis_service.web.drawing import Drawing
from gis_service.web.rendering import page
from gis_service.web.wording import code_name
from maps.areas import TOLERANCE_M
from maps.outlines import by_parent, geojson_geometries, label_places, simplified

router = APIRouter(prefix="/command", include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_FIGURES))])


@router.get("")
def command_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    wall: Annotated[bool, Query()] = False,
) -> HTMLResponse:
    """The command centre; `wall` is for a screen that nobody touches."""
    tree = area_names(session, scope)
    roots = tree.index[~tree["parent_id"].isin(tree.index)].tolist()
    data = {
        "root": roots[0] if len(roots) == 1 else None,
        "root_name": tree["name"].loc[roots[0]] if len(roots) == 1 else str(T("Your part of the district")),
        "day": scope.day.isoformat(),
        "locale": str(T("en")),
        "indicators": [[each.value, str(name)] for each, name in INDICATOR_NAMES.items()],
        "levels": [[level.value, code_name(level)] for level in list(AreaLevel)[1:]],
        "rotate_s": settings.wall_rotate_s,
        "refresh_s": settings.wall_refresh_s,
        "words": script_words(),
    }
    return page(
        request, "command.html", viewer, wall=wall, day=scope.day, data=data, indicators=data["indicators"],
        levels=data["levels"], standard=settings.persons_per_officer,
        may_see_addresses=viewer.may(Permission.SEE_ADDRESSES),
    )  # fmt: skip


def _kept(
    request: Request, session: ReadDep, scope: Scope, asked: tuple[object, ...], make: Callable[[], Any]
) -> Response:
    def body() -> bytes:
        return json.dumps(make(), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    return fresh(request, etag(session, scope, "command", *asked), "application/json", body)


@router.get("/land/{level}")
def command_land(request: Request, session: ReadDep, scope: ScopeDep, level: AreaLevel) -> Response:
    """Outlines of one level as GeoJSON, simplified, with the place of each label."""
    return _kept(request, session, scope, ("land", level), lambda: _land(session, scope, level))


def _land(session: ReadDep, scope: Scope, level: AreaLevel) -> dict[str, Any]:
    land = areas(session, scope, levels=[level])
    outlines = simplified(land, TOLERANCE_M.get(level.value, 0.0))
    columns = zip(
        land.index.tolist(),
        land["code"].tolist(),
        land["name"].tolist(),
        by_parent(land).tolist(),
        label_places(land) if len(land) else [],
        geojson_geometries(outlines),
        strict=True,
    )
    features = [
        {
            "type": "Feature",
            "id": area_id,
            "properties": {"id": area_id, "code": code, "name": name, "parent": parent, "at": at, "level": level.value},
            "geometry": geometry,
        }
        for area_id, code, name, parent, at, geometry in columns
    ]
    return {"type": "FeatureCollection", "features": features}


@router.get("/indicators/{indicator}")
def command_indicator(
    request: Request, session: ReadDep, scope: ScopeDep, settings: SettingsDep, indicator: Indicator
) -> Response:
    """One indicator over every area in scope: legend, source, day, and class, text and number by area."""
    make = Drawing(session, scope, settings)
    return _kept(request, session, scope, ("indicator", indicator), lambda: indicator_answer(make, indicator))


@router.get("/places/{area_id}")
def command_place(
    request: Request, session: ReadDep, scope: ScopeDep, settings: SettingsDep, viewer: ViewerDep, vault: VaultDep,
    area_id: RowKey,
) -> Response:  # fmt: skip
    """What the panel says of one area."""
    asked = Asked(session, scope, settings, viewer, vault, area_id)
    return _kept(
        request, session, scope, ("place", area_id, viewer.role, viewer.read_only), lambda: place_answer(asked)
    )


@router.get("/buildings/{area_id}", dependencies=[Depends(requires(Permission.SEE_ADDRESSES))])
def command_buildings(request: Request, session: ReadDep, scope: ScopeDep, area_id: RowKey) -> Response:
    """The buildings of one compound."""
    return _kept(request, session, scope, ("buildings", area_id), lambda: buildings_answer(session, scope, area_id))


@router.get("/alerts")
def command_alerts(request: Request, session: ReadDep, scope: ScopeDep, settings: SettingsDep) -> Response:
    """What calls for attention."""
    return _kept(request, session, scope, ("alerts",), lambda: alerts_answer(session, scope, settings))
