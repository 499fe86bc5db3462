"""What a request that comes by the dozen sees, and how it looks: nobody is asked what is known already.

A session and a scope that are dependencies (`ReadDep`, `ScopeDep`) are each carried to a worker thread and back, and a
connection is taken whether it is needed or not. A route that takes a `LookDep` runs in one thread from its first line
to its last, and takes a connection only for what nobody has found out in this state of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gis_service.access.data_version import data_version
from gis_service.access.freshness import tag_of
from gis_service.access.http import PresenceDep
from gis_service.access.scope import Scope
from gis_service.access.unchanged import found_before
from gis_service.access.viewer import Viewer
from gis_service.api.dependencies import AsOf
from gis_service.storage.engine import asking, only_reading
from gis_service.storage.fence import has_fence


class Look:
    """Somebody who looks at the district as it is on a day; nothing is found out before it is `opened`."""

    def __init__(self, request: Request, viewer: Viewer, day: date) -> None:
        self._request, self._viewer, self._day = request, viewer, day
        self.engine: Engine = request.app.state.engine

    @contextmanager
    def opened(self, besides: Collection[str] = ()) -> Iterator[Sight]:
        """What is seen, which acts `besides` those that never matter do not change."""
        request, viewer, day = self._request, self._viewer, self._day
        state = request.app.state
        with asking(self.engine) as session, ExitStack() as left:
            # the version first: whatever is read after it is at least as new
            version = found_before(request, ("version", besides), lambda: data_version(session, besides))
            scope = found_before(request, ("scope", viewer, day), lambda: state.scope_of(session, viewer, day))

            def in_scope() -> Session:
                if scope.is_whole_district or not has_fence(session):
                    return session
                session.close()  # gives its connection back: nobody waits for a second one with the first in hand
                fenced = left.enter_context(only_reading(self.engine))
                state.fence(fenced, scope)
                return fenced

            yield Sight(scope, version, in_scope)


class Sight:
    """What a request sees: a scope, which version its data have, and a session to read them with."""

    def __init__(self, scope: Scope, version: int, open_session: Callable[[], Session]) -> None:
        self.scope = scope
        self._version, self._open_session = version, open_session

    def etag(self, *asked: object) -> str:
        """The weak ETag of what is seen when `asked` is asked for (`gis_service.access.freshness.etag`)."""
        return tag_of(self._version, self.scope, *asked)

    @cached_property
    def session(self) -> Session:
        """Where rows in scope are read: behind the fence, for whom there is one; opened when first wanted."""
        return self._open_session()


async def look_of(request: Request, presence: PresenceDep, day: AsOf) -> Look:
    """How whoever is signed in looks at the day asked for."""
    return Look(request, presence.viewer, day)


LookDep = Annotated[Look, Depends(look_of)]
