"""The one list of sealed columns: what rotation seals anew and what can be unmasked, one value at a time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, Table
from sqlalchemy.orm import Session

from gis_service.access.approvals import check_reason
from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.personal import Vault
from gis_service.access.same_value import IndexKind
from gis_service.access.viewer import Viewer
from gis_service.errors import NotFoundError
from gis_service.storage.rows import Row
from gis_service.texts import T


@dataclass(frozen=True)
class SealedColumn:
    """Column `<field>_sealed` of `table_name`, sealed under `row_key`; `<field>_index` is its blind index, if any.

    `rows_at_a_time` is how many a rotation holds in memory: few of those that are large.
    """

    table_name: str
    row_key: str
    field: str
    index_kind: IndexKind | None = None
    about_a_person: bool = True
    rows_at_a_time: int = 5_000

    @property
    def table(self) -> Table:
        """The table."""
        return Row.metadata.tables[self.table_name]

    @property
    def sealed(self) -> Column[bytes]:
        """The column of sealed values."""
        return self.table.c[f"{self.field}_sealed"]

    @property
    def index(self) -> Column[bytes] | None:
        """The column of blind indexes."""
        return self.table.c[f"{self.field}_index"] if self.index_kind else None

    def __str__(self) -> str:
        return f"{self.table_name}.{self.field}"


SEALED_COLUMNS = (
    SealedColumn("account", "login", "totp", about_a_person=False),
    SealedColumn("officer", "badge_no", "id_number", "id_number"),
    SealedColumn("officer", "badge_no", "phone", "phone"),
    SealedColumn("registration", "source_key", "name"),
    SealedColumn("registration", "source_key", "id_number", "id_number"),
    SealedColumn("registration", "source_key", "phone", "phone"),
    SealedColumn("rental", "code", "landlord_name"),
    SealedColumn("rental", "code", "landlord_phone", "phone"),
    SealedColumn("snapshot_row", "row_key", "name"),
    SealedColumn("snapshot_row", "row_key", "id_number", "id_number"),
    SealedColumn("snapshot_row", "row_key", "phone", "phone"),
    SealedColumn("mismatch", "source_key", "fact", "fact", about_a_person=False),
    SealedColumn("mismatch", "source_key", "sides"),
    SealedColumn("mismatch_attachment", "key", "content", about_a_person=False, rows_at_a_time=20),
    SealedColumn("visit_photo", "key", "content", about_a_person=False, rows_at_a_time=20),
)


def unmask(
    session: Session, vault: Vault, viewer: Viewer, table_name: str, row_key: str, field: str, reason: str
) -> str | None:
    """Open one value for somebody who may, and record who read it and why; None when the row has no such value.

    The caller has made sure that the row is in the viewer's scope. Runs in the caller's transaction: without the entry
    in the audit trail nothing is shown.
    """
    viewer.require(Permission.UNMASK_PERSON)
    reason = check_reason(reason)
    found = [
        column
        for column in SEALED_COLUMNS
        if column.about_a_person and (column.table_name, column.field) == (table_name, field)
    ]
    if not found:
        raise NotFoundError(T("There is no such field of a person."))
    column = found[0]
    sealed = session.execute(column.table.select().where(column.table.c[column.row_key] == row_key)).mappings().first()
    if sealed is None:
        raise NotFoundError(T("There is no such record in your part of the district."))
    record(session, viewer, "unmask", table_name, row_key, after={"field": field, "reason": reason})
    value = sealed[column.sealed]
    return None if value is None else vault.open(table_name, row_key, field, value)
