"""Refusals as pages: the same errors as in the API, for people."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from gis_service.access.headers import content_security_policy
from gis_service.api.problems import (
    NOT_ACCEPTABLE,
    TITLES,
    grid_problem,
    http_problem,
    invalid_problem,
    status_of,
    unexpected_problem,
)
from gis_service.errors import GridError, NotSignedInError, PasswordChangeDueError, SecondFactorDueError
from gis_service.settings import Settings
from gis_service.web.rendering import page


def wants_page(request: Request) -> bool:
    """Say whether a person waits for the answer, and not a program."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def install_error_pages(app: FastAPI) -> None:
    """Answer people with pages; everybody else gets a problem as before."""
    app.exception_handler(GridError)(_grid_error)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(Exception)(_unexpected)


def _grid_error(request: Request, error: GridError) -> Response:
    if not wants_page(request):
        return grid_problem(request, error)
    if isinstance(error, NotSignedInError):
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(target)}", status_code=303)
    if isinstance(error, PasswordChangeDueError):
        return RedirectResponse("/me", status_code=303)
    if isinstance(error, SecondFactorDueError):
        return RedirectResponse("/me/second-factor", status_code=303)
    return _problem_page(request, status_of(error), str(error))


def _http(request: Request, error: HTTPException) -> Response:
    return _problem_page(request, error.status_code) if wants_page(request) else http_problem(request, error)


def _invalid(request: Request, error: RequestValidationError) -> Response:
    if not wants_page(request):
        return invalid_problem(request, error)
    fields = ", ".join(str(fault["loc"][-1]) for fault in error.errors())
    return _problem_page(request, 422, f"{NOT_ACCEPTABLE} {fields}")


def _unexpected(request: Request, error: Exception) -> Response:
    said = unexpected_problem(request, error)
    if not wants_page(request):
        return said
    shown = _problem_page(request, 500)
    # such an answer is given outside the browser's defences
    settings: Settings = request.app.state.settings
    shown.headers["Content-Security-Policy"] = content_security_policy(settings, request.state.nonce)
    return shown


def _problem_page(request: Request, status: int, detail: str = "") -> HTMLResponse:
    title = str(TITLES.get(status, TITLES[500]))
    viewer = getattr(request.state, "viewer", None)
    return page(request, "problem.html", viewer, status=status, title=title, detail=detail or title)
