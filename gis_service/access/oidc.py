"""The two routes of signing in through an identity provider: there, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from gis_service.access.http import OPEN, set_session_cookie
from gis_service.access.oidc_sign_in import finish_oidc, start_oidc
from gis_service.api.dependencies import EngineDep, SettingsDep
from gis_service.settings import Settings

router = APIRouter(prefix="/oidc", dependencies=[OPEN])

_CALLBACK = "/api/v1/oidc/callback"


@router.get("/start", status_code=303, response_class=RedirectResponse)
def get_start(engine: EngineDep, settings: SettingsDep) -> RedirectResponse:
    """Go to the identity provider."""
    departure = start_oidc(engine, settings, now=datetime.now(UTC))
    response = RedirectResponse(departure.url, status_code=303)
    response.set_cookie(
        _attempt_cookie(settings),
        departure.cookie,
        max_age=600,
        path=_CALLBACK,
        secure=settings.cookie_secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/callback", status_code=303, response_class=RedirectResponse)
def get_callback(
    request: Request,
    engine: EngineDep,
    settings: SettingsDep,
    state: Annotated[str, Query(max_length=200)],
    code: Annotated[str, Query(max_length=4000)],
) -> RedirectResponse:
    """Come back from the identity provider and go to the overview."""
    cookie = request.cookies.get(_attempt_cookie(settings))
    signed_in = finish_oidc(engine, settings, cookie, state, code, now=datetime.now(UTC))
    response = RedirectResponse("/", status_code=303)
    set_session_cookie(response, settings, signed_in)
    response.delete_cookie(_attempt_cookie(settings), path=_CALLBACK, secure=settings.cookie_secure, httponly=True)
    return response


def _attempt_cookie(settings: Settings) -> str:
    return "__Secure-oidc" if settings.cookie_secure else "oidc"
