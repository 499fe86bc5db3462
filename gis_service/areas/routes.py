"""The land over HTTP."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from gis_service.access.data_version import LAND_STAYS
from gis_service.access.freshness import fresh
from gis_service.access.http import ScopeDep, requires
from gis_service.access.looking import LookDep
from gis_service.access.permissions import Permission
from gis_service.api.afterwards import Afterwards
from gis_service.api.dependencies import ReadDep
from gis_service.api.wire import GEOJSON, Limit, Offset, Page, RowKey, geojson, items_of
from gis_service.areas.queries import area_details, area_names, areas
from gis_service.areas.tables import AreaLevel
from gis_service.areas.tiles import GZIP_LEVEL, MVT, area_tile, drawn_area_tile, must_wait, prepare, require_tile
from gis_service.storage.kept import Kept
from layers.border_pyramid import BorderPyramid

router = APIRouter(prefix="/api/v1", tags=["areas"], dependencies=[Depends(requires(Permission.SEE_LAND))])


class AreaItem(BaseModel):
    """An area on the day asked for, without its border."""

    area_id: int
    code: str
    name: str
    level: AreaLevel
    kind: str | None
    parent_id: int | None


class AreaDetails(AreaItem):
    """An area with its period and the names above it, from the district down."""

    valid_from: date
    valid_to: date | None
    source: str
    lineage: list[str]


@router.get("/areas")
def list_areas(
    session: ReadDep,
    scope: ScopeDep,
    level: Annotated[AreaLevel | None, Query(description="Only this level.")] = None,
    parent_id: Annotated[RowKey | None, Query(description="Only the children of this area.")] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[AreaItem]:
    """List the areas in your part of the district."""
    frame = area_names(session, scope, levels=[level] if level else None, parent=parent_id)
    return Page(items=items_of(AreaItem, frame, offset, limit), total=len(frame), offset=offset, limit=limit)


@router.get("/areas.geojson", responses={200: {"content": {GEOJSON: {}}}}, response_class=Response)
def areas_geojson(
    session: ReadDep,
    scope: ScopeDep,
    level: Annotated[AreaLevel, Query(description="The level to draw.")],
    within: Annotated[RowKey | None, Query(description="Only inside this area.")] = None,
) -> Response:
    """Borders of one level as GeoJSON, lon-lat."""
    return geojson(areas(session, scope, levels=[level], within=within))


@router.get("/tiles/areas/{level}/{z}/{x}/{y}.mvt", responses={200: {"content": {MVT: {}}}}, response_class=Response)
def areas_tile(request: Request, look: LookDep, level: AreaLevel, z: int, x: int, y: int) -> Response:
    """Borders of one level in your part of the district as a vector tile, with code and name; answers carry an ETag."""
    require_tile(z, x, y)
    store: Kept[BorderPyramid] = request.app.state.border_store
    with look.opened(besides=LAND_STAYS) as sight:
        key = sight.etag("borders", level)
        tag = f"{key[:-1]}-{z}-{x}-{y}"
        if not must_wait(look.engine, store, key, z):
            cut = partial(area_tile, sight, store, key, level, z, x, y)
            return fresh(request, f'{tag}"', MVT, cut, gzip_level=GZIP_LEVEL)
        drawn = partial(drawn_area_tile, sight, level, z, x, y)
        response = fresh(request, f'{tag}-drawn"', MVT, drawn, stopgap=True, gzip_level=GZIP_LEVEL)
    if store.is_wanted_again(f"{key}-{z}"):
        response.background = Afterwards(
            prepare, look.engine, request.app.state.fence, sight.scope, store, key, level, z
        )
    return response


@router.get("/areas/{area_id}")
def read_area(session: ReadDep, scope: ScopeDep, area_id: RowKey) -> AreaDetails:
    """Read one area."""
    return AreaDetails.model_validate(area_details(session, scope, area_id))
