"""Addresses that are decided and yet in doubt, with the way to mend each, or to answer for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Engine

from gis_service.access.http import ActingDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.viewer import Viewer
from gis_service.addresses.acknowledging import acknowledge_doubts, doubts_of
from gis_service.addresses.doubts import Doubt
from gis_service.api.dependencies import AsOf, EngineDep, SettingsDep
from gis_service.api.problems import status_of
from gis_service.api.wire import RowKey
from gis_service.areas.queries import area_names
from gis_service.errors import GridError, InvalidInputError, TooLargeError
from gis_service.settings import Settings
from gis_service.storage.engine import reading
from gis_service.teams.fence import fenced_scope
from gis_service.texts import T
from gis_service.web.change_pages import Refusal
from gis_service.web.narrowing import AreaTyped, places_inside
from gis_service.web.rendering import page, records
from gis_service.web.wording import code_name

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.RESOLVE_ADDRESS))])

PAGE = 50


@dataclass(frozen=True)
class Wanted:
    """Which doubts are looked at: inside an area, of a kind, open or acknowledged, from the so-many-eth on."""

    area_id: int | None
    doubt: Doubt | None
    acknowledged: bool
    offset: int = 0

    def of(self, found: pd.DataFrame) -> pd.DataFrame:
        """The doubts wanted, whatever their kind."""
        return found[found["acknowledged_by"].notna() == self.acknowledged]

    @property
    def query(self) -> str:
        """As part of a link, without the kind."""
        said = {"area_id": self.area_id, "acknowledged": "true" if self.acknowledged else None}
        return "".join(f"{name}={value}&" for name, value in said.items() if value)


def _wanted(
    area: AreaTyped,
    doubt: Annotated[str, Query(max_length=20)] = "",
    acknowledged: Annotated[bool, Query()] = False,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Wanted:
    return Wanted(area, Doubt(doubt) if doubt in set(Doubt) else None, acknowledged, offset)


WantedDep = Annotated[Wanted, Depends(_wanted)]


@router.get("/unresolved/doubtful")
def doubtful_page(
    request: Request, engine: EngineDep, settings: SettingsDep, viewer: ViewerDep, day: AsOf, wanted: WantedDep
) -> HTMLResponse:
    """List addresses far from the others of their road, doors that are there twice, and decisions out of date."""
    return _doubts(request, engine, settings, viewer, day, wanted)


@router.post("/unresolved/doubtful", dependencies=[Depends(requires(Permission.SIGN_OFF_UNRESOLVED))])
def acknowledge(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    day: AsOf,
    wanted: WantedDep,
    address_ids: Annotated[list[RowKey] | None, Form(max_length=PAGE)] = None,
    everything: Annotated[bool, Form()] = False,
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Answer for the doubts chosen, or for all that the filter leaves."""
    chosen = None if everything else [*(address_ids or ())]
    try:
        if chosen == []:
            raise InvalidInputError(T("Choose at least one address."))
        limits: dict[str, Any] = {"area_id": wanted.area_id, "doubt": wanted.doubt, "address_ids": chosen}
        acknowledge_doubts(engine, settings, acting, day, reason, **limits)
    except GridError as error:
        return _doubts(request, engine, settings, acting, day, wanted, Refusal("doubts", error, reason))
    kind = f"doubt={wanted.doubt}&" if wanted.doubt else ""
    return RedirectResponse(f"/unresolved/doubtful?{wanted.query}{kind}as_of={day}", status_code=303)


def _doubts(
    request: Request,
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    day: date,
    wanted: Wanted,
    refusal: Refusal | None = None,
) -> HTMLResponse:
    too_many, rows, counts, total, others = "", [], {}, 0, 0
    with reading(engine) as session:
        scope = fenced_scope(session, viewer, day)
        names = area_names(session, scope)
        try:
            found = doubts_of(session, settings, scope, wanted.area_id)
        except TooLargeError as error:
            too_many = str(error)
        else:
            of_state = wanted.of(found)
            counts, others = of_state["doubt"].value_counts().to_dict(), len(found) - len(of_state)
            of_kind = of_state if wanted.doubt is None else of_state[of_state["doubt"].eq(wanted.doubt.value)]
            shown = of_kind.iloc[wanted.offset : wanted.offset + PAGE]
            rows, total = records(shown.assign(area_name=shown["home_area_id"].map(names["name"]))), len(of_kind)
    return page(
        request,
        "doubtful.html",
        viewer,
        status=status_of(refusal.error) if refusal else 200,
        rows=rows,
        total=total,
        others=others,
        limit=PAGE,
        wanted=wanted,
        doubts=[(each.value, code_name(each.value), counts.get(each.value, 0)) for each in Doubt],
        inside=places_inside(names),
        far_m=settings.doubt_far_m,
        too_many=too_many,
        refusal=refusal,
        may_sign=viewer.may(Permission.SIGN_OFF_UNRESOLVED),
        day=day,
    )
