"""Addresses, their places and who answers for them over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from gis_service.access.data_version import LAND_AND_PLACES_STAY
from gis_service.access.freshness import fresh
from gis_service.access.http import ActingDep, ScopeDep, requires
from gis_service.access.looking import LookDep
from gis_service.access.permissions import Permission
from gis_service.addresses.actions import Assignment, assign_addresses
from gis_service.addresses.queries import address, addresses, count_unresolved
from gis_service.addresses.search import search_addresses
from gis_service.addresses.search_store import SearchedPart
from gis_service.addresses.tables import PointSource, Unresolved
from gis_service.addresses.tiles import POINTS_FROM_ZOOM, address_tile, read_ahead
from gis_service.addresses.topology import topology_findings
from gis_service.api.afterwards import Afterwards
from gis_service.api.dependencies import AsOf, EngineDep, ReadDep, SettingsDep
from gis_service.api.wire import GEOJSON, Limit, Offset, Page, RowKey, geojson, items_of
from gis_service.areas.tiles import GZIP_LEVEL, MVT, require_tile
from gis_service.errors import InvalidInputError
from gis_service.storage.kept import Kept
from gis_service.storage.tile_sql import draws_tiles
from gis_service.texts import T
from layers.point_pyramid import PointPyramid

router = APIRouter(prefix="/api/v1", tags=["addresses"], dependencies=[Depends(requires(Permission.SEE_ADDRESSES))])


class AddressItem(BaseModel):
    """A standard address, where it belongs and who answers for it on the day."""

    address_id: int
    code: str
    text: str
    building: str | None
    unit: str | None
    room: str | None
    lon: float | None
    lat: float | None
    point_source: PointSource
    stated_village_code: str | None
    area_id: int | None
    area_name: str | None
    village_name: str | None
    beat_id: int | None
    beat_name: str | None
    officer_id: int | None
    officer: str | None
    badge_no: str | None
    unresolved: Unresolved | None
    suggested_area_id: int | None
    suggested_distance_m: float | None
    override_reason: str | None


class Found(BaseModel):
    """The addresses nearest to what was typed; fewer than asked for are all that there are."""

    items: Sequence[AddressItem]


class UnresolvedCounts(BaseModel):
    """How many addresses wait for a decision, by reason; how many are decided and answered for."""

    outside: int
    no_point: int
    stated_differs: int
    overlap: int
    no_beat: int
    no_officer: int
    assigned: int
    total: int


@router.get("/addresses")
def list_addresses(
    session: ReadDep,
    scope: ScopeDep,
    search: Annotated[str | None, Query(max_length=100, description="Any part of the text or the code.")] = None,
    area_id: Annotated[RowKey | None, Query(description="Only inside this area.")] = None,
    beat_id: Annotated[RowKey | None, Query(description="Only in this beat.")] = None,
    unresolved: Annotated[Unresolved | None, Query(description="Only with this reason.")] = None,
    bbox: Annotated[str | None, Query(description="west,south,east,north in degrees lon-lat.")] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[AddressItem]:
    """List addresses in your part of the district."""
    frame, total = addresses(
        session,
        scope,
        search=search,
        area_id=area_id,
        beat_id=beat_id,
        unresolved=unresolved,
        box=_box(bbox),
        offset=offset,
        limit=limit,
    )
    return Page(items=items_of(AddressItem, frame), total=total, offset=offset, limit=limit)


@router.get("/addresses/found")
def find_addresses(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    text: Annotated[str, Query(max_length=100, description="As typed: parts of the text, initials, or a code.")],
    limit: Annotated[int, Query(ge=1, le=100, description="At most so many.")] = 20,
) -> Found:
    """Search as somebody types: the nearest addresses in your part of the district, and no count of all."""
    kept: Kept[SearchedPart] = request.app.state.search_store
    return Found(items=items_of(AddressItem, search_addresses(session, scope, text, limit, kept=kept)))


@router.get("/addresses/{address_id}")
def read_address(session: ReadDep, scope: ScopeDep, address_id: RowKey) -> AddressItem:
    """Read one address."""
    return AddressItem.model_validate(address(session, scope, address_id))


@router.get("/unresolved")
def list_unresolved(
    session: ReadDep,
    scope: ScopeDep,
    reason: Annotated[Unresolved | None, Query(description="Only with this reason.")] = None,
    area_id: Annotated[RowKey | None, Query(description="Only inside this area.")] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Page[AddressItem]:
    """List addresses that wait for a decision, with the reason and the nearest area."""
    frame, total = addresses(
        session, scope, unresolved=reason, only_unresolved=True, area_id=area_id, offset=offset, limit=limit
    )
    return Page(items=items_of(AddressItem, frame), total=total, offset=offset, limit=limit)


@router.get("/unresolved/counts")
def unresolved_counts(session: ReadDep, scope: ScopeDep) -> UnresolvedCounts:
    """Count addresses by whether and why they wait for a decision."""
    return UnresolvedCounts.model_validate(count_unresolved(session, scope))


@router.post("/assignments", dependencies=[Depends(requires(Permission.ASSIGN_ADDRESSES))])
def assign(engine: EngineDep, settings: SettingsDep, acting: ActingDep, day: AsOf) -> Assignment:
    """Place every address as land and beats stand on the day; writes only what differs."""
    return assign_addresses(engine, settings, acting, day)


@router.get("/topology.geojson", responses={200: {"content": {GEOJSON: {}}}}, response_class=Response)
def topology_geojson(session: ReadDep, scope: ScopeDep, settings: SettingsDep) -> Response:
    """Findings of the topology check: kind, severity, areas, m² and the number of addresses touched."""
    return geojson(topology_findings(session, scope, settings))


@router.get("/tiles/addresses/{z}/{x}/{y}.mvt", responses={200: {"content": {MVT: {}}}}, response_class=Response)
def tile(
    request: Request,
    look: LookDep,
    z: int,
    x: int,
    y: int,
    only_unresolved: Annotated[bool, Query(description="Only those that wait for a decision.")] = False,
) -> Response:
    """Addresses in your part of the district as a vector tile, counted by cells at low zoom; answers carry an ETag."""
    require_tile(z, x, y)
    store: Kept[PointPyramid] = request.app.state.point_store
    with look.opened(besides=LAND_AND_PLACES_STAY) as sight:
        key = sight.etag("unresolved points" if only_unresolved else "address points")
        cut = partial(address_tile, sight, store, key, z, x, y, only_unresolved=only_unresolved)
        response = fresh(request, f'{key[:-1]}-{z}-{x}-{y}"', MVT, cut, gzip_level=GZIP_LEVEL)
    if z < POINTS_FROM_ZOOM and draws_tiles(look.engine) and store.find(key) is None and store.is_wanted_again(key):
        response.background = Afterwards(read_ahead, look.engine, request.app.state.fence, sight.scope, store, key)
    return response


def _box(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = float("nan")
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InvalidInputError(T("bbox is west,south,east,north in degrees, such as 121.4,29.8,121.8,30.1."))
    return west, south, east, north
