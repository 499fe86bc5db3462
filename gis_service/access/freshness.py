"""What an answer depends on, as an ETag: which data, for whose eyes, and what was asked. Unchanged answers are kept.

Every act that changes data leaves an entry in the audit trail within its transaction; the number of the newest such
entry is the version of the data. A read that begins before the entry is there can at most be kept under the older
number, and is asked for anew.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Final

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Select, literal_column, select
from sqlalchemy.orm import Session

from gis_service import __version__
from gis_service.access.audit import Result
from gis_service.access.scope import Scope
from gis_service.access.tables import AuditEntry
from gis_service.texts import current_locale

CHANGES_NOTHING_SHOWN: Final = frozenset(
    {
        "ask_for_export", "change_account", "change_own_locale", "change_password", "confirm_second_factor",
        "create_account", "create_first_administrator", "create_token", "decide_export", "discard_land_change",
        "draft_land_change", "approve_land_change", "end_grant", "export", "export_audit", "export_unmasked",
        "export_unmasked_file",
        "grant_area", "move_to_active_keys", "prune_audit", "remove_second_factor", "reset_password", "retire_keys",
        "revoke_token", "rotate_keys", "sign_in", "sign_in_oidc", "sign_out", "start_second_factor", "start_view_as",
        "stop_view_as", "unmask",
    }
)  # fmt: skip
"""Acts after which every map and figure is what it was; any other act counts, known or not."""

LAND_AND_PLACES_STAY: Final = frozenset(
    {
        "add_visit_photo", "attach_to_mismatch", "cancel_job", "close_quarter", "comment_mismatch", "comment_scenario",
        "create_scenario", "deregister", "edit_scenario", "finish_quarter_work", "grade_rentals",
        "hand_over_mismatches", "inspect_rental", "keep_rental", "keep_snapshot", "match_quarter", "move_registration",
        "open_quarter", "publish_rental_rules", "record_visit", "register", "renew_registration",
        "save_snapshot_source", "set_mismatch_state", "sign_quarter", "start_job", "take_back_quarter",
        "undo_scenario_step",
    }
)  # fmt: skip
"""Acts on people and work, of which a day has thousands: no border and no placement of an address moves by them."""

GZIP_LEVEL: Final = 6


def data_version(session: Session, besides: Collection[str] = ()) -> int:
    """The number of the newest act that changed what is shown; `besides` names more acts that do not matter here."""
    return session.scalar(_newest_act(frozenset(besides))) or 0


@lru_cache
def _newest_act(besides: frozenset[str]) -> Select[int]:
    """The query, made once: every tile asks it, and binding half a hundred words took longer than the answer."""
    words = ", ".join(f"'{word}'" for word in sorted(CHANGES_NOTHING_SHOWN | besides))
    counts = AuditEntry.action.op("NOT IN")(literal_column(f"({words})"))
    query = select(AuditEntry.seq).where(counts, AuditEntry.result == Result.DONE.value)
    return query.order_by(AuditEntry.seq.desc()).limit(1)


def etag(session: Session, scope: Scope, *asked: object, besides: Collection[str] = ()) -> str:
    """The weak ETag of what `scope` sees when it asks for `asked`, in the language in force."""
    roots, beats = (None if ids is None else sorted(ids) for ids in (scope.root_ids, scope.beat_ids))
    parts = (__version__, data_version(session, besides), scope.day, roots, beats, current_locale(), *asked)
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


def fresh(request: Request, tag: str, media_type: str, make: Callable[[], bytes]) -> Response:
    """The answer under `tag`: nothing when the browser has it, the one kept, or what `make` returns, in that order."""
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Cookie, Accept-Language"}
    if tag in {given.strip() for given in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers=headers)
    kept: KeptAnswers = request.app.state.kept_answers
    answer = kept.get(tag)
    if answer is None:
        answer = KeptAnswer(gzip.compress(make(), GZIP_LEVEL, mtime=0), media_type)
        kept.put(tag, answer)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(answer.packed, media_type=answer.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(answer.packed), media_type=answer.media_type, headers=headers)
