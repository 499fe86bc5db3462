"""Visits recorded, at once or hours later from a device that had no network: each gets a receipt, none is lost."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record, trail_of
from gis_service.access.permissions import Permission
from gis_service.access.scope import Scope
from gis_service.access.viewer import Viewer
from gis_service.addresses.tables import Placement
from gis_service.errors import Fault, InvalidInputError, NotFoundError, NotPermittedError, TooLargeError
from gis_service.fieldwork.tables import Visit, VisitKind, VisitOutcome, VisitPhoto
from gis_service.registers.figures import let_on
from gis_service.registers.mismatches.attachments import media_type_of
from gis_service.registers.rentals.tables import RentalInspection
from gis_service.registers.tables import Rental
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.teams.scope import scope_of
from gis_service.teams.tables import BeatDuty
from gis_service.texts import T, Text


class Receipt(StrEnum):
    """What became of a record. Only `refused` ones are not kept here: the device goes on showing them."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    CONFLICT = "conflict"
    REFUSED = "refused"


class Conflict(StrEnum):
    """What somebody has to look at."""

    OTHER_OFFICER_NOW = "other_officer_now"
    SAME_KEY = "same_key"


@dataclass(frozen=True)
class VisitRecord:
    """A visit as the device wrote it down; `made_at` is an instant with a zone."""

    receipt_key: str
    address_id: int
    kind: VisitKind
    outcome: VisitOutcome
    made_at: datetime
    note: str | None = None
    figures: dict[str, Any] | None = None


@dataclass(frozen=True)
class Received:
    """The receipt of one record."""

    receipt_key: str
    receipt: Receipt
    visit_id: int | None
    said: Text


def record_visits(
    engine: Engine, settings: Settings, viewer: Viewer, records: Sequence[VisitRecord], *, now: datetime
) -> list[Received]:
    """
    Record visits, each by itself: one that is refused does not hold up the others.

    A record counts under the beats that the officer held on the day when it was made, however late it arrives (at most
    `visit_late_days`). One that was received before is not recorded again. When the address has another officer by
    now, or something else was recorded under the same key, it is kept and marked for somebody to look at.

    Raises
    ------
    NotPermittedError
        Who calls is no officer.
    """
    viewer.require(Permission.RECORD_VISITS)
    if viewer.officer_id is None:
        raise NotPermittedError(T("Only officers record visits."))
    return [_receive(engine, settings, viewer, viewer.officer_id, each, now) for each in records]


