"""Who a request is for and what it may do: the dependencies that every route takes.

`requires(Permission.X)` marks a route with its permission, so that a test can read the permission of every route
(`guards_of`); a route for everybody says so with `OPEN`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.concurrency import run_in_threadpool

from gis_service.access.audit import Result, attach_audit, record
from gis_service.access.csrf import is_token_of
from gis_service.access.headers import BrowserDefences, cookie_name
from gis_service.access.permissions import Permission
from gis_service.access.rate_limits import RateLimits
from gis_service.access.reach import Reach
from gis_service.access.scope import Scope
from gis_service.access.shortcut import Shortcut
from gis_service.access.sign_in import SignedIn
from gis_service.access.tables import hash_of
from gis_service.access.unchanged import Unchanged, found_before, state_at_start
from gis_service.access.viewer import Viewer
from gis_service.access.viewers import Presence, note_use, presence_of_cookie, presence_of_token
from gis_service.api.dependencies import AsOf, ReadDep
from gis_service.errors import NotPermittedError, NotSignedInError, PasswordChangeDueError, SecondFactorDueError
from gis_service.settings import Settings
from gis_service.storage.commits import Commits
from gis_service.storage.engine import asking, transaction
from gis_service.texts import T, use_locale

CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
#: a sign-in costs as much computing as this many reads
SIGN_IN_WEIGHT = 10

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_OWN = frozenset({Permission.SEE_OWN_ACCOUNT, Permission.CHANGE_OWN_ACCOUNT})


async def current_presence(request: Request) -> Presence:
    """Who is signed in, by bearer token or session cookie; refuses forged and too frequent requests."""
    known = _known(request)
    presence = known if known is not None else await run_in_threadpool(_look_up, request)
    if presence.cookie is not None:
        request.state.csrf_token = presence.csrf_token()
        if request.method not in _SAFE:
            require_same_origin(request)
            await _require_csrf_token(request, presence.cookie)
    request.state.viewer = presence.viewer
    request.state.presence = presence
    if presence.locale:
        use_locale(presence.locale)
    return presence


PresenceDep = Annotated[Presence, Depends(current_presence)]


async def current_viewer(presence: PresenceDep) -> Viewer:
    """The one for whom this request reads or writes."""
    return presence.viewer


ViewerDep = Annotated[Viewer, Depends(current_viewer)]


async def acting_viewer(viewer: ViewerDep) -> Viewer:
    """The viewer of a request that changes something; refuses whoever may only look."""
    if viewer.read_only:
        raise NotPermittedError(T("You may only look, not change anything."))
    return viewer


ActingDep = Annotated[Viewer, Depends(acting_viewer)]


def scope_asked(request: Request, session: ReadDep, viewer: ViewerDep, day: AsOf) -> Scope:
    """The part of the district that the viewer sees on the day asked for."""
    state = request.app.state
    if request.method in _SAFE:
        scope: Scope = found_before(request, ("scope", viewer, day), lambda: state.scope_of(session, viewer, day))
    else:
        scope = state.scope_of(session, viewer, day)
    state.fence(session, scope)
    return scope


ScopeDep = Annotated[Scope, Depends(scope_asked)]


async def reach_of(request: Request) -> Reach:
    """What the features answer about scopes."""
    reach: Reach = request.app.state.reach
    return reach


ReachDep = Annotated[Reach, Depends(reach_of)]


class Requires:
    """A dependency that lets only those pass who have the permission; refusals go into the audit trail.

    Whoever still needs a second factor gets no further than to the own account, and with an app token nowhere.
    """

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, presence: PresenceDep) -> Viewer:
        """Return the viewer, or raise."""
        if presence.must_change_password and self.permission not in _OWN:
            raise PasswordChangeDueError(T("Please change your password first."))
        viewer = presence.viewer
        due = presence.must_set_up_second_factor and (presence.cookie is None or self.permission not in _OWN)
        if due or not viewer.may(self.permission):
            await run_in_threadpool(self._note_refusal, request, viewer)
        if due:
            raise SecondFactorDueError(T("Your role needs a second factor; please set it up first."))
        viewer.require(self.permission)
        return viewer

    def _note_refusal(self, request: Request, viewer: Viewer) -> None:
        with transaction(request.app.state.engine) as session:
            record(session, viewer, self.permission.value, "route", request.url.path, Result.REFUSED)


@cache
def requires(permission: Permission) -> Requires:
    """The dependency for `permission`: `dependencies=[Depends(requires(Permission.SEE_LAND))]`."""
    return Requires(permission)


def open_to_all(request: Request) -> None:
    """Mark a route that needs nobody signed in; counted by address, and refused when another site sends it."""
    request.app.state.rate_limits.take(_caller_address(request), SIGN_IN_WEIGHT if request.method not in _SAFE else 1)
    if request.method not in _SAFE:
        require_same_origin(request)


OPEN = Depends(open_to_all)


@dataclass(frozen=True)
class Guard:
    """What one route asks of whoever calls it: every one of `permissions`, or nothing when it is `open`."""

    path: str
    methods: frozenset[str]
    permissions: frozenset[Permission]
    is_open: bool
    is_documented: bool


def guards_of(app: FastAPI) -> list[Guard]:
    """The guards of every route of an application, those of included routers among them."""
    guards = []
    for route in iter_route_contexts(app.routes):
        if not isinstance(route.original_route, APIRoute):
            continue
        calls = list(_calls(route.dependant))
        guards.append(
            Guard(
                path=route.path or "",
                methods=frozenset(route.methods or ()),
                permissions=frozenset(call.permission for call in calls if isinstance(call, Requires)),
                is_open=open_to_all in calls,
                is_documented=bool(route.include_in_schema),
            )
        )
    return guards


def require_same_origin(request: Request) -> None:
    """Refuse what a page of another site makes the browser send (Fetch Metadata, else Origin)."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = site not in (None, "same-origin", "none")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        foreign = True
    if foreign:
        raise NotPermittedError(T("This request comes from another site."))


