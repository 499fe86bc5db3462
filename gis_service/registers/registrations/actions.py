"""Registering people: the four acts on a registration, each one transaction, in the viewer's part of the district."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from gis_service.access.audit import record, trail_of
from gis_service.access.permissions import Permission
from gis_service.access.personal import Vault
from gis_service.access.viewer import Viewer
from gis_service.addresses.queries import address
from gis_service.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from gis_service.intake.by_hand import Value, checked
from gis_service.intake.fields import Field, Kind
from gis_service.intake.person_fields import id_number_field, name_field, phone_field
from gis_service.registers.people import registered_on
from gis_service.registers.registrations.tables import EventKind, RegistrationEvent
from gis_service.registers.tables import LeavingReason, Registration
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.teams.scope import scope_of
from gis_service.texts import T, Text

_FIELDS = (name_field(), id_number_field(), phone_field(), Field("registered_on", Kind.DAY, required=True))


@dataclass(frozen=True)
class Person:
    """Who is registered; what a card and a phone say."""

    name: str
    id_number: str | None = None
    phone: str | None = None


def register(
    engine: Engine,
    viewer: Viewer,
    person: Person,
    address_id: int,
    day: date,
    *,
    today: date,
    source_key: str | None = None,
) -> int:
    """Register a person at an address from `day`; returns the id of the registration.

    With a `source_key` that is known, the same registration again changes nothing and gives the same id.

    Raises
    ------
    NotPermittedError, NotFoundError
        The role may not; the address is not in the viewer's part of the district.
    InvalidInputError
        A field is not acceptable, or the day lies in the future.
    ConflictError
        The person is registered already, or the key stands for something else.
    """
    viewer.require(Permission.KEEP_REGISTRATIONS)
    vault = trail_of(engine).vault
    said = checked(
        _FIELDS, {"name": person.name, "id_number": person.id_number, "phone": person.phone, "registered_on": day}
    )
    _refuse_future(day, today, "registered_on")
    with transaction(engine) as session:
        address(session, scope_of(session, viewer, today), address_id)
        if source_key is not None and (known := _same_again(session, vault, source_key, address_id, day, said)):
            return known
        _refuse_second(session, vault, said["id_number"], today)
        row = _laid(session, vault, said, address_id, source_key or _new_key())
        _note(session, viewer, row.id, EventKind.REGISTERED, day)
        record(session, viewer, "register", "registration", row.source_key, after={"address": address_id, "day": day})
        return row.id


def renew(engine: Engine, settings: Settings, viewer: Viewer, registration_id: int, day: date, *, today: date) -> date:
    """Renew a registration on `day`; returns the last day that it covers now.

    Raises
    ------
    NotFoundError, ConflictError, InvalidInputError
        There is none in the viewer's part of the district; it has ended; the day is not acceptable.
    """
    viewer.require(Permission.KEEP_REGISTRATIONS)
    _refuse_future(day, today, "day")
    until = day + timedelta(days=settings.registration_valid_days)
    with transaction(engine) as session:
        row = _open_registration(session, viewer, registration_id, today)
        _refuse_before(row, day)
        _note(session, viewer, row.id, EventKind.RENEWED, day, until=until)
        record(session, viewer, "renew_registration", "registration", row.source_key, after={"until": until})
    return until


def move(engine: Engine, viewer: Viewer, registration_id: int, address_id: int, day: date, *, today: date) -> int:
    """End a registration and begin another for the same person at a new address on the same day; returns its id.

    Raises
    ------
    NotFoundError, ConflictError, InvalidInputError
        As for `renew`; the new address is not in the viewer's part of the district, or is the old one.
    """
    viewer.require(Permission.KEEP_REGISTRATIONS)
    _refuse_future(day, today, "day")
    vault = trail_of(engine).vault
    with transaction(engine) as session:
        row = _open_registration(session, viewer, registration_id, today)
        _refuse_before(row, day)
        address(session, scope_of(session, viewer, today), address_id)
        if row.address_id == address_id:
            raise ConflictError(T("The person is registered at this address already."))
        said: dict[str, Value] = {
            "name": vault.open("registration", row.source_key, "name", row.name_sealed),
            "id_number": _opened(vault, row, "id_number"),
            "phone": _opened(vault, row, "phone"),
            "registered_on": day,
        }
        row.deregistered_on, row.deregistration_reason = day, LeavingReason.MOVED_WITHIN.value
        session.flush()
        fresh = _laid(session, vault, said, address_id, _new_key())
        _note(session, viewer, row.id, EventKind.MOVED, day, other_id=fresh.id)
        _note(session, viewer, fresh.id, EventKind.REGISTERED, day, other_id=row.id)
        after = {"to": fresh.source_key, "address": address_id, "day": day}
        record(session, viewer, "move_registration", "registration", row.source_key, after=after)
        return fresh.id


def deregister(
    engine: Engine,
    viewer: Viewer,
    registration_id: int,
    reason: LeavingReason,
    day: date,
    *,
    today: date,
    note: str | None = None,
) -> None:
    """End a registration on `day` (the first day on which it no longer holds).

    Raises
    ------
    NotFoundError, ConflictError, InvalidInputError
        As for `renew`; the reason `other` comes without a note.
    """
    viewer.require(Permission.KEEP_REGISTRATIONS)
    _refuse_future(day, today, "day")
    if reason is LeavingReason.OTHER and not (note or "").strip():
        raise _invalid(T("Say in a note what the other reason is."), "note")
    with transaction(engine) as session:
        row = _open_registration(session, viewer, registration_id, today)
        _refuse_before(row, day)
        row.deregistered_on, row.deregistration_reason = day, reason.value
        _note(session, viewer, row.id, EventKind.DEREGISTERED, day, note=note)
        after = {"reason": reason.value, "day": day}
        record(session, viewer, "deregister", "registration", row.source_key, after=after)


def _open_registration(session: Session, viewer: Viewer, registration_id: int, today: date) -> Registration:
    row = session.get(Registration, registration_id, with_for_update=True)
    missing = NotFoundError(T("There is no such registration in your part of the district."))
    if row is None:
        raise missing
    try:
        address(session, scope_of(session, viewer, today), row.address_id)
    except NotFoundError as error:
        raise missing from error
    if row.deregistered_on is not None:
        raise ConflictError(T("This registration ended on {day}.", day=row.deregistered_on))
    return row


def _same_again(
    session: Session, vault: Vault, source_key: str, address_id: int, day: date, said: Mapping[str, Value]
) -> int | None:
    row = session.scalars(select(Registration).where(Registration.source_key == source_key)).first()
    if row is None:
        return None
    same = (row.address_id, row.registered_on) == (address_id, day) and all(
        _opened(vault, row, name) == said[name] for name in ("name", "id_number", "phone")
    )
    if not same:
        raise ConflictError(T("The key {key} stands for another registration.", key=source_key))
    return row.id


def _refuse_second(session: Session, vault: Vault, id_number: object, today: date) -> None:
    if not isinstance(id_number, str):
        return
    known = vault.blind_indexes("id_number", id_number)
    held = select(Registration.id).where(
        Registration.id_number_index.in_(known),
        or_(registered_on(today), Registration.deregistered_on.is_(None)),
    )
    if session.scalars(held).first() is not None:
        raise ConflictError(T("This person is registered already: move or deregister that registration first."))


def _laid(session: Session, vault: Vault, said: Mapping[str, Value], address_id: int, source_key: str) -> Registration:
    values = {name: value if isinstance(value, str) else None for name, value in said.items()}
    sealed = {
        name: vault.seal_many("registration", name, [source_key], [values[name]])[0]
        for name in ("name", "id_number", "phone")
    }
    row = Registration(
        source_key=source_key,
        address_id=address_id,
        name_sealed=sealed["name"],
        id_number_sealed=sealed["id_number"],
        id_number_index=vault.blind_index_many("id_number", [values["id_number"]])[0],
        phone_sealed=sealed["phone"],
        phone_index=vault.blind_index_many("phone", [values["phone"]])[0],
        registered_on=said["registered_on"],
    )
    session.add(row)
    session.flush()
    return row


def _opened(vault: Vault, row: Registration, name: str) -> str | None:
    sealed: bytes | None = getattr(row, f"{name}_sealed")
    return vault.open_many("registration", name, [row.source_key], [None if sealed is None else bytes(sealed)])[0]


def _note(
    session: Session,
    viewer: Viewer,
    registration_id: int,
    kind: EventKind,
    day: date,
    *,
    until: date | None = None,
    other_id: int | None = None,
    note: str | None = None,
) -> None:
    event = RegistrationEvent(
        registration_id=registration_id,
        kind=kind.value,
        day=day,
        until=until,
        other_id=other_id,
        note=note,
        actor=viewer.name[:100],
        recorded_at=datetime.now(UTC).replace(tzinfo=None),
    )
    session.add(event)
    session.flush()


def _refuse_future(day: date, today: date, field: str) -> None:
    if day > today:
        raise _invalid(T("The day lies in the future."), field)


def _refuse_before(row: Registration, day: date) -> None:
    if day < row.registered_on:
        raise _invalid(T("The day lies before the registration."), "day")


def _invalid(message: Text, field: str) -> InvalidInputError:
    return InvalidInputError(message, [Fault(message, field=field)])


def _new_key() -> str:
    return f"S{secrets.token_hex(8)}"
