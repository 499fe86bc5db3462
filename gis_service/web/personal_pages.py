"""Personal data on pages: one field of one record for a reason, and files that a second person has approved."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from sqlalchemy import Engine

from gis_service.access.approvals import EXPORT_SUBJECTS, ask_for_export, askers, decide_export, open_requests
from gis_service.access.http import ActingDep, ReachDep, ViewerDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.reach import Reach
from gis_service.access.routes import UnmaskForm, VaultDep
from gis_service.access.sealed import unmask
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep, SettingsDep
from gis_service.api.wire import RowKey
from gis_service.errors import GridError, NotFoundError
from gis_service.registers.unmasked_routes import approved_file
from gis_service.storage.engine import reading, transaction
from gis_service.texts import T
from gis_service.web.rendering import page
from gis_service.web.wording import code_name

router = APIRouter(include_in_schema=False)
UNMASK = Depends(requires(Permission.UNMASK_PERSON))
EXPORT = Depends(requires(Permission.EXPORT))
Line = Annotated[str, Form(max_length=500)]


class UnmaskPage(UnmaskForm):
    """The same question as over the API, and where the reader came from."""

    address_id: RowKey | None = None
    csrf_token: str = ""


@router.post("/persons/unmask", dependencies=[UNMASK])
def unmask_field(
    request: Request,
    engine: EngineDep,
    vault: VaultDep,
    acting: ActingDep,
    reach: ReachDep,
    form: Annotated[UnmaskPage, Form()],
) -> HTMLResponse:
    """Show one field of one person in clear, on a page of its own; who, what and why go into the audit trail."""
    today = date.today()  # noqa: DTZ011 - a calendar day of the district
    value, fault = None, None
    with transaction(engine) as session:
        if not reach.holds_row(session, acting, form.table, form.row, today):
            raise NotFoundError(T("There is no such record in your part of the district."))
        try:
            value = unmask(session, vault, acting, form.table, form.row, form.field, form.reason)
        except GridError as error:
            fault = str(error)
    return page(
        request,
        "unmasked.html",
        acting,
        status=422 if fault else 200,
        form=form,
        field_name=code_name(form.field),
        value=value,
        fault=fault,
        back=f"/addresses/{form.address_id}" if form.address_id else "/",
    )


@router.get("/approvals", dependencies=[EXPORT])
def approvals_page(request: Request, engine: EngineDep, viewer: ViewerDep, reach: ReachDep) -> HTMLResponse:
    """The requests that wait, the own approved ones, and the form for a new one."""
    return _approvals(request, engine, viewer, reach)


@router.post("/approvals", dependencies=[EXPORT])
def ask(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    reach: ReachDep,
    subject: Line = "",
    reason: Line = "",
) -> Response:
    """Ask a second person for a file of unmasked data."""
    try:
        ask_for_export(engine, settings, acting, subject, reason, now=datetime.now(UTC))
    except GridError as error:
        if not acting.may(Permission.UNMASK_PERSON):
            raise
        return _approvals(request, engine, acting, reach, fault=str(error))
    return RedirectResponse("/approvals", status_code=303)


@router.post("/approvals/{approval_id}/decision", dependencies=[Depends(requires(Permission.APPROVE_EXPORT))])
def decide(
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    reach: ReachDep,
    approval_id: RowKey,
    approve: Annotated[bool, Form()],
) -> Response:
    """Approve or refuse somebody else's request."""
    decide_export(engine, settings, acting, reach, approval_id, approve=approve, now=datetime.now(UTC))
    return RedirectResponse("/approvals", status_code=303)


@router.post("/approvals/{approval_id}/file", dependencies=[UNMASK, EXPORT])
def take_file(engine: EngineDep, vault: VaultDep, acting: ActingDep, approval_id: RowKey) -> FileResponse:
    """Download the file of an own approved request, once."""
    return approved_file(engine, vault, acting, approval_id)


def _approvals(
    request: Request, engine: Engine, viewer: Viewer, reach: Reach, *, fault: str | None = None
) -> HTMLResponse:
    with reading(engine) as session:
        rows = open_requests(session, viewer, reach, now=datetime.now(UTC))
        return page(
            request,
            "approvals.html",
            viewer,
            status=422 if fault else 200,
            rows=rows,
            askers=askers(session, rows),
            own=viewer.account_id,
            subjects=[(subject, code_name(subject)) for subject in EXPORT_SUBJECTS],
            may_ask=viewer.may(Permission.UNMASK_PERSON),
            may_decide=viewer.may(Permission.APPROVE_EXPORT),
            fault=fault,
        )
