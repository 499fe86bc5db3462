"""The quarter for people: how far each village is, and the steps of one village with its certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep, TodayDep
from gis_service.api.wire import RowKey
from gis_service.areas.queries import lineage
from gis_service.errors import ConflictError, GridError, InvalidInputError
from gis_service.jobs.actions import jobs_of
from gis_service.jobs.routes import QueueDep
from gis_service.jobs.tables import JobState
from gis_service.registers.mismatches.states import Side
from gis_service.registers.quarters.actions import (
    close,
    finish_work,
    open_quarter,
    printed_certificate,
    sign,
    take_back,
)
from gis_service.registers.quarters.calendar import WRITTEN, Quarter
from gis_service.registers.quarters.matching_jobs import about_matching, ask_for_matching
from gis_service.registers.quarters.published import marked_total, published_quarter
from gis_service.registers.quarters.queries import by_class, closed_items, items_of_village, reconciliation_of
from gis_service.registers.quarters.tables import QuarterState, Reconciliation
from gis_service.registers.snapshots.queries import standing
from gis_service.registers.tables import MismatchState
from gis_service.settings import Settings
from gis_service.web.job_pages import shown
from gis_service.web.rendering import page, records

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_REGISTERS))])
LEAD = [Depends(requires(Permission.LEAD_QUARTER))]
WORK = [Depends(requires(Permission.WORK_MISMATCHES))]
SIGN = [Depends(requires(Permission.SIGN_QUARTER))]


@router.get("/quarters")
def quarters_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    settings: SettingsDep,
    viewer: ViewerDep,
    quarter: Annotated[str, Query(pattern=WRITTEN)] = "",
) -> HTMLResponse:
    """Show how far each village is in a quarter, and what the quarter before was."""
    asked = Quarter.parse(quarter) if quarter else Quarter.of(scope.day)
    return _quarter(request, session, scope, settings, viewer, asked)


def _quarter(
    request: Request,
    session: Session,
    scope: Scope,
    settings: Settings,
    viewer: ViewerDep,
    asked: Quarter,
    *,
    status: int = 200,
    fault: str = "",
) -> HTMLResponse:
    figures = published_quarter(session, scope, settings, asked)
    frame = figures.villages
    states = frame["state"].value_counts()
    return page(
        request,
        "quarters.html",
        viewer,
        status=status,
        fault=fault,
        quarter=asked,
        rows=records(frame),
        handed_in=_handed_in(session, asked, [int(village) for village in frame.index], scope.day),
        steps=[(state.value, int(states.get(state.value, 0))) for state in QuarterState],
        unopened=int(frame["state"].isna().sum()),
        overdue=int(frame["is_overdue"].sum()),
        townships=records(figures.townships.drop(columns="parent_id")),
        total=marked_total(figures),
        may_open=viewer.may(Permission.LEAD_QUARTER) and bool(frame["state"].isna().any()),
        may_match=viewer.may(Permission.LEAD_QUARTER) and bool(frame["state"].notna().all()) and len(frame) > 0,
        jobs=_jobs(request, session, viewer, about_matching(asked)),
        jobs_about=about_matching(asked),
        day=scope.day,
    )


@router.post("/quarters", dependencies=LEAD)
def open_page(
    engine: EngineDep, acting: ActingDep, today: TodayDep, quarter: Annotated[str, Form(pattern=WRITTEN)]
) -> Response:
    """Open a quarter in every village that has it not."""
    open_quarter(engine, acting, Quarter.parse(quarter), today=today)
    return RedirectResponse(f"/quarters?quarter={quarter}", status_code=303)


@router.post("/quarters/match", dependencies=LEAD)
def match_all_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    engine: EngineDep,
    queue: QueueDep,
    settings: SettingsDep,
    acting: ActingDep,
    today: TodayDep,
    quarter: Annotated[str, Form(pattern=WRITTEN)],
) -> Response:
    """Have the registers of every village of one's part matched; what is in the way is said on the page."""
    asked = Quarter.parse(quarter)
    try:
        ask_for_matching(engine, queue, acting, asked, today=today)
    except (InvalidInputError, ConflictError) as error:
        return _quarter(request, session, scope, settings, acting, asked, status=409, fault=str(error))
    return RedirectResponse(f"/quarters?quarter={asked}", status_code=303)


@router.get("/reconciliations/{reconciliation_id}/certificate")
def certificate_page(session: ReadDep, scope: ScopeDep, reconciliation_id: RowKey) -> HTMLResponse:
    """Show the certificate sheet, to print."""
    return HTMLResponse(printed_certificate(session, scope, reconciliation_id), headers={"Cache-Control": "no-store"})


