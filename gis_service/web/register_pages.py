"""The registers of an area at a glance, and its rentals: grades, reasons, inspections that are due."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from urllib.parse import urlencode

import pandas as pd
from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field, field_validator
from sqlalchemy.orm import Session

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.routes import VaultDep
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep, TodayDep
from gis_service.api.wire import PlainText, RowKey
from gis_service.areas.queries import area_details, area_names
from gis_service.areas.tables import AreaLevel
from gis_service.errors import InvalidInputError
from gis_service.registers.days import check_day
from gis_service.registers.mismatches.queries import count_states
from gis_service.registers.published import published_rentals
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.queries import progress
from gis_service.registers.registrations.history import due_for_renewal
from gis_service.registers.registrations.published import published_turnover
from gis_service.registers.rentals.actions import Remedy, inspect, put_right
from gis_service.registers.rentals.queries import limits_of, overdue_rectifications, rental, rentals
from gis_service.registers.tables import RentalGrade
from gis_service.registers.withholding import is_small, looks_across_townships, mark
from gis_service.settings import Settings
from gis_service.web.desk import Desk, DeskDep
from gis_service.web.rendering import page, records
from gis_service.web.wording import code_name

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_REGISTERS))])
KEEP = [Depends(requires(Permission.KEEP_RENTALS))]
PAGE = 50
MONTHS = 12


class InspectionForm(BaseModel):
    """A visit as somebody types it; `remedies` has one a line, due on `due_on` or as the settings say."""

    inspected_on: date
    findings: Annotated[PlainText, Field(max_length=1000)] = ""
    remedies: Annotated[PlainText, Field(max_length=2000)] = ""
    due_on: date | None = None
    csrf_token: str = ""

    @field_validator("due_on", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None


Offset = Annotated[int, Query(ge=0, le=10_000_000)]


@router.get("/registers/{area_id}")
def registers_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    vault: VaultDep,
    area_id: RowKey,
) -> HTMLResponse:
    """Show the registers of an area: stock and flow, rentals, mismatches, the quarter."""
    area = area_details(session, scope, area_id)
    check_day(scope.day)
    first = date(scope.day.year - 1, scope.day.month, 1)
    flow = published_turnover(session, scope, settings, first, scope.day)
    months = flow[flow["area_id"].eq(area_id)].tail(MONTHS + 1)
    let = published_rentals(session, scope, settings)
    is_village = area["level"] == AreaLevel.VILLAGE
    quarter = Quarter.of(scope.day)
    states = count_states(session, scope, viewer, area_id)
    counted = {
        **{
            grade.value: rentals(session, scope, settings, grades=[grade], area_id=area_id, limit=1)[1]
            for grade in RentalGrade
        },
        "overdue": rentals(session, scope, settings, overdue=True, area_id=area_id, limit=1)[1],
        "unsettled": states["open"] + states["confirmed"],
        "mismatches": states["total"],
        "due": due_for_renewal(
            session,
            scope,
            vault,
            valid_days=settings.registration_valid_days,
            until=scope.day,
            area_id=area_id,
            limit=1,
        )[1],
    }
    heads = _heads(session, scope, settings, area_id, counted)
    return page(
        request,
        "registers.html",
        viewer,
        area=area,
        months=records(months.set_index("month")),
        most=int(months[["arrivals", "departures"]].fillna(0).to_numpy().max(initial=1)),
        rentals=records(let.loc[[area_id]])[0],
        grades=[(grade.value, heads[grade.value]) for grade in RentalGrade],
        heads=heads,
        quarter=quarter,
        villages=records(progress(session, scope, quarter, area_id)) if is_village else [],
        children=records(area_names(session, scope, parent=area_id)),
        day=scope.day,
    )


def _heads(
    session: Session, scope: Scope, settings: Settings, area_id: int, counted: dict[str, int]
) -> dict[str, int | str]:
    """Counts of lists as figures: exact within one township; of a wider view the whole only, with nothing to subtract.

    With a small one all of them go: grades add up to the rentals.
    """
    if not looks_across_townships(session, scope):
        return dict(counted)
    names = area_names(session, scope)
    roots = names.index[~names["parent_id"].isin(names.index)]
    withheld = roots.tolist() != [area_id] or is_small(pd.Series(counted), settings).any()
    return dict.fromkeys(counted, mark()) if withheld else dict(counted)


@router.get("/rentals")
def rentals_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    show: str = "",
    area_id: RowKey | None = None,
    offset: Offset = 0,
) -> HTMLResponse:
    """List rentals, the worst grade first, with what speaks for a group rental; or the overdue inspections."""
    grades = [RentalGrade(show)] if show in set(RentalGrade) else None
    frame, total = rentals(
        session,
        scope,
        settings,
        grades=grades,
        suspected=show == "suspected",
        overdue=show == "overdue",
        area_id=area_id,
        offset=offset,
        limit=PAGE,
    )
    late, late_total = overdue_rectifications(session, scope, PAGE)
    keep = {"show": show, **({} if area_id is None else {"area_id": str(area_id)})}
    return page(
        request,
        "rentals.html",
        viewer,
        rows=records(frame),
        total=total,
        offset=offset,
        limit=PAGE,
        show=show,
        filters=[(grade.value, code_name(grade.value)) for grade in reversed(RentalGrade)],
        limits=limits_of(settings),
        late=records(late) if show == "overdue" else [],
        late_total=late_total,
        pager_base=f"/rentals?{urlencode(keep)}&",
        day=scope.day,
    )


@router.get("/rentals/{rental_id}")
def rental_page(desk: DeskDep, settings: SettingsDep, viewer: ViewerDep, rental_id: RowKey) -> HTMLResponse:
    """Show one rental: its reasons, gradings, inspections and what is to be put right."""
    return _rental(desk, settings, viewer, rental_id)


def _rental(desk: Desk, settings: Settings, viewer: Viewer, rental_id: int, detail: str = "") -> HTMLResponse:
    return page(
        desk.request,
        "rental.html",
        viewer,
        status=422 if detail else 200,
        row=rental(desk.session, desk.scope, settings, desk.vault, rental_id),
        limits=limits_of(settings),
        may_keep=viewer.may(Permission.KEEP_RENTALS),
        detail=detail,
        today=desk.today,
        day=desk.scope.day,
    )


@router.post("/rentals/{rental_id}/inspection", dependencies=KEEP)
def inspect_page(
    desk: DeskDep,
    settings: SettingsDep,
    engine: EngineDep,
    acting: ActingDep,
    rental_id: RowKey,
    said: Annotated[InspectionForm, Form()],
) -> Response:
    """Write a visit down, with what is to be put right, one a line."""
    remedies = [Remedy(line.strip(), said.due_on) for line in said.remedies.splitlines() if line.strip()]
    try:
        inspect(
            engine,
            settings,
            acting,
            rental_id,
            said.inspected_on,
            today=desk.today,
            findings=said.findings or None,
            remedies=remedies,
        )
    except InvalidInputError as error:
        return _rental(desk, settings, acting, rental_id, str(error))
    return RedirectResponse(f"/rentals/{rental_id}", status_code=303)


@router.post("/rectifications/{rectification_id}/done", dependencies=KEEP)
def put_right_page(
    engine: EngineDep,
    acting: ActingDep,
    today: TodayDep,
    rectification_id: RowKey,
    rental_id: Annotated[RowKey, Form()],
) -> Response:
    """Say that something was put right today."""
    put_right(engine, acting, rectification_id, today, today=today)
    return RedirectResponse(f"/rentals/{rental_id}", status_code=303)
