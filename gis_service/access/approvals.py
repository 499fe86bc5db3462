"""Bulk export of unmasked data asks for a second person: ask, decide, use once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gis_service.access.audit import Result, record
from gis_service.access.permissions import Permission
from gis_service.access.reach import Reach
from gis_service.access.tables import Account, ApprovalState, ExportApproval
from gis_service.access.viewer import Viewer
from gis_service.access.viewers import viewer_of_account
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.texts import T

#: what can be asked for in clear
EXPORT_SUBJECTS = ("registrations", "rentals", "officers")
#: fewest characters of a reason: enough that it says something
REASON_MIN_LENGTH = 4


def check_reason(reason: str) -> str:
    """Return the reason trimmed; raises when it says nothing."""
    trimmed = reason.strip()
    if len(trimmed) < REASON_MIN_LENGTH:
        raise InvalidInputError(T("Please give a reason."))
    return trimmed


def ask_for_export(
    engine: Engine, settings: Settings, viewer: Viewer, subject: str, reason: str, *, now: datetime
) -> int:
    """Ask for a bulk export of unmasked `subject`; returns the request's id."""
    viewer.require(Permission.EXPORT)
    viewer.require(Permission.UNMASK_PERSON)
    if viewer.account_id is None:
        raise NotPermittedError(T("Only somebody with an account can ask for an export of unmasked data."))
    if subject not in EXPORT_SUBJECTS:
        raise InvalidInputError(T("There is nothing of this name to be exported."))
    with transaction(engine) as session:
        row = ExportApproval(
            subject=subject,
            reason=check_reason(reason),
            asked_by=viewer.account_id,
            asked_at=now,
            state=ApprovalState.ASKED.value,
            expires_at=now + timedelta(hours=settings.approval_hours),
        )
        session.add(row)
        session.flush()
        record(
            session, viewer, "ask_for_export", "export_approval", row.id, after={"subject": subject, "reason": reason}
        )
        return row.id


def decide_export(
    engine: Engine, settings: Settings, viewer: Viewer, reach: Reach, approval_id: int, *, approve: bool, now: datetime
) -> None:
    """Approve or refuse somebody else's request, whose part of the district lies within one's own."""
    viewer.require(Permission.APPROVE_EXPORT)
    with transaction(engine) as session:
        row = _row(session, approval_id)
        if not _may_see(session, viewer, reach, row, now):
            raise NotFoundError(T("There is no such request."))
        if viewer.account_id is None or row.asked_by == viewer.account_id:
            raise NotPermittedError(T("A second person decides: nobody approves the own request."))
        if row.state != ApprovalState.ASKED or row.expires_at <= now:
            raise ConflictError(T("This request is decided or out of date."))
        row.state = (ApprovalState.APPROVED if approve else ApprovalState.REFUSED).value
        row.decided_by, row.decided_at = viewer.account_id, now
        row.expires_at = now + timedelta(hours=settings.approval_hours)
        result = Result.DONE if approve else Result.REFUSED
        record(session, viewer, "decide_export", "export_approval", row.id, result, after={"state": row.state})


def use_approval(session: Session, viewer: Viewer, approval_id: int, subject: str, *, now: datetime) -> None:
    """Take the approval for the export of this transaction; it is good for one, by who asked or the shell."""
    row = _row(session, approval_id)
    fits = (
        (row.asked_by == viewer.account_id or viewer.everything)
        and row.subject == subject
        and row.state == ApprovalState.APPROVED
    )
    if not fits or row.expires_at <= now:
        raise NotPermittedError(T("There is no approval in force for this export."))
    row.state = ApprovalState.USED.value
    record(session, viewer, "export_unmasked", "export_approval", row.id, after={"subject": subject})


def approval_of(session: Session, viewer: Viewer, approval_id: int) -> ExportApproval:
    """The own request with this id (the shell: any); raises `NotFoundError` when there is none."""
    row = session.get(ExportApproval, approval_id)
    if row is None or not (viewer.everything or row.asked_by == viewer.account_id):
        raise NotFoundError(T("There is no such request."))
    return row


def open_requests(session: Session, viewer: Viewer, reach: Reach, *, now: datetime) -> list[ExportApproval]:
    """The requests that wait for a second person: one's own, and for who may approve those of the own part."""
    query = select(ExportApproval).where(ExportApproval.expires_at > now).order_by(ExportApproval.id)
    if not viewer.may(Permission.APPROVE_EXPORT):
        query = query.where(ExportApproval.asked_by == viewer.account_id)
    return [row for row in session.scalars(query) if _may_see(session, viewer, reach, row, now)]


def askers(session: Session, requests: Iterable[ExportApproval]) -> dict[int, str]:
    """Who asks, by account: a second person decides on somebody, not on a number."""
    ids = {row.asked_by for row in requests}
    query = select(Account.id, Account.display_name, Account.login).where(Account.id.in_(ids))
    return {row.id: f"{row.display_name} ({row.login})" for row in session.execute(query)}


def _may_see(session: Session, viewer: Viewer, reach: Reach, row: ExportApproval, now: datetime) -> bool:
    """Say whether it is the own request, or one of somebody who sees no more than the viewer does."""
    if row.asked_by == viewer.account_id:
        return True
    asker, today = viewer_of_account(session, row.asked_by, now), now.astimezone().date()
    return asker is not None and reach.covers(session, viewer, asker, today)


def _row(session: Session, approval_id: int) -> ExportApproval:
    row = session.get(ExportApproval, approval_id, with_for_update=True)
    if row is None:
        raise NotFoundError(T("There is no such request."))
    return row
