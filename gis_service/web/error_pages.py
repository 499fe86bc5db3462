"""Refusals as pages: the same errors as in the API, for people."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from gis_service.api.problems import TITLES, grid_problem, http_problem, status_of
from gis_service.errors import GridError, NotSignedInError, PasswordChangeDueError, SecondFactorDueError
from gis_service.web.rendering import page


def wants_page(request: Request) -> bool:
    """Say whether a person waits for the answer, and not a program."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def install_error_pages(app: FastAPI) -> None:
    """Answer people with pages; everybody else gets a problem as before."""

    @app.exception_handler(GridError)
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
        status = status_of(error)
        viewer = getattr(request.state, "viewer", None)
        return page(request, "problem.html", viewer, status=status, title=str(TITLES[status]), detail=str(error))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        if not wants_page(request):
            return http_problem(request, error)
        title = str(TITLES.get(error.status_code, TITLES[500]))
        viewer = getattr(request.state, "viewer", None)
        return page(request, "problem.html", viewer, status=error.status_code, title=title, detail=title)
