"""The one error shape of the service: RFC 9457 problem+json, in the user's language.

Exceptions know no HTTP; this table knows both. A test proves that every leaf of `GridError` is in it.
"""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from gis_service import errors
from gis_service.errors import Fault, GridError
from gis_service.texts import T, Text

STATUS: dict[type[GridError], int] = {
    errors.NotSignedInError: 401,
    errors.NotPermittedError: 403,
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.TooLargeError: 413,
    errors.InvalidInputError: 422,
    errors.TooManyRequestsError: 429,
    errors.NotReadyError: 503,
    errors.TamperedError: 500,
}

TITLES: dict[int, Text] = {
    400: T("The request is malformed"),
    401: T("Please sign in"),
    403: T("Not permitted"),
    404: T("Not found"),
    405: T("This address does not take such a request"),
    409: T("Contradicts what is there"),
    413: T("Too large"),
    415: T("This kind of content is not accepted"),
    422: T("The input is not acceptable"),
    429: T("Too many requests"),
    500: T("Something went wrong on our side; it has been recorded"),
    503: T("The service is not ready"),
}

PROBLEM = "application/problem+json"

log = structlog.get_logger(__name__)


def status_of(error: GridError) -> int:
    """The status code of an error: that of its nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


NOT_ACCEPTABLE = T("Some fields are missing or not acceptable.")


def problem(status: int, detail: str, request: Request, **more: Any) -> Response:
    """One problem+json response."""
    body = {
        "type": "about:blank",
        "title": str(TITLES.get(status, TITLES[500])),
        "status": status,
        "detail": _sendable(detail),
        "instance": request.url.path,
        "request_id": getattr(request.state, "request_id", None),
        **more,
    }
    headers = {"Cache-Control": "no-store"}
    if "retry_after_s" in more:
        headers["Retry-After"] = str(more["retry_after_s"])
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="grid"'
    return JSONResponse(body, status, headers, media_type=PROBLEM)


def fault_body(fault: Fault) -> dict[str, object]:
    """One fault as the wire shows it."""
    return {
        "message": str(fault.message),
        "file": fault.file,
        "row": fault.row,
        "field": fault.field,
        "value": None if fault.value is None else _sendable(fault.value),
        "remedy": str(fault.remedy) if fault.remedy else None,
    }


def _sendable(text: str) -> str:
    """The text without what UTF-8 cannot hold: half a surrogate pair."""
    return text.encode("utf-8", "replace").decode()


def grid_problem(request: Request, error: GridError) -> Response:
    """The problem for one of our own errors."""
    more: dict[str, Any] = {}
    if isinstance(error, errors.InvalidInputError):
        more["faults"] = [fault_body(fault) for fault in error.faults]
    if isinstance(error, errors.TooManyRequestsError):
        more["retry_after_s"] = error.retry_after_s
    return problem(status_of(error), str(error), request, **more)


def http_problem(request: Request, error: HTTPException) -> Response:
    """The problem for what the framework refuses by itself, such as an unknown path."""
    response = problem(error.status_code, str(TITLES.get(error.status_code, error.detail)), request)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def invalid_problem(request: Request, error: RequestValidationError) -> Response:
    """The problem for fields that the framework refuses."""
    faults = [
        {
            "field": ".".join(str(part) for part in fault["loc"]),
            "message": fault["msg"],
            "value": _sendable(str(fault.get("input"))[:200]),
        }
        for fault in error.errors()
    ]
    return problem(422, str(NOT_ACCEPTABLE), request, faults=faults)


def unexpected_problem(request: Request, error: Exception) -> Response:
    """The problem for what nobody has foreseen; the log tells more than the answer."""
    log.error("unexpected error", path=request.url.path, exc_info=error)
    return problem(500, str(TITLES[500]), request)


class Problem(BaseModel):
    """What the service says when it refuses, or cannot (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str | None
    faults: list[dict[str, Any]] | None = None


def describe_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Put the one error shape into an OpenAPI document, instead of what the framework would send."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"description": "A problem", "content": content}
    return document


def install_problems(app: FastAPI) -> None:
    """Turn everything that is raised into a problem, and say so in the API's description."""
    describe = app.openapi
    app.openapi = lambda: describe_problems(describe())  # type: ignore[method-assign]  # FastAPI's own way to extend it
    app.exception_handler(GridError)(grid_problem)
    app.exception_handler(HTTPException)(http_problem)

    app.exception_handler(RequestValidationError)(invalid_problem)
    app.exception_handler(Exception)(unexpected_problem)
