"""The steps of a village's quarter, each one transaction: open, match, finish the work, sign on both sides, close."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import pandas as pd
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.permissions import Permission, Role
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.acknowledging import open_doubts
from gis_service.addresses.signing_off import clearance
from gis_service.areas.queries import area_details, area_names
from gis_service.areas.tables import AreaLevel
from gis_service.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.registers.mismatches.states import Side, side_of
from gis_service.registers.quarters.calendar import Quarter
from gis_service.registers.quarters.certificate import certificate
from gis_service.registers.quarters.queries import (
    ITEM_COLUMNS,
    certificate_of,
    digest_of,
    items_of_village,
    reconciliation_of,
)
from gis_service.registers.quarters.tables import QuarterState, ReconciledItem, Reconciliation
from gis_service.registers.tables import MismatchState
from gis_service.settings import Settings
from gis_service.storage.bulk import insert_frame
from gis_service.storage.engine import transaction
from gis_service.teams.scope import scope_of
from gis_service.texts import T

_ORDER: Final = tuple(QuarterState)


def open_quarter(
    engine: Engine, viewer: Viewer, quarter: Quarter, *, today: date, area_id: int | None = None
) -> list[int]:
    """Open the quarter of every village in an area (in the viewer's part of the district) that has it not; their ids.

    Raises
    ------
    NotFoundError
        There is no village there.
    InvalidInputError
        The quarter has not begun.
    """
    viewer.require(Permission.LEAD_QUARTER)
    if quarter.first > today:
        raise InvalidInputError(T("The quarter {quarter} has not begun.", quarter=str(quarter)))
    with transaction(engine) as session:
        scope = scope_of(session, viewer, today)
        if area_id is not None:
            area_details(session, scope, area_id)
        villages = area_names(session, scope, levels=[AreaLevel.VILLAGE], within=area_id)
        if villages.empty:
            raise NotFoundError(T("There is no village in this part of the district."))
        known = set(session.scalars(select(Reconciliation.village_id).where(Reconciliation.quarter == str(quarter))))
        rows = [
            Reconciliation(
                village_id=int(village_id),
                quarter=str(quarter),
                state=QuarterState.OPEN.value,
                opened_by=viewer.name[:100],
                opened_at=_now(),
                due_on=quarter.last,
            )
            for village_id in villages.index
            if village_id not in known
        ]
        session.add_all(rows)
        session.flush()
        if rows:
            after = {"villages": len(rows)}
            record(session, viewer, "open_quarter", "reconciliation", str(quarter), after=after)
        return [row.id for row in rows]


def require_matchable(session: Session, quarter: Quarter, villages: Collection[int]) -> None:
    """Refuse villages that have not opened the quarter, or have closed it; raises `ConflictError`."""
    query = select(Reconciliation).where(
        Reconciliation.quarter == str(quarter), Reconciliation.village_id.in_(sorted(villages))
    )
    rows = session.scalars(query).all()
    if len(rows) < len(set(villages)):
        raise _not_open(quarter)
    for row in rows:
        _require(row, *_ORDER[: _ORDER.index(QuarterState.CLOSED)])


def note_matched(
    session: Session,
    viewer: Viewer,
    quarter: Quarter,
    villages: Collection[int],
    figures: Mapping[int, Mapping[str, Any]],
) -> None:
    """Note, within the transaction of a matching, what it gave for each village; signatures given before fall away.

    Raises
    ------
    ConflictError
        The quarter of a village is not open, or closed.
    """
    rows = session.scalars(
        select(Reconciliation)
        .where(Reconciliation.quarter == str(quarter), Reconciliation.village_id.in_(sorted(villages)))
        .with_for_update()
    ).all()
    if len(rows) < len(set(villages)):
        raise _not_open(quarter)
    for row in rows:
        _require(row, *_ORDER[: _ORDER.index(QuarterState.CLOSED)])
        row.state, row.matched_at = QuarterState.MATCHED.value, _now()
        row.figures = dict(figures.get(row.village_id, {}))
        _unsign(row)
    session.flush()
    record(session, viewer, "match_quarter", "reconciliation", str(quarter), after={"villages": len(rows)})


def finish_work(engine: Engine, viewer: Viewer, reconciliation_id: int, *, today: date) -> None:
    """Say that every mismatch of the village has been judged: none is left that is only open.

    Raises
    ------
    NotFoundError, ConflictError
        There is no such quarter in the viewer's part; it was not matched; something is still open.
    """
    viewer.require(Permission.WORK_MISMATCHES)
    with transaction(engine) as session:
        row = _mine(session, viewer, reconciliation_id, today)
        _require(row, QuarterState.MATCHED)
        _refuse_open(items_of_village(session, row.village_id, Quarter.parse(row.quarter), today))
        row.state, row.worked_at = QuarterState.WORKED.value, _now()
        session.flush()
        record(session, viewer, "finish_quarter_work", "reconciliation", row.id)


def sign(engine: Engine, viewer: Viewer, reconciliation_id: int, *, today: date, side: Side | None = None) -> str:
    """Sign a village's quarter for the viewer's side; returns the state that it has then.

    Two people sign, for the station and for the village, and to the same mismatches in the same states: when any has
    changed since the first signature, that one falls away.

    Parameters
    ----------
    side
        For those who lead all sides and the shell; everybody else signs for the own side.

    Raises
    ------
    NotPermittedError
        It is not for this side to sign, or the other signature is the same person's.
    ConflictError
        The work is not finished, the side has signed, or something is open again.
    """
    viewer.require(Permission.SIGN_QUARTER)
    signing = _signing_side(viewer, side)
    with transaction(engine) as session:
        row = _mine(session, viewer, reconciliation_id, today)
        _require(row, QuarterState.WORKED)
        items = items_of_village(session, row.village_id, Quarter.parse(row.quarter), today)
        _refuse_open(items)
        digest = digest_of(items)
        if row.signed_digest is not None and row.signed_digest != digest:
            _unsign(row)
        signers = {Side.POLICE: row.police_signed_by, Side.VILLAGE: row.village_signed_by}
        if signers[signing] is not None:
            raise ConflictError(T("This side has signed already."))
        if any(viewer.has_signed(signer) for signer in signers.values()) and not viewer.everything:
            raise NotPermittedError(T("Two people sign: nobody signs for both sides."))
        if signing is Side.POLICE:
            row.police_signed_by, row.police_signed_at = viewer.signature, _now()
        else:
            row.village_signed_by, row.village_signed_at = viewer.signature, _now()
        row.signed_digest = digest
        if row.police_signed_by is not None and row.village_signed_by is not None:
            row.state = QuarterState.SIGNED.value
        session.flush()
        record(session, viewer, "sign_quarter", "reconciliation", row.id, after={"side": signing, "digest": digest})
        return row.state


def close(engine: Engine, settings: Settings, viewer: Viewer, reconciliation_id: int, *, today: date) -> bytes:
    """Close a signed quarter for good; returns its certificate, which is the same bytes ever after.

    Raises
    ------
    ConflictError
        It is not signed, a mismatch has changed since, or addresses of the village wait for a decision or are in doubt.
    """
    viewer.require(Permission.LEAD_QUARTER)
    with transaction(engine) as session:
        row = _mine(session, viewer, reconciliation_id, today)
        _require(row, QuarterState.SIGNED)
        quarter = Quarter.parse(row.quarter)
        _refuse_unresolved(session, settings, row, today)
        items = items_of_village(session, row.village_id, quarter, today)
        if digest_of(items) != row.signed_digest:
            raise ConflictError(T("A mismatch has changed since the signatures: finish the work and sign again."))
        frame = items.reset_index(drop=True).assign(reconciliation_id=row.id)
        for column in ("found_on", "due_on"):
            frame[column] = pd.to_datetime(frame[column])
        if len(frame):
            insert_frame(session, ReconciledItem, frame[["reconciliation_id", *ITEM_COLUMNS]])
        row.closed_by, row.closed_at = viewer.signature, _now()
        printed = certificate(session, row, items, Scope(today, None))
        row.certificate, row.certificate_sha256 = printed, hashlib.sha256(printed).hexdigest()
        row.state = QuarterState.CLOSED.value
        session.flush()
        after = {"items": len(items), "certificate": row.certificate_sha256}
        record(session, viewer, "close_quarter", "reconciliation", row.id, after=after)
        return printed


def printed_certificate(session: Session, scope: Scope, reconciliation_id: int) -> bytes:
    """The certificate of a village's quarter in scope: as it was closed, or before that a draft of today."""
    row = reconciliation_of(session, scope, reconciliation_id)
    stored = certificate_of(session, row)
    if stored is not None:
        return stored
    items = items_of_village(session, row.village_id, Quarter.parse(row.quarter), scope.day)
    return certificate(session, row, items, scope)


def take_back(engine: Engine, viewer: Viewer, reconciliation_id: int, *, today: date) -> None:
    """Take a quarter that is worked or signed back to work, as something has changed; its signatures fall away."""
    viewer.require(Permission.WORK_MISMATCHES)
    with transaction(engine) as session:
        row = _mine(session, viewer, reconciliation_id, today)
        _require(row, QuarterState.WORKED, QuarterState.SIGNED)
        row.state = QuarterState.MATCHED.value
        _unsign(row)
        session.flush()
        record(session, viewer, "take_back_quarter", "reconciliation", row.id)


def _not_open(quarter: Quarter) -> ConflictError:
    return ConflictError(T("The quarter {quarter} is not open in every village.", quarter=str(quarter)))


def _mine(session: Session, viewer: Viewer, reconciliation_id: int, today: date) -> Reconciliation:
    return reconciliation_of(session, scope_of(session, viewer, today), reconciliation_id, lock=True)


def _signing_side(viewer: Viewer, side: Side | None) -> Side:
    own = Side.POLICE if viewer.role is Role.COMMANDER and not viewer.everything else side_of(viewer)
    signing = own or side
    if signing not in (Side.POLICE, Side.VILLAGE) or (side is not None and side is not signing):
        raise NotPermittedError(T("The station and the village sign, each for itself."))
    return signing


def _require(row: Reconciliation, *states: QuarterState) -> None:
    if row.state not in states:
        raise ConflictError(T("The quarter of this village is {state}.", state=row.state))


def _refuse_open(items: pd.DataFrame) -> None:
    waiting = int(items["state"].eq(MismatchState.OPEN.value).sum())
    if waiting:
        raise ConflictError(T("{count} mismatches are still open.", count=waiting))


def _refuse_unresolved(session: Session, settings: Settings, row: Reconciliation, today: date) -> None:
    everything = Scope(today, None)
    found = clearance(session, everything, row.village_id, row.quarter)
    if not found.is_cleared:
        waiting = sum(found.open.values())
        raise ConflictError(T("{count} addresses of the village wait for a decision.", count=waiting))
    doubts = sum(open_doubts(session, settings, everything, row.village_id).values())
    if doubts:
        raise ConflictError(T("{count} addresses of the village are in doubt: mend or acknowledge them.", count=doubts))


def _unsign(row: Reconciliation) -> None:
    row.police_signed_by = row.police_signed_at = None
    row.village_signed_by = row.village_signed_at = None
    row.signed_digest = None


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