def set_session_cookie(response: Response, settings: Settings, signed_in: SignedIn) -> None:
    """Give the browser its session."""
    response.set_cookie(
        cookie_name(settings),
        signed_in.cookie,
        expires=signed_in.expires_at,
        path="/",
        secure=settings.cookie_secure,
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response, settings: Settings) -> None:
    """Take the session from the browser, and whatever it keeps of us."""
    response.delete_cookie(
        cookie_name(settings), path="/", secure=settings.cookie_secure, httponly=True, samesite="lax"
    )
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


def install_access(app: FastAPI) -> None:
    """Attach the audit trail, the rate limits and the browser defences; tell the API description who may do what."""
    settings: Settings = app.state.settings
    attach_audit(app.state.engine, app.state.vault, settings)
    app.state.rate_limits = RateLimits(settings.requests_per_minute)
    app.state.unchanged = Unchanged(Commits(app.state.engine))
    app.add_middleware(Shortcut)
    app.add_middleware(BrowserDefences, settings=settings)
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        for guard in guards_of(app):
            for method in guard.methods if guard.is_documented else ():
                needed = sorted(permission.value for permission in guard.permissions)
                document["paths"][guard.path][method.lower()]["x-permissions"] = needed
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend its description


def _known(request: Request) -> Presence | None:
    """Whoever was looked up before, when it is known already that nothing was committed since."""
    state = getattr(request.state, "database_state", None) if request.method in _SAFE else None
    presence: Presence | None = request.app.state.unchanged.find(state, _credentials(request))
    if presence is not None:
        request.app.state.rate_limits.take(presence.caller)
    return presence


def _look_up(request: Request) -> Presence:
    limits: RateLimits = request.app.state.rate_limits
    unchanged: Unchanged = request.app.state.unchanged
    state = state_at_start(request) if request.method in _SAFE else None
    known = _known(request)
    if known is not None:
        return known
    now = datetime.now(UTC)
    try:
        presence = _present(request, now)
    except NotSignedInError:
        limits.take(_caller_address(request))
        raise
    unchanged.keep(state, _credentials(request), presence, presence.unchanged_until)
    limits.take(presence.caller)
    note_use(request.app.state.engine, presence, now)
    return presence


def _credentials(request: Request) -> Hashable:
    """What tells who asks on which day, so that it can be kept."""
    cookie = request.cookies.get(cookie_name(request.app.state.settings))
    today = date.today()  # noqa: DTZ011 - areas are granted by days of the district
    return "presence", today, hash_of(f"{cookie} {request.headers.get('authorization')}")


def _present(request: Request, now: datetime) -> Presence:
    cookie = request.cookies.get(cookie_name(request.app.state.settings))
    settings: Settings = request.app.state.settings
    scheme, _space, token = request.headers.get("authorization", "").partition(" ")
    with asking(request.app.state.engine) as session:
        if scheme.lower() == "bearer":
            return presence_of_token(session, settings, token.strip(), now)
        return presence_of_cookie(session, settings, cookie, now)


async def _require_csrf_token(request: Request, cookie: str) -> None:
    sent: Any = request.headers.get(CSRF_HEADER)
    if sent is None and request.headers.get("content-type", "").startswith(_FORMS):
        sent = (await request.form()).get(CSRF_FIELD)
    if not isinstance(sent, str) or not is_token_of(cookie, sent):
        raise NotPermittedError(T("The form is out of date; reload the page and try again."))


def _caller_address(request: Request) -> str:
    return f"address {request.client.host if request.client else '?'}"


def _calls(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)