@dataclass(frozen=True)
class VillageQuarter:
    """The quarter of one village, as it is asked for: what its page is made of, again when an act is refused."""

    request: Request
    session: ReadDep
    scope: ScopeDep
    viewer: ViewerDep
    reconciliation_id: RowKey

    def page_after(self, act: Callable[[], object]) -> Response:
        """Do `act` and go back to the page, which says why when it is refused."""
        try:
            act()
        except GridError as error:
            return self.shown(status=409, fault=str(error))
        return RedirectResponse(f"/reconciliations/{self.reconciliation_id}", status_code=303)

    def shown(self, *, status: int = 200, fault: str = "") -> HTMLResponse:
        """Draw the page."""
        session, scope, viewer = self.session, self.scope, self.viewer
        row = reconciliation_of(session, scope, self.reconciliation_id)
        quarter = Quarter.parse(row.quarter)
        is_closed = row.state == QuarterState.CLOSED
        items = (
            closed_items(session, row.id)
            if is_closed
            else items_of_village(session, row.village_id, quarter, scope.day)
        )
        return page(
            self.request,
            "reconciliation.html",
            viewer,
            status=status,
            fault=fault,
            row=row,
            quarter=quarter,
            names=[name for _id, _code, name in lineage(session, row.village_id, scope)] or ["—"],
            steps=_steps(row),
            classes=records(by_class(items)),
            states=[state.value for state in MismatchState],
            waiting=int(items["state"].eq(MismatchState.OPEN.value).sum()),
            total=len(items),
            handed_in=_handed_in(session, quarter, [row.village_id], scope.day).get(row.village_id, {}),
            sides=[side.value for side in Side],
            may_match=viewer.may(Permission.LEAD_QUARTER) and not is_closed,
            jobs=_jobs(self.request, session, viewer, about_matching(quarter, row.village_id)),
            jobs_about=about_matching(quarter, row.village_id),
            may_hand_in=viewer.may(Permission.HAND_IN_REGISTER) and not is_closed,
            may_work=viewer.may(Permission.WORK_MISMATCHES),
            may_sign=viewer.may(Permission.SIGN_QUARTER),
            may_lead=viewer.may(Permission.LEAD_QUARTER),
            day=scope.day,
        )


VillageQuarterDep = Annotated[VillageQuarter, Depends()]


def _jobs(request: Request, session: Session, viewer: ViewerDep, about: str) -> list[dict[str, object]]:
    """The newest computation about something, while it goes on or when it came to nothing."""
    if not viewer.may(Permission.SEE_JOBS):
        return []
    newest = jobs_of(session, viewer, about=about, limit=1)
    return [shown(job, request.app.state.job_kinds) for job in newest if job.state != JobState.DONE]


def _handed_in(
    session: Session, quarter: Quarter, villages: list[int], day: date
) -> dict[int, dict[str, dict[str, Any]]]:
    """By village and side, which snapshot holds for the quarter."""
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for each in records(standing(session, quarter, villages, day)):
        found.setdefault(each["village_id"], {})[each["register"]] = each
    return found


def _steps(row: Reconciliation) -> list[tuple[str, str]]:
    """Each state, and whether it is done, now or to come."""
    order = list(QuarterState)
    reached = order.index(QuarterState(row.state))
    return [
        (state.value, "now" if number == reached else "done" if number < reached else "later")
        for number, state in enumerate(order)
    ]


@router.get("/reconciliations/{reconciliation_id}")
def reconciliation_page(here: VillageQuarterDep) -> HTMLResponse:
    """Show the quarter of one village: its mismatches, its signatures, what is to be done next."""
    return here.shown()


@router.post("/reconciliations/{reconciliation_id}/match", dependencies=LEAD)
def match_page(
    here: VillageQuarterDep, engine: EngineDep, queue: QueueDep, acting: ActingDep, today: TodayDep
) -> Response:
    """Have the registers of the village matched; what has not been handed in is said on the page."""
    row = reconciliation_of(here.session, here.scope, here.reconciliation_id)
    quarter = Quarter.parse(row.quarter)
    return here.page_after(
        lambda: ask_for_matching(engine, queue, acting, quarter, today=today, area_id=row.village_id)
    )


@router.post("/reconciliations/{reconciliation_id}/finish", dependencies=WORK)
def finish_page(here: VillageQuarterDep, engine: EngineDep, acting: ActingDep, today: TodayDep) -> Response:
    """Say that every mismatch has been judged; what is still open is said on the page."""
    return here.page_after(lambda: finish_work(engine, acting, here.reconciliation_id, today=today))


@router.post("/reconciliations/{reconciliation_id}/take-back", dependencies=WORK)
def take_back_page(here: VillageQuarterDep, engine: EngineDep, acting: ActingDep, today: TodayDep) -> Response:
    """Take the quarter back to work."""
    return here.page_after(lambda: take_back(engine, acting, here.reconciliation_id, today=today))


@router.post("/reconciliations/{reconciliation_id}/sign", dependencies=SIGN)
def sign_page(here: VillageQuarterDep, engine: EngineDep, acting: ActingDep, today: TodayDep) -> Response:
    """Sign for the own side."""
    return here.page_after(lambda: sign(engine, acting, here.reconciliation_id, today=today))


@router.post("/reconciliations/{reconciliation_id}/close", dependencies=LEAD)
def close_page(
    here: VillageQuarterDep, engine: EngineDep, settings: SettingsDep, acting: ActingDep, today: TodayDep
) -> Response:
    """Close the quarter for good; what is in the way is said on the page."""
    return here.page_after(lambda: close(engine, settings, acting, here.reconciliation_id, today=today))
