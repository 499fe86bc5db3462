"""The administrator's accounts and the auditor's trail."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Engine

from gis_service.access.accounts import (
    change_account,
    create_account,
    end_grant,
    grant_area,
    grants_of,
    list_accounts,
    reset_password,
)
from gis_service.access.audit_review import AuditFilter, read_entries, verify_audit
from gis_service.access.headers import cookie_name
from gis_service.access.http import ActingDep, PresenceDep, ReachDep, ViewerDep, requires
from gis_service.access.permissions import Permission, Role
from gis_service.access.scope import Scope
from gis_service.access.sign_in import start_view_as
from gis_service.access.tables import AuditEntry
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import EngineDep, ReadDep, SettingsDep
from gis_service.api.wire import RowKey
from gis_service.areas.queries import area_by_code, area_names
from gis_service.errors import GridError, NotFoundError
from gis_service.storage.engine import reading
from gis_service.teams.queries import officer_by_badge
from gis_service.texts import T
from gis_service.web.act_names import ACT_NAMES, act_name
from gis_service.web.rendering import page
from gis_service.web.wording import code_name

router = APIRouter(include_in_schema=False)
MANAGE = Depends(requires(Permission.MANAGE_ACCOUNTS))
AUDIT = Depends(requires(Permission.READ_AUDIT))
PAGE = 50
#: roles that the administrator hands out; auditors are made on the server's shell
ROLES = tuple(role for role in Role if role is not Role.AUDITOR)

Line = Annotated[str, Form(max_length=200)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]


def _today() -> date:
    return date.today()  # noqa: DTZ011 - a calendar day of the district


@router.get("/accounts", dependencies=[MANAGE])
def accounts_page(request: Request, engine: EngineDep, viewer: ViewerDep, offset: Offset = 0) -> HTMLResponse:
    """List the accounts and the form for a new one."""
    return _accounts(request, engine, viewer, offset=offset)


@router.post("/accounts", dependencies=[MANAGE])
def new_account(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    acting: ActingDep,
    login: Line,
    display_name: Line,
    role: Annotated[Role, Form()],
    area_code: Line = "",
    badge_no: Line = "",
) -> HTMLResponse:
    """Make an account, with its area or its officer; the one-time password is shown once."""
    try:
        area_id, officer_id = _places(engine, area_code.strip(), badge_no.strip())
        made = create_account(engine, settings, acting, login, display_name, role, officer_id=officer_id)
        if area_code.strip():
            grant_area(engine, acting, made.account_id, area_id, _today())
    except GridError as error:
        faults = [str(fault.message) for fault in getattr(error, "faults", ())]
        return _accounts(request, engine, acting, status=422, fault=" ".join([str(error), *faults]))
    return _accounts(request, engine, acting, shown=(made.login, made.one_time_password))


def _places(engine: Engine, area_code: str, badge_no: str) -> tuple[int | None, int | None]:
    """The area of a code and the officer of a badge number, as far as they are given."""
    with reading(engine) as session:
        everything = Scope(_today(), None)
        area_id = area_by_code(session, everything, area_code) if area_code else None
        officer_id = officer_by_badge(session, badge_no) if badge_no else None
    if badge_no and officer_id is None:
        raise NotFoundError(T("There is no such officer."))
    return area_id, officer_id


@router.post("/accounts/{account_id}/disabled", dependencies=[MANAGE])
def set_disabled(
    request: Request, engine: EngineDep, acting: ActingDep, account_id: RowKey, disabled: Annotated[bool, Form()]
) -> Response:
    """Disable an account, or let it in again."""
    try:
        change_account(engine, acting, account_id, disabled=disabled)
    except GridError as error:
        return _accounts(request, engine, acting, status=422, fault=str(error))
    return RedirectResponse("/accounts", status_code=303)


@router.post("/accounts/{account_id}/password", dependencies=[MANAGE])
def give_password(request: Request, engine: EngineDep, acting: ActingDep, account_id: RowKey) -> HTMLResponse:
    """Give a one-time password and show it once."""
    try:
        password = reset_password(engine, acting, account_id)
    except GridError as error:
        return _accounts(request, engine, acting, status=422, fault=str(error))
    return _accounts(request, engine, acting, shown=(str(account_id), password))


@router.post("/accounts/grants/{grant_id}/end", dependencies=[MANAGE])
def end_area(engine: EngineDep, acting: ActingDep, grant_id: RowKey) -> Response:
    """End a grant today."""
    end_grant(engine, acting, grant_id, _today())
    return RedirectResponse("/accounts", status_code=303)


@router.post("/view-as", dependencies=[Depends(requires(Permission.VIEW_AS))])
def view_as(
    request: Request,
    engine: EngineDep,
    session: ReadDep,
    settings: SettingsDep,
    presence: PresenceDep,
    reach: ReachDep,
    officer_id: Annotated[RowKey, Form()],
) -> Response:
    """See the service as an officer in scope does; read only, and recorded."""
    name = reach.officer_name(session, presence.viewer, officer_id, _today())
    if name is None:
        raise NotFoundError(T("There is no such officer in your part of the district."))
    start_view_as(engine, presence.viewer, request.cookies.get(cookie_name(settings), ""), officer_id, name)
    return RedirectResponse("/", status_code=303)


def what_is_asked(
    actor: str = "", action: str = "", result: str = "", since: str = "", until: str = ""
) -> dict[str, str]:
    """The filter as typed; empty where nothing was."""
    return {"actor": actor, "action": action, "result": result, "since": since, "until": until}


@router.get("/audit", dependencies=[AUDIT])
def audit_page(
    request: Request,
    engine: EngineDep,
    session: ReadDep,
    viewer: ViewerDep,
    said: Annotated[dict[str, str], Depends(what_is_asked)],
    offset: Offset = 0,
) -> HTMLResponse:
    """List entries of the trail, newest first, and whether the trail holds."""
    asked = AuditFilter(
        said["actor"] or None,
        said["action"] or None,
        None,
        None,
        said["result"] or None,
        _midnight(said["since"]),
        _midnight(said["until"]),
    )
    entries, total = read_entries(session, asked, offset=offset, limit=PAGE)
    return page(
        request,
        "audit.html",
        viewer,
        entries=[(entry, act_name(entry.action), _changes(entry)) for entry in entries],
        total=total,
        offset=offset,
        limit=PAGE,
        said=said,
        acts=[(code, str(name)) for code, name in ACT_NAMES.items()],
        query=urlencode(said),
        exported=urlencode({name: value for name, value in _as_api(asked).items() if value is not None}),
        verdict=verify_audit(engine),
    )


def _as_api(asked: AuditFilter) -> dict[str, str | None]:
    """The filter as the export over the API takes it."""
    ends = {
        name: None if at is None else at.isoformat() for name, at in (("since", asked.since), ("until", asked.until))
    }
    return {"actor": asked.actor, "action": asked.action, "result": asked.result, **ends}


def _changes(entry: AuditEntry) -> list[tuple[str, str, str]]:
    """Field, what it was, what it is."""
    before, after = (json.loads(said) if said else {} for said in (entry.before, entry.after))
    return [
        (
            name,
            "" if before.get(name) is None else str(before[name]),
            "" if after.get(name) is None else str(after[name]),
        )
        for name in {**before, **after}
        if before.get(name) is not None or after.get(name) is not None
    ]


def _midnight(day: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) if day else None
    except ValueError:
        return None


def _accounts(
    request: Request,
    engine: Engine,
    viewer: Viewer,
    *,
    offset: int = 0,
    status: int = 200,
    fault: str | None = None,
    shown: tuple[str, str | None] | None = None,
) -> HTMLResponse:
    with reading(engine) as session:
        accounts, total = list_accounts(session, viewer, offset=offset, limit=PAGE)
        grants = grants_of(session, [account.id for account in accounts])
        names = area_names(session, Scope(_today(), None))["name"]
        return page(
            request,
            "accounts.html",
            viewer,
            status=status,
            accounts=accounts,
            grants=grants,
            area_names=names.to_dict(),
            roles=[(role.value, code_name(role.value)) for role in ROLES],
            total=total,
            offset=offset,
            limit=PAGE,
            fault=fault,
            shown=shown,
            today=_today(),
        )
