"""Signing in and out, the own account, and the language."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gis_service.access.headers import LOCALE_COOKIE
from gis_service.access.http import (
    OPEN,
    PresenceDep,
    clear_session_cookie,
    requires,
    set_session_cookie,
)
from gis_service.access.permissions import Permission
from gis_service.access.personal import Vault
from gis_service.access.sign_in import change_password, sign_in, sign_out, stop_view_as
from gis_service.api.dependencies import EngineDep, SettingsDep
from gis_service.errors import GridError, InvalidInputError, SecondFactorNeededError
from gis_service.texts import LOCALES, T
from gis_service.web.rendering import page

router = APIRouter(include_in_schema=False)

Field = Annotated[str, Form(max_length=1000)]
OWN = Depends(requires(Permission.SEE_OWN_ACCOUNT))


@router.get("/sign-in", dependencies=[OPEN])
def sign_in_form(request: Request, next: str = "/") -> HTMLResponse:  # noqa: A002 - the customary name of the parameter
    """Show the form."""
    return page(request, "sign_in.html", None, fault=None, login="", next=next, needs_code=False)


@router.post("/sign-in", dependencies=[OPEN])
def sign_in_now(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    login: Field,
    password: Field,
    code: Field = "",
    next: Field = "/",  # noqa: A002 - as above
) -> Response:
    """Check login and password and begin a session."""
    vault: Vault = request.app.state.vault
    try:
        signed_in = sign_in(engine, vault, settings, login, password, code or None, now=datetime.now(UTC))
    except SecondFactorNeededError as error:
        return page(request, "sign_in.html", None, fault=str(error), login=login, next=next, needs_code=True)
    except GridError as error:
        return page(
            request, "sign_in.html", None, status=401, fault=str(error), login=login, next=next, needs_code=bool(code)
        )
    target = _own_path(next)
    if signed_in.must_set_up_second_factor:
        target = "/me/second-factor"
    if signed_in.must_change_password:
        target = "/me"
    response = RedirectResponse(target, status_code=303)
    set_session_cookie(response, settings, signed_in)
    return response


@router.post("/sign-out", dependencies=[OWN])
def sign_out_now(engine: EngineDep, settings: SettingsDep, presence: PresenceDep) -> Response:
    """End the session."""
    if presence.cookie is not None:
        sign_out(engine, presence.viewer, presence.cookie)
    response = RedirectResponse("/sign-in", status_code=303)
    clear_session_cookie(response, settings)
    return response


@router.get("/me", dependencies=[OWN])
def own_account(request: Request, presence: PresenceDep) -> HTMLResponse:
    """Show the own account."""
    return _own_account(request, presence)


@router.post("/me/password", dependencies=[Depends(requires(Permission.CHANGE_OWN_ACCOUNT))])
def change_own_password(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    presence: PresenceDep,
    old: Field,
    new: Field,
    again: Field,
) -> HTMLResponse:
    """Change the own password; other sessions end."""
    try:
        if new != again:
            raise InvalidInputError(T("The new password was typed differently the second time."))
        change_password(engine, settings, presence.viewer, old, new, cookie=presence.cookie, now=datetime.now(UTC))
    except GridError as error:
        faults = [str(fault.message) for fault in getattr(error, "faults", ())]
        return _own_account(request, presence, status=422, fault=" ".join([str(error), *faults]))
    return _own_account(request, presence, changed=True)


@router.post("/language", dependencies=[OPEN])
def choose_language(request: Request, settings: SettingsDep, locale: Field) -> Response:
    """Remember the language in this browser."""
    response = RedirectResponse(_own_path(request.headers.get("referer", "/"), request.url.netloc), status_code=303)
    chosen = locale if locale in LOCALES else settings.locale
    response.set_cookie(LOCALE_COOKIE, chosen, max_age=365 * 86400, secure=settings.cookie_secure, samesite="lax")
    return response


@router.post("/view-as/stop", dependencies=[OWN])
def stop_viewing_as(engine: EngineDep, presence: PresenceDep) -> Response:
    """See the service with the own eyes again."""
    if presence.cookie is not None:
        stop_view_as(engine, presence.viewer, presence.cookie)
    return RedirectResponse("/", status_code=303)


def _own_account(
    request: Request, presence: PresenceDep, *, status: int = 200, fault: str | None = None, changed: bool = False
) -> HTMLResponse:
    return page(
        request,
        "own_account.html",
        presence.viewer,
        status=status,
        fault=fault,
        changed=changed,
        has_second_factor=presence.has_second_factor,
        must_change=presence.must_change_password and not changed,
    )


def _own_path(target: str, host: str = "") -> str:
    """A path on this site; anything else leads to the overview."""
    path = target.partition(f"//{host}")[2] if host and f"//{host}" in target else target
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
