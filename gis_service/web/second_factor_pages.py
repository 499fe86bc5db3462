"""Setting up a second factor, and removing it: where everybody is sent whose role needs one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from gis_service.access.http import ActingDep, PresenceDep, requires
from gis_service.access.permissions import Permission
from gis_service.access.personal import Vault
from gis_service.access.second_factor import confirm_enrolment, remove_second_factor, start_enrolment
from gis_service.access.viewers import Presence
from gis_service.api.dependencies import EngineDep
from gis_service.errors import GridError
from gis_service.web.rendering import page

router = APIRouter(
    prefix="/me/second-factor",
    include_in_schema=False,
    dependencies=[Depends(requires(Permission.CHANGE_OWN_ACCOUNT))],
)
Code = Annotated[str, Form(max_length=16)]


@router.get("")
def second_factor(request: Request, presence: PresenceDep) -> HTMLResponse:
    """Show whether there is a second factor, and how to set one up."""
    return _shown(request, presence)


@router.post("")
def begin(request: Request, engine: EngineDep, acting: ActingDep, presence: PresenceDep) -> HTMLResponse:
    """Show a new secret, once: as a picture for the phone and as text."""
    try:
        enrolment = start_enrolment(engine, _vault(request), acting)
    except GridError as error:
        return _shown(request, presence, status=409, fault=str(error))
    picture = segno.make(enrolment.uri, micro=False).svg_inline(scale=5, border=4, light="#fff")
    spelt = " ".join(enrolment.secret[at : at + 4] for at in range(0, len(enrolment.secret), 4))
    return _shown(request, presence, picture=Markup(picture), secret=spelt)  # noqa: S704 - lines and moves of our own


@router.post("/confirm")
def confirm(request: Request, engine: EngineDep, acting: ActingDep, presence: PresenceDep, code: Code) -> Response:
    """Enter a first code; from now on one is asked for at sign-in."""
    try:
        confirm_enrolment(engine, _vault(request), acting, code, datetime.now(UTC), cookie=presence.cookie)
    except GridError as error:
        return _shown(request, presence, status=422, fault=str(error), begun=True)
    return RedirectResponse("/me/second-factor", status_code=303)


@router.post("/remove")
def remove(request: Request, engine: EngineDep, acting: ActingDep, presence: PresenceDep, code: Code) -> Response:
    """Enter a last code; from now on none is asked for."""
    try:
        remove_second_factor(engine, _vault(request), acting, code, datetime.now(UTC))
    except GridError as error:
        return _shown(request, presence, status=422, fault=str(error))
    return RedirectResponse("/me/second-factor", status_code=303)


def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


def _shown(request: Request, presence: Presence, *, status: int = 200, **content: Any) -> HTMLResponse:
    given = {"fault": None, "picture": None, "secret": None, "begun": False, **content}
    return page(
        request,
        "second_factor.html",
        presence.viewer,
        status=status,
        has_one=presence.has_second_factor,
        is_due=presence.must_set_up_second_factor,
        **given,
    )
