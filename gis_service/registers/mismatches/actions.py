"""What people do with mismatches: settle them one by one or many at once, hand them over, comment, attach files."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from gis_service.access.approvals import check_reason
from gis_service.access.audit import record, trail_of
from gis_service.access.permissions import Permission
from gis_service.access.tables import Account
from gis_service.access.viewer import Viewer
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError, TooLargeError
from gis_service.registers.mismatches.attachments import label_of, media_type_of
from gis_service.registers.mismatches.queries import missing, visible
from gis_service.registers.mismatches.states import SETTLED, may_become, needs_reason, side_of
from gis_service.registers.mismatches.tables import EventKind, MismatchAttachment, MismatchEvent
from gis_service.registers.tables import Mismatch, MismatchState
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.teams.scope import scope_of
from gis_service.texts import T

#: most items of one act, and most files of one item
ITEMS_MOST: Final = 1000
FILES_MOST: Final = 20


def set_state(
    engine: Engine,
    viewer: Viewer,
    mismatch_ids: Sequence[int],
    state: MismatchState,
    *,
    today: date,
    reason: str | None = None,
) -> int:
    """Take one or many mismatches to a state, all or none; returns how many.

    Raises
    ------
    NotFoundError
        One is not in the viewer's part and side.
    NotPermittedError, ConflictError
        It is not for this side to say; the step is not one that such an item takes.
    InvalidInputError
        The step needs a reason.
    """
    viewer.require(Permission.WORK_MISMATCHES)
    said = check_reason(reason or "") if needs_reason(state) else reason
    side = side_of(viewer)
    with transaction(engine) as session:
        rows = _items(session, viewer, mismatch_ids, today)
        now = _now()
        for row in rows:
            before = MismatchState(row.state)
            if not may_become(side, before, state):
                _refuse(before, state)
            row.state = state.value
            row.settled_at = now if state in SETTLED else None
            row.times_opened += state is MismatchState.OPEN and before in SETTLED
            session.add(_event(viewer, row.id, EventKind.STATE, now, before=before, after=state, text=said))
        session.flush()
        after = {"state": state.value, "reason": said, "keys": [row.source_key for row in rows]}
        record(session, viewer, "set_mismatch_state", "mismatch", _named(rows), after=after)
    return len(rows)


def hand_over(
    engine: Engine,
    viewer: Viewer,
    mismatch_ids: Sequence[int],
    *,
    today: date,
    owner: str | None = None,
    due_on: date | None = None,
) -> int:
    """Say whose mismatches are and by when they are to be settled, all or none; returns how many.

    Raises
    ------
    NotFoundError
        One is not in the viewer's part and side, or there is no such account.
    InvalidInputError
        Nothing is said, or the day has passed.
    """
    viewer.require(Permission.WORK_MISMATCHES)
    if owner is None and due_on is None:
        raise InvalidInputError(T("Say whose they are, or by when they are due."))
    if due_on is not None and due_on < today:
        raise InvalidInputError(T("The day has passed."))
    with transaction(engine) as session:
        if owner is not None and session.scalar(select(Account.id).where(Account.login == owner)) is None:
            raise NotFoundError(T("There is no such account."))
        rows = _items(session, viewer, mismatch_ids, today)
        now = _now()
        for row in rows:
            row.owner, row.due_on = owner or row.owner, due_on or row.due_on
            text = f"{row.owner or '-'} {row.due_on or '-'}"
            session.add(_event(viewer, row.id, EventKind.ASSIGNED, now, text=text))
        session.flush()
        after = {"owner": owner, "due_on": due_on, "items": len(rows)}
        record(session, viewer, "hand_over_mismatches", "mismatch", _named(rows), after=after)
    return len(rows)


def comment(engine: Engine, viewer: Viewer, mismatch_id: int, text: str, *, today: date) -> None:
    """Add a comment to a mismatch."""
    viewer.require(Permission.WORK_MISMATCHES)
    said = text.strip()
    if not said:
        raise InvalidInputError(T("The comment is empty."))
    with transaction(engine) as session:
        (row,) = _items(session, viewer, [mismatch_id], today)
        session.add(_event(viewer, row.id, EventKind.COMMENT, _now(), text=said))
        session.flush()
        record(session, viewer, "comment_mismatch", "mismatch", row.source_key)


def attach(
    engine: Engine, settings: Settings, viewer: Viewer, mismatch_id: int, name: str, content: bytes, *, today: date
) -> int:
    """Attach a picture or document to a mismatch; it is kept sealed. Returns its id.

    Raises
    ------
    NotFoundError, TooLargeError, InvalidInputError, ConflictError
        The mismatch is not in the viewer's part and side; the file is too large, or none that can be attached; there
        are too many already.
    """
    viewer.require(Permission.WORK_MISMATCHES)
    if len(content) > settings.attachment_max_bytes:
        most = settings.attachment_max_bytes // 2**20
        raise TooLargeError(T("A file of at most {most} MB can be attached.", most=most))
    media_type, ending = media_type_of(content)
    vault, key = trail_of(engine).vault, secrets.token_hex(16)
    with transaction(engine) as session:
        (row,) = _items(session, viewer, [mismatch_id], today)
        held = select(func.count()).where(MismatchAttachment.mismatch_id == row.id)
        if (session.scalar(held) or 0) >= FILES_MOST:
            raise ConflictError(T("There are {most} files already.", most=FILES_MOST))
        file = MismatchAttachment(
            mismatch_id=row.id,
            key=key,
            name=label_of(name, ending),
            media_type=media_type,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            content_sealed=vault.seal("mismatch_attachment", key, "content", base64.b64encode(content).decode()),
            actor=viewer.name[:100],
            at=_now(),
        )
        session.add(file)
        session.add(_event(viewer, row.id, EventKind.ATTACHED, _now(), text=file.name))
        session.flush()
        after = {"file": file.name, "bytes": file.size_bytes, "sha256": file.sha256}
        record(session, viewer, "attach_to_mismatch", "mismatch", row.source_key, after=after)
        return file.id


def _items(session: Session, viewer: Viewer, mismatch_ids: Sequence[int], today: date) -> list[Mismatch]:
    wanted = sorted(set(mismatch_ids))
    if not 1 <= len(wanted) <= ITEMS_MOST:
        raise InvalidInputError(T("Choose 1 to {most} items.", most=ITEMS_MOST))
    scope = scope_of(session, viewer, today)
    allowed = visible(scope, viewer).add_columns(Mismatch.id).where(Mismatch.id.in_(wanted))
    if len(session.scalars(allowed).all()) < len(wanted):
        raise missing()
    query = select(Mismatch).where(Mismatch.id.in_(wanted)).order_by(Mismatch.id).with_for_update()
    return list(session.scalars(query))


def _refuse(before: MismatchState, after: MismatchState) -> None:
    if may_become(None, before, after):
        raise NotPermittedError(T("Only the side that keeps this register says that it is corrected there."))
    raise ConflictError(T("What is {before} cannot become {after}.", before=before.value, after=after.value))


def _event(
    viewer: Viewer,
    mismatch_id: int,
    kind: EventKind,
    at: datetime,
    *,
    before: MismatchState | None = None,
    after: MismatchState | None = None,
    text: str | None = None,
) -> MismatchEvent:
    side = side_of(viewer)
    return MismatchEvent(
        mismatch_id=mismatch_id,
        at=at,
        actor=viewer.name[:100],
        side=None if side is None else side.value,
        kind=kind.value,
        state_before=None if before is None else before.value,
        state_after=None if after is None else after.value,
        text=text,
    )


def _named(rows: Sequence[Mismatch]) -> str | None:
    return rows[0].source_key if len(rows) == 1 else None


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