def add_photo(engine: Engine, settings: Settings, viewer: Viewer, receipt_key: str, content: bytes) -> None:
    """
    Keep a photo of one's own visit, sealed; the same one sent again is kept once.

    Raises
    ------
    NotFoundError, TooLargeError, InvalidInputError
        There is no such visit of the viewer; the photo is too large, or no picture.
    """
    viewer.require(Permission.RECORD_VISITS)
    if len(content) > settings.attachment_max_bytes:
        raise TooLargeError(T("A photo has at most {most} MB.", most=settings.attachment_max_bytes // 2**20))
    media_type, _ending = media_type_of(content)
    if not media_type.startswith("image/"):
        raise InvalidInputError(T("A photo is a JPEG or PNG picture."), [Fault(T("no picture"), field="photo")])
    key = f"{receipt_key}/{hashlib.sha256(content).hexdigest()[:32]}"
    with transaction(engine) as session:
        visit = session.scalars(
            select(Visit).where(Visit.receipt_key == receipt_key, Visit.officer_id == viewer.officer_id)
        ).first()
        if visit is None or viewer.officer_id is None:
            raise NotFoundError(T("There is no such visit of yours."))
        if session.scalars(select(VisitPhoto.id).where(VisitPhoto.key == key)).first() is not None:
            return
        sealed = trail_of(engine).vault.seal("visit_photo", key, "content", base64.b64encode(content).decode())
        session.add(
            VisitPhoto(
                visit_id=visit.id, key=key, media_type=media_type, size_bytes=len(content), content_sealed=sealed
            )
        )
        session.flush()
        record(session, viewer, "add_visit_photo", "visit", visit.id, after={"bytes": len(content)})


def _receive(
    engine: Engine, settings: Settings, viewer: Viewer, officer_id: int, each: VisitRecord, now: datetime
) -> Received:
    with transaction(engine) as session:
        made_at, received_at = _in_utc(each.made_at), _in_utc(now)
        known = session.scalars(select(Visit).where(Visit.receipt_key == each.receipt_key)).first()
        if known is not None and _same(known, each, officer_id, made_at):
            return Received(each.receipt_key, Receipt.REPEATED, known.id, T("Received before."))
        refusal, scope = _refusal(session, settings, viewer, each, made_at, received_at)
        if refusal is not None or scope is None:
            return Received(each.receipt_key, Receipt.REFUSED, None, refusal or T("Refused."))
        beat_id = _beat_on(session, each.address_id, scope.day)
        conflict = _conflict(session, known, each.address_id, officer_id, received_at.date())
        visit = Visit(
            receipt_key=each.receipt_key if known is None else _other_key(each, officer_id, made_at),
            officer_id=officer_id,
            address_id=each.address_id,
            beat_id=beat_id,
            kind=each.kind.value,
            outcome=each.outcome.value,
            made_at=made_at,
            received_at=received_at,
            conflict=None if conflict is None else conflict.value,
            note=each.note,
            figures=each.figures,
        )
        if known is not None:
            again = session.scalars(select(Visit.id).where(Visit.receipt_key == visit.receipt_key)).first()
            if again is not None:
                return Received(each.receipt_key, Receipt.REPEATED, again, T("Received before."))
        session.add(visit)
        session.flush()
        if each.kind is VisitKind.RENTAL_INSPECTION and each.outcome in {VisitOutcome.DONE, VisitOutcome.TO_FOLLOW_UP}:
            _inspected(session, viewer, each, made_at.date())
        after = {"kind": visit.kind, "outcome": visit.outcome, "made_at": str(made_at), "conflict": visit.conflict}
        record(session, viewer, "record_visit", "visit", visit.id, after=after)
        if conflict is None:
            return Received(each.receipt_key, Receipt.RECORDED, visit.id, T("Recorded."))
        return Received(each.receipt_key, Receipt.CONFLICT, visit.id, _CONFLICTS[conflict])


_CONFLICTS = {
    Conflict.OTHER_OFFICER_NOW: T("Recorded; the address has another officer by now, who sees it too."),
    Conflict.SAME_KEY: T("Recorded; something else was received under the same number before. Both are kept."),
}


def _refusal(
    session: Session, settings: Settings, viewer: Viewer, each: VisitRecord, made_at: datetime, received_at: datetime
) -> tuple[Text | None, Scope | None]:
    """Why a record cannot be taken; and the scope of the day when it was made."""
    if made_at > received_at + timedelta(minutes=settings.visit_clock_minutes):
        return T("The visit lies in the future: check the clock of the device."), None
    if made_at < received_at - timedelta(days=settings.visit_late_days):
        return T("The visit is more than {days} days old.", days=settings.visit_late_days), None
    scope = scope_of(session, viewer, made_at.date())
    if _beat_on(session, each.address_id, scope.day) not in (scope.beat_ids or frozenset()):
        return T("On {day} the address was not in a beat of yours.", day=scope.day), None
    return None, scope


def _conflict(session: Session, known: Visit | None, address_id: int, officer_id: int, today: date) -> Conflict | None:
    if known is not None:
        return Conflict.SAME_KEY
    now_held = session.scalars(
        select(BeatDuty.officer_id)
        .join(Placement, Placement.beat_id == BeatDuty.beat_id)
        .where(Placement.address_id == address_id, Placement.valid_on(today), BeatDuty.valid_on(today))
    ).first()
    return None if now_held in (None, officer_id) else Conflict.OTHER_OFFICER_NOW


def _beat_on(session: Session, address_id: int, day: date) -> int | None:
    return session.scalars(
        select(Placement.beat_id).where(Placement.address_id == address_id, Placement.valid_on(day))
    ).first()


def _inspected(session: Session, viewer: Viewer, each: VisitRecord, day: date) -> None:
    """Carry an inspection over to the rentals that are let at the address."""
    for rental in session.scalars(select(Rental).where(Rental.address_id == each.address_id, let_on(day))):
        session.add(
            RentalInspection(
                rental_id=rental.id,
                inspected_on=day,
                inspector=viewer.signature,
                findings=each.note,
                grade=rental.grade,
            )
        )
        if rental.inspected_on is None or rental.inspected_on < day:
            rental.inspected_on = day
    session.flush()


def _same(known: Visit, each: VisitRecord, officer_id: int, made_at: datetime) -> bool:
    said = (officer_id, each.address_id, each.kind.value, each.outcome.value, made_at, each.note, each.figures)
    kept = (known.officer_id, known.address_id, known.kind, known.outcome, known.made_at, known.note, known.figures)
    return said == kept


def _other_key(each: VisitRecord, officer_id: int, made_at: datetime) -> str:
    content = (each.receipt_key, officer_id, each.address_id, each.kind, each.outcome, made_at, each.note, each.figures)
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _in_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)
