"""What an answer depends on, as an ETag: which data, for whose eyes, and what was asked. Unchanged answers are kept.

A read that begins before the entry of an act is there can at most be kept under the older version of the data, and is
asked for anew.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Lock
from typing import Final

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy.orm import Session
from starlette.datastructures import Headers

from gis_service import __version__
from gis_service.access.data_version import data_version
from gis_service.access.scope import Scope
from gis_service.texts import current_locale

GZIP_LEVEL: Final = 6


def etag(session: Session, scope: Scope, *asked: object, besides: Collection[str] = ()) -> str:
    """The weak ETag of what `scope` sees when it asks for `asked`, in the language in force."""
    return tag_of(data_version(session, besides), scope, *asked)


def tag_of(version: int, scope: Scope, *asked: object) -> str:
    """The same when the version of the data is known."""
    roots, beats = (None if ids is None else sorted(ids) for ids in (scope.root_ids, scope.beat_ids))
    parts = (__version__, version, scope.day, roots, beats, current_locale(), *asked)
    return f'W/"{hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()}"'


@dataclass(frozen=True)
class KeptAnswer:
    """A body, compressed."""

    packed: bytes
    media_type: str


class KeptAnswers:
    """The answers given last, by ETag, up to a number of bytes; shared by the requests of one process."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._answers: OrderedDict[str, KeptAnswer] = OrderedDict()
        self._lock = Lock()

    def get(self, tag: str) -> KeptAnswer | None:
        """The answer kept under a tag."""
        with self._lock:
            found = self._answers.get(tag)
            if found is not None:
                self._answers.move_to_end(tag)
            return found

    def put(self, tag: str, answer: KeptAnswer) -> None:
        """Keep an answer; the ones longest unused go."""
        with self._lock:
            gone = self._answers.pop(tag, None)
            self._bytes += len(answer.packed) - (len(gone.packed) if gone else 0)
            self._answers[tag] = answer
            while self._bytes > self._most_bytes:
                _tag, oldest = self._answers.popitem(last=False)
                self._bytes -= len(oldest.packed)


def fresh(
    request: Request,
    tag: str,
    media_type: str,
    make: Callable[[], bytes],
    *,
    stopgap: bool = False,
    gzip_level: int = GZIP_LEVEL,
) -> Response:
    """The answer under `tag`: nothing when the browser has it, the one kept, or what `make` returns, in that order.

    `stopgap`: a better answer is being made, and has another tag; the next request shall not be given this one.
    """
    if _has(request.headers, tag):
        answer = None
    else:
        kept: KeptAnswers = request.app.state.kept_answers
        answer = kept.get(tag)
        if answer is None:
            answer = KeptAnswer(gzip.compress(make(), gzip_level, mtime=0), media_type)
            kept.put(tag, answer)
    if not stopgap:
        request.state.answered_under = tag
    return answered(request.headers, tag, answer)


def answered(asked: Headers, tag: str, answer: KeptAnswer | None) -> Response:
    """An answer as the browser takes it: nothing when it has that already."""
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Cookie, Accept-Language"}
    if answer is None or _has(asked, tag):
        return Response(status_code=304, headers=headers)
    if "gzip" in asked.get("accept-encoding", ""):
        return Response(answer.packed, media_type=answer.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(answer.packed), media_type=answer.media_type, headers=headers)


def _has(asked: Headers, tag: str) -> bool:
    """Say whether the browser has what is under the tag."""
    return tag in {given.strip() for given in asked.get("if-none-match", "").split(",")}
