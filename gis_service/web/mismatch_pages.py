"""Mismatches for people: the list with decisions for many at once, and one with its evidence, trail and files."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gis_service.access.http import ActingDep, ScopeDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.routes import VaultDep
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep, TodayDep
from gis_service.api.wire import PlainText, RowKey
from gis_service.registers.days import check_day
from gis_service.registers.mismatches.actions import ITEMS_MOST, attach, comment, hand_over, set_state
from gis_service.registers.mismatches.evidence import FIELDS
from gis_service.registers.mismatches.published import published_month_totals, published_worst
from gis_service.registers.mismatches.queries import Wanted, count_states, mismatch, mismatches
from gis_service.registers.mismatches.states import may_become, needs_reason, side_of
from gis_service.registers.quarters.person_links import links_of_mismatch
from gis_service.registers.tables import MismatchClass, MismatchState
from gis_service.texts import T, Text
from gis_service.web.rendering import page, records
from gis_service.web.wording import code_name

router = APIRouter(include_in_schema=False, dependencies=[Depends(requires(Permission.SEE_REGISTERS))])
WORK = [Depends(requires(Permission.WORK_MISMATCHES))]
PAGE = 50

FIELD_NAMES: dict[str, Text] = {
    "source_key": T("Key in the register"),
    "name": T("Name"),
    "id_number": T("Identity number"),
    "phone": T("Phone"),
    "birth_year": T("Year of birth"),
    "address_text": T("Address"),
    "from_on": T("Since"),
    "left_on": T("Left"),
}
SIDE_NAMES: dict[str, Text] = {
    "police": T("Station"),
    "village": T("Village list"),
    "grid": T("Grid list"),
    "other": T("The second record"),
}

Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Reason = Annotated[PlainText, Form(max_length=500)]


@router.get("/mismatches")
def mismatches_page(
    request: Request,
    session: ReadDep,
    scope: ScopeDep,
    viewer: ViewerDep,
    state: str = "open",
    kind: str = "",
    area_id: RowKey | None = None,
    offset: Offset = 0,
) -> HTMLResponse:
    """List the mismatches of the own part and side, those due first."""
    wanted = Wanted(
        state=MismatchState(state) if state in set(MismatchState) else None,
        mismatch_class=MismatchClass(kind) if kind in set(MismatchClass) else None,
        overdue=state == "overdue",
        area_id=area_id,
    )
    frame, total = mismatches(session, scope, viewer, wanted, offset=offset, limit=PAGE)
    counts = count_states(session, scope, viewer, area_id)
    keep = {"state": state, "kind": kind, **({} if area_id is None else {"area_id": str(area_id)})}
    return page(
        request,
        "mismatches.html",
        viewer,
        rows=records(frame),
        total=total,
        offset=offset,
        limit=PAGE,
        state=state,
        kind=kind,
        area_id=area_id,
        filters=[
            *((each.value, code_name(each.value), counts[each.value]) for each in MismatchState),
            ("overdue", str(T("Overdue")), counts["overdue"]),
            ("all", str(T("All")), counts["total"]),
        ],
        kinds=[(each.value, code_name(each.value)) for each in MismatchClass],
        steps=_steps_of_many(viewer),
        pager_base=f"/mismatches?{urlencode(keep)}&",
        back=f"/mismatches?{urlencode(keep)}",
        day=scope.day,
    )


def _steps_of_many(viewer: Viewer) -> list[tuple[str, str]]:
    """States that the viewer can take some mismatch to."""
    if not viewer.may(Permission.WORK_MISMATCHES):
        return []
    side = side_of(viewer)
    return [
        (each.value, code_name(each.value))
        for each in MismatchState
        if any(may_become(side, before, each) for before in MismatchState)
    ]


@router.post("/mismatches/decisions", dependencies=WORK)
def decide_many(
    engine: EngineDep,
    acting: ActingDep,
    today: TodayDep,
    state: Annotated[MismatchState, Form()],
    mismatch_ids: Annotated[list[RowKey] | None, Form(max_length=ITEMS_MOST)] = None,
    reason: Reason = "",
) -> Response:
    """Take the chosen mismatches to a state, all or none."""
    set_state(engine, acting, mismatch_ids or [], state, today=today, reason=reason)
    return RedirectResponse(f"/mismatches?state={state.value}", status_code=303)


@router.get("/mismatches/figures", dependencies=[Depends(requires(Permission.SEE_FIGURES))])
def figures_page(
    request: Request, session: ReadDep, scope: ScopeDep, settings: SettingsDep, viewer: ViewerDep
) -> HTMLResponse:
    """Show the ten worst compounds and why, and what was found and settled month by month."""
    check_day(scope.day)
    first = scope.day.replace(year=scope.day.year - 1, day=1)
    months = published_month_totals(session, scope, settings, first, scope.day)
    return page(
        request,
        "mismatch_figures.html",
        viewer,
        rows=records(published_worst(session, scope, settings).rename_axis("area_id")),
        months=records(months.iloc[::-1]),
        most=int(months[["found", "settled"]].fillna(0).to_numpy().max(initial=1)),
        per=settings.rate_per,
        day=scope.day,
    )


@router.get("/mismatches/{mismatch_id}")
def mismatch_page(
    request: Request, session: ReadDep, scope: ScopeDep, viewer: ViewerDep, vault: VaultDep, mismatch_id: RowKey
) -> HTMLResponse:
    """Show what each register says, where it is, who is to settle it and what was done."""
    found = mismatch(session, scope, viewer, vault, mismatch_id)
    before, side = MismatchState(found["state"]), side_of(viewer)
    may_work = viewer.may(Permission.WORK_MISMATCHES)
    return page(
        request,
        "mismatch.html",
        viewer,
        row=found,
        fields=[(name, str(FIELD_NAMES[name])) for name in FIELDS],
        sides=[(name, str(SIDE_NAMES[name])) for name in found["sides"]],
        links=records(links_of_mismatch(session, found)),
        steps=[
            (each.value, code_name(each.value), needs_reason(each))
            for each in MismatchState
            if may_work and may_become(side, before, each)
        ],
        may_work=may_work,
        day=scope.day,
    )


@router.post("/mismatches/{mismatch_id}/decision", dependencies=WORK)
def decide_one(
    engine: EngineDep,
    acting: ActingDep,
    today: TodayDep,
    mismatch_id: RowKey,
    state: Annotated[MismatchState, Form()],
    reason: Reason = "",
) -> Response:
    """Take a mismatch to a state."""
    set_state(engine, acting, [mismatch_id], state, today=today, reason=reason)
    return RedirectResponse(f"/mismatches/{mismatch_id}", status_code=303)


@router.post("/mismatches/{mismatch_id}/owner", dependencies=WORK)
def give_one(
    engine: EngineDep,
    acting: ActingDep,
    today: TodayDep,
    mismatch_id: RowKey,
    owner: Annotated[PlainText, Form(max_length=64)],
) -> Response:
    """Give a mismatch to somebody."""
    hand_over(engine, acting, [mismatch_id], today=today, owner=owner.strip())
    return RedirectResponse(f"/mismatches/{mismatch_id}", status_code=303)


@router.post("/mismatches/{mismatch_id}/comment", dependencies=WORK)
def say_something(
    engine: EngineDep,
    acting: ActingDep,
    today: TodayDep,
    mismatch_id: RowKey,
    text: Annotated[PlainText, Form(max_length=1000)],
) -> Response:
    """Add a comment."""
    comment(engine, acting, mismatch_id, text, today=today)
    return RedirectResponse(f"/mismatches/{mismatch_id}", status_code=303)


@router.post("/mismatches/{mismatch_id}/attachment", dependencies=WORK)
def attach_one(
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    today: TodayDep,
    mismatch_id: RowKey,
    file: Annotated[UploadFile, File()],
) -> Response:
    """Attach a picture or document."""
    content = file.file.read(settings.attachment_max_bytes + 1)
    attach(engine, settings, acting, mismatch_id, file.filename or "", content, today=today)
    return RedirectResponse(f"/mismatches/{mismatch_id}", status_code=303)
