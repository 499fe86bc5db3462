"""Addresses that are decided and yet in doubt, with the way to mend each."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from gis_service.access.http import ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.addresses.doubts import Doubt, doubtful_addresses
from gis_service.api.dependencies import ReadDep, SettingsDep
from gis_service.areas.queries import area_names
from gis_service.areas.tables import AreaLevel
from gis_service.errors import TooLargeError
from gis_service.web.rendering import page, records
from gis_service.web.wording import code_name

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.RESOLVE_ADDRESS))])

PAGE = 50


@router.get("/unresolved/doubtful")
def doubtful_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    area_id: Annotated[str, Query(max_length=20)] = "",
    doubt: Annotated[str, Query(max_length=20)] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> HTMLResponse:
    """List addresses far from the others of their road, and doors that are there twice."""
    area = int(area_id) if area_id.isdecimal() and 0 < int(area_id) < 2**63 else None
    names = area_names(session, scope)
    too_many, rows, counts, total = "", [], {}, 0
    try:
        found = doubtful_addresses(session, settings, scope, area)
    except TooLargeError as error:
        too_many = str(error)
    else:
        counts = found["doubt"].value_counts().to_dict()
        wanted = found[found["doubt"].eq(doubt)] if doubt in set(Doubt) else found
        shown = wanted.iloc[offset : offset + PAGE]
        rows, total = records(shown.assign(area_name=shown["home_area_id"].map(names["name"]))), len(wanted)
    above = names[names["level"].isin([AreaLevel.TOWNSHIP.value, AreaLevel.VILLAGE.value])]
    return page(
        request,
        "doubtful.html",
        viewer,
        rows=rows,
        total=total,
        offset=offset,
        limit=PAGE,
        area_id=area,
        doubt=doubt,
        doubts=[(each.value, code_name(each.value), counts.get(each.value, 0)) for each in Doubt],
        inside=list(zip(above.index.tolist(), above["name"].tolist(), strict=True)),
        far_m=settings.doubt_far_m,
        too_many=too_many,
        day=scope.day,
    )
