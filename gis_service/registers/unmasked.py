"""People in clear: masked where they live, and as a file once a second person has approved it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Engine, Select, and_, select
from sqlalchemy.orm import Session

from gis_service.access.approvals import approval_of, use_approval
from gis_service.access.audit import record
from gis_service.access.personal import Vault, mask_id_number, mask_name, mask_phone
from gis_service.access.scope import Scope
from gis_service.access.sealed import SEALED_COLUMNS
from gis_service.access.viewer import Viewer
from gis_service.access.viewers import viewer_of_account
from gis_service.addresses.queries import placement_in_scope
from gis_service.addresses.tables import Address, Placement
from gis_service.errors import NotFoundError
from gis_service.intake.report import inert
from gis_service.registers.people import registered_on
from gis_service.registers.tables import Registration, Rental
from gis_service.storage.engine import transaction
from gis_service.teams.queries import officers
from gis_service.teams.scope import scope_of
from gis_service.teams.tables import Officer
from gis_service.texts import T

Rows = Select[*tuple[Any, ...]]
MASKS: dict[str, Callable[[str | None], str | None]] = {
    "name": mask_name,
    "id_number": mask_id_number,
    "phone": mask_phone,
}


def people_at(session: Session, vault: Vault, scope: Scope, address_id: int) -> list[dict[str, Any]]:
    """Who is registered at one address in scope, masked: source_key, name, id_number, phone, registered_on."""
    query = (
        _registrations(scope)
        .where(Registration.address_id == address_id, registered_on(scope.day))
        .order_by(Registration.registered_on, Registration.source_key)
    )
    rows = _opened(session, vault, "registration", "source_key", query)
    return [row | {field: mask(row[field]) for field, mask in MASKS.items()} for row in rows]


def export_unmasked(
    engine: Engine, vault: Vault, viewer: Viewer, approval_id: int, path: Path, *, now: datetime
) -> int:
    """Write what an approved request names to a CSV file, in clear, and use the approval up; return how many rows.

    One transaction: no file without the entry in the audit trail, and no second file. It holds what is in scope of the
    person who asked, whoever carries it out.

    Raises
    ------
    NotPermittedError
        The request is not approved, used, out of date, or somebody else's.
    """
    with transaction(engine) as session:
        subject = approval_of(session, viewer, approval_id).subject
        use_approval(session, viewer, approval_id, subject, now=now)
        asker = viewer_of_account(session, approval_of(session, viewer, approval_id).asked_by, now)
        if asker is None:
            raise NotFoundError(T("There is no such request."))
        scope = scope_of(session, asker, now.astimezone().date())
        rows = _READERS[subject](session, vault, scope)
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(rows[0] if rows else ())
            writer.writerows([inert(cell) if isinstance(cell, str) else cell for cell in row.values()] for row in rows)
        record(session, viewer, "export_unmasked_file", "export_approval", approval_id, after={"rows": len(rows)})
    return len(rows)


def _registrations(scope: Scope) -> Rows:
    return (
        select(
            Registration.source_key,
            Address.code.label("address_code"),
            Address.text.label("address"),
            Registration.name_sealed,
            Registration.id_number_sealed,
            Registration.phone_sealed,
            Registration.registered_on,
            Registration.deregistered_on,
        )
        .join(Address, Address.id == Registration.address_id)
        .join(Placement, and_(Placement.address_id == Registration.address_id, Placement.valid_on(scope.day)))
        .where(placement_in_scope(scope))
    )


def _all_registrations(session: Session, vault: Vault, scope: Scope) -> list[dict[str, Any]]:
    query = _registrations(scope).order_by(Registration.source_key)
    return _opened(session, vault, "registration", "source_key", query)


def _all_rentals(session: Session, vault: Vault, scope: Scope) -> list[dict[str, Any]]:
    query = (
        select(
            Rental.code,
            Address.code.label("address_code"),
            Rental.landlord_name_sealed,
            Rental.landlord_phone_sealed,
            Rental.rooms,
            Rental.residents,
        )
        .join(Address, Address.id == Rental.address_id)
        .join(Placement, and_(Placement.address_id == Rental.address_id, Placement.valid_on(scope.day)))
        .where(placement_in_scope(scope))
        .order_by(Rental.code)
    )
    return _opened(session, vault, "rental", "code", query)


def _all_officers(session: Session, vault: Vault, scope: Scope) -> list[dict[str, Any]]:
    ids = officers(session, scope).index.unique().tolist()
    query = (
        select(Officer.badge_no, Officer.name, Officer.id_number_sealed, Officer.phone_sealed)
        .where(Officer.id.in_(ids))
        .order_by(Officer.badge_no)
    )
    return _opened(session, vault, "officer", "badge_no", query)


_READERS: dict[str, Callable[[Session, Vault, Scope], list[dict[str, Any]]]] = {
    "registrations": _all_registrations,
    "rentals": _all_rentals,
    "officers": _all_officers,
}


def _opened(session: Session, vault: Vault, table: str, key: str, query: Rows) -> list[dict[str, Any]]:
    """Rows of `query` with their sealed columns opened, under the names of the fields."""
    rows = pd.DataFrame(
        session.execute(query).mappings().all(), columns=[column.name for column in query.selected_columns]
    )
    for column in SEALED_COLUMNS:
        if column.table_name == table and (sealed := f"{column.field}_sealed") in rows:
            keys = rows[key].tolist()
            rows[sealed] = vault.open_many(table, column.field, keys, rows[sealed].tolist())
    rows.columns = rows.columns.str.removesuffix("_sealed")
    return [{str(name): cell for name, cell in row.items()} for row in rows.astype(object).to_dict("records")]
