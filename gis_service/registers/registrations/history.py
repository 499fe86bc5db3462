"""Who was registered where, and when: the history of an address and of a person, with personal fields masked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session

from gis_service.access.personal import Vault, mask_id_number, mask_name, mask_phone
from gis_service.access.scope import Scope
from gis_service.addresses.queries import address, placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.areas.scope import subtree
from gis_service.errors import NotFoundError
from gis_service.registers.days import check_day
from gis_service.registers.people import registered_on
from gis_service.registers.registrations.tables import EventKind, RegistrationEvent
from gis_service.registers.tables import Registration
from gis_service.storage.frames import read_frame
from gis_service.texts import T

_MASKS = {"name": mask_name, "id_number": mask_id_number, "phone": mask_phone}


def _stays(scope: Scope) -> Select[*tuple[Any, ...]]:
    renewed = (
        select(RegistrationEvent.registration_id, func.max(RegistrationEvent.until).label("renewed_until"))
        .where(RegistrationEvent.kind == EventKind.RENEWED.value)
        .group_by(RegistrationEvent.registration_id)
        .subquery()
    )
    moved = (
        select(RegistrationEvent.registration_id, func.max(RegistrationEvent.other_id).label("moved_to_id"))
        .where(RegistrationEvent.kind == EventKind.MOVED.value)
        .group_by(RegistrationEvent.registration_id)
        .subquery()
    )
    return (
        select(
            Registration.id.label("registration_id"),
            Registration.source_key,
            Registration.address_id,
            Address.code.label("address_code"),
            Address.text.label("address"),
            Registration.name_sealed,
            Registration.id_number_sealed,
            Registration.phone_sealed,
            Registration.registered_on,
            Registration.deregistered_on,
            Registration.deregistration_reason,
            renewed.c.renewed_until,
            moved.c.moved_to_id,
        )
        .join(Address, Address.id == Registration.address_id)
        .join(Placement, and_(Placement.address_id == Registration.address_id, Placement.valid_on(scope.day)))
        .outerjoin(renewed, renewed.c.registration_id == Registration.id)
        .outerjoin(moved, moved.c.registration_id == Registration.id)
        .where(placement_in_scope(scope))
    )


def _masked(vault: Vault, frame: pd.DataFrame) -> pd.DataFrame:
    """The sealed columns opened and masked, under their plain names."""
    shown = frame.copy()
    keys = [str(key) for key in frame["source_key"]]
    for name, mask in _MASKS.items():
        sealed = [None if value is None else bytes(value) for value in shown.pop(f"{name}_sealed")]
        opened = vault.open_many("registration", name, keys, sealed)
        shown[name] = pd.Series([mask(value) for value in opened], index=frame.index, dtype="object")
    return shown


def history_of_address(session: Session, scope: Scope, vault: Vault, address_id: int) -> pd.DataFrame:
    """Every registration that an address ever had, the newest first; raises `NotFoundError` out of scope."""
    address(session, scope, address_id)
    query = _stays(scope).where(Registration.address_id == address_id)
    frame = read_frame(session, query.order_by(Registration.registered_on.desc(), Registration.id.desc()))
    return _masked(vault, frame)


def stay(session: Session, scope: Scope, vault: Vault, registration_id: int) -> dict[str, Any]:
    """One registration in scope, masked.

    Raises
    ------
    NotFoundError
        There is none.
    """
    frame = _masked(vault, read_frame(session, _stays(scope).where(Registration.id == registration_id)))
    if frame.empty:
        raise NotFoundError(T("There is no such registration in your part of the district."))
    return {str(name): None if pd.isna(value) else value for name, value in frame.iloc[0].items()}


def history_of_person(
    session: Session, scope: Scope, vault: Vault, *, id_number: str | None = None, phone: str | None = None
) -> pd.DataFrame:
    """Every registration in scope of whoever has this identity number or phone, the newest first."""
    asked: list[ColumnElement[bool]] = []
    if id_number:
        asked.append(Registration.id_number_index.in_(vault.blind_indexes("id_number", id_number)))
    if phone:
        asked.append(Registration.phone_index.in_(vault.blind_indexes("phone", phone)))
    query = _stays(scope).where(or_(*asked) if asked else Registration.id.is_(None))
    frame = read_frame(session, query.order_by(Registration.registered_on.desc(), Registration.id.desc()))
    return _masked(vault, frame)


def due_for_renewal(
    session: Session,
    scope: Scope,
    vault: Vault,
    *,
    valid_days: int,
    until: date,
    area_id: int | None = None,
    limit: int = 1000,
) -> tuple[pd.DataFrame, int]:
    """Registrations that hold and are covered to `until` at most, the longest overdue first; and how many there are.

    Columns as in `history_of_address`, and `covered_until`.
    """
    inside = true() if area_id is None else Placement.home_area_id.in_(subtree([area_id], scope.day))
    stays = _stays(scope).where(registered_on(scope.day), inside).subquery()
    last_registered = check_day(until) - timedelta(days=valid_days)
    due = and_(
        stays.c.registered_on <= last_registered,
        or_(stays.c.renewed_until.is_(None), stays.c.renewed_until <= until),
    )
    total = session.scalar(select(func.count()).select_from(stays).where(due)) or 0
    query = select(stays).where(due)
    order = func.coalesce(stays.c.renewed_until, stays.c.registered_on)
    frame = read_frame(session, query.order_by(order, stays.c.registration_id).limit(limit))
    covered = [
        renewed or first + timedelta(days=valid_days)
        for renewed, first in zip(frame["renewed_until"], frame["registered_on"], strict=True)
    ]
    return _masked(vault, frame.assign(covered_until=pd.Series(covered, index=frame.index, dtype="object"))), total
