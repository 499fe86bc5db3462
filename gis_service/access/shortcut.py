"""The same question from the same person, while nothing was committed since: the same answer, asked of nobody.

Otherwise a tile that is kept would still be paid for with everything that leads to it: who asks, what that one sees,
which version the data have. All of that is in the state of the database (`gis_service.access.unchanged`), so an answer
given in this state is the answer; the request is counted and logged like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gis_service.access.freshness import KeptAnswers, answered
from gis_service.access.rate_limits import RateLimits
from gis_service.access.unchanged import Unchanged
from gis_service.errors import TooManyRequestsError

#: what a map asks for by the dozen
_PATHS: Final = ("/api/v1/tiles/", "/command/")
#: whatever an answer can depend on besides the database
_HEADERS: Final = ("cookie", "authorization", "accept-language")


@dataclass(frozen=True)
class _Way:
    """Where a question led to: the tag of its answer, and whose request is counted."""

    tag: str
    caller: str


class Shortcut:
    """Answer from what is kept before anybody is asked; whatever was not answered so goes the long way."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(_PATHS):
            await self.app(scope, receive, send)
            return
        kept = scope["app"].state
        unchanged: Unchanged = kept.unchanged
        headers = Headers(scope=scope)
        asked = _question(scope, headers)
        state = await run_in_threadpool(unchanged.state)
        way: _Way | None = unchanged.find(state, asked)
        if way is not None and _may_ask_again(kept.rate_limits, way.caller):
            answers: KeptAnswers = kept.kept_answers
            answer = answers.get(way.tag)
            if answer is not None:
                await answered(headers, way.tag, answer)(scope, receive, send)
                return
        noted = scope.setdefault("state", {})
        noted["database_state"] = state
        status = 0

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self.app(scope, receive, send_noting)
        if status in {200, 304} and "answered_under" in noted and "presence" in noted:
            presence = noted["presence"]
            way = _Way(noted["answered_under"], presence.caller)
            unchanged.keep(state, asked, way, presence.unchanged_until)


def _question(scope: Scope, headers: Headers) -> Hashable:
    """What is asked and by whom, on which day."""
    parts = (scope["path"], scope["query_string"], date.today(), *map(headers.get, _HEADERS))  # noqa: DTZ011 - here
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).digest()


def _may_ask_again(limits: RateLimits, caller: str) -> bool:
    """Count the request; beyond the limit the long way refuses it."""
    try:
        limits.take(caller)
    except TooManyRequestsError:
        return False
    return True
