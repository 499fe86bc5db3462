"""The registers of an area at a glance, and its rentals: grades, reasons, inspections that are due."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from gis_service.access.http import ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.routes import VaultDep
from gis_service.api.dependencies import ReadDep, SettingsDep
from gis_service.api.wire import RowKey
from gis_service.areas.queries import area_details, area_names
from gis_service.areas.tables import AreaLevel
from gis_service.registers.days import check_day
from gis_service.registers.figures import rentals_of_areas
from gis_service.registers.mismatches.queries import count_states
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.queries import progress
from gis_service.registers.registrations.history import due_for_renewal
from gis_service.registers.registrations.turnover import turnover_of_areas
from gis_service.registers.rentals.queries import limits_of, overdue_rectifications, rental, rentals
from gis_service.registers.tables import RentalGrade
from gis_service.web.rendering import page, records
from gis_service.web.wording import code_name

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_REGISTERS))])
PAGE = 50
MONTHS = 12

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
    flow = turnover_of_areas(session, scope, first, scope.day)
    months = flow[flow["area_id"].eq(area_id)].tail(MONTHS + 1)
    let = rentals_of_areas(session, scope, settings)
    is_village = area["level"] == AreaLevel.VILLAGE
    quarter = Quarter.of(scope.day)
    return page(
        request,
        "registers.html",
        viewer,
        area=area,
        months=records(months.set_index("month")),
        most=int(months[["arrivals", "departures"]].to_numpy().max(initial=1)),
        rentals=records(let.loc[[area_id]])[0],
        grades=[
            (grade.value, rentals(session, scope, settings, grades=[grade], area_id=area_id, limit=1)[1])
            for grade in RentalGrade
        ],
        overdue=rentals(session, scope, settings, overdue=True, area_id=area_id, limit=1)[1],
        mismatches=count_states(session, scope, viewer, area_id),
        due=due_for_renewal(
            session,
            scope,
            vault,
            valid_days=settings.registration_valid_days,
            until=scope.day,
            area_id=area_id,
            limit=1,
        )[1],
        quarter=quarter,
        villages=records(progress(session, scope, quarter, area_id)) if is_village else [],
        children=records(area_names(session, scope, parent=area_id)),
        day=scope.day,
    )


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
def rental_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    vault: VaultDep,
    rental_id: RowKey,
) -> HTMLResponse:
    """Show one rental: its reasons, gradings, inspections and what is to be put right."""
    row = rental(session, scope, settings, vault, rental_id)
    return page(request, "rental.html", viewer, row=row, limits=limits_of(settings), day=scope.day)
