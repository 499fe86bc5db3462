"""What was found out for one request and holds for the next, as long as nothing at all is committed.

Who a cookie belongs to, what that person sees, which version the data have: all of it is read from the database, so
none of it can have changed while the database is in the same state (`gis_service.storage.commits`). The state is asked
once, at the beginning of a request; what is found under it is forgotten with the first commit, whoever makes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final, TypeVar

from fastapi import Request

from gis_service.storage.commits import Commits

Found = TypeVar("Found")

#: findings kept at once; beyond that they are all found out anew
_MOST: Final = 20_000


@dataclass(frozen=True)
class _Finding:
    value: Any
    until: float


class Unchanged:
    """Findings by what was asked, each true in the state in which it was found out; shared by all requests."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._state: object = None
        self._found: dict[Hashable, _Finding] = {}
        self._lock = Lock()

    def state(self) -> object:
        """The state of the database now; what was found in another is forgotten. None when there is no telling."""
        with self._lock:
            now = self._commits.state()
            if now is None or now != self._state:
                self._found.clear()
                self._state = now
            return now

    def forget(self) -> None:
        """Have everything found out anew."""
        with self._lock:
            self._found.clear()

    def find(self, state: object, asked: Hashable) -> Any:
        """What was found in this state, unless it has become too old; None when nothing was."""
        with self._lock:
            finding = self._found.get(asked) if state is not None and state == self._state else None
        return None if finding is None or finding.until <= time.time() else finding.value

    def keep(self, state: object, asked: Hashable, value: object, until: datetime | None = None) -> None:
        """Keep what was found in a state that was asked for before; `until` when it holds at the most."""
        with self._lock:
            if state is None or state != self._state:
                return
            if len(self._found) >= _MOST:
                self._found.clear()
            self._found[asked] = _Finding(value, float("inf") if until is None else until.timestamp())


def state_at_start(request: Request) -> object:
    """The state in which the database was when the request began; asked once a request."""
    if not hasattr(request.state, "database_state"):
        request.state.database_state = request.app.state.unchanged.state()
    return request.state.database_state


def found_before(request: Request, asked: Hashable, find_out: Callable[[], Found]) -> Found:
    """What was found out before in the state in which this request began, else what `find_out` returns."""
    unchanged: Unchanged = request.app.state.unchanged
    state = state_at_start(request)
    value: Found | None = unchanged.find(state, asked)
    if value is None:
        value = find_out()
        unchanged.keep(state, asked, value)
    return value
