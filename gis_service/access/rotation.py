"""Rotating the keys of personal data: every sealed value and blind index moves to the active keys, in small batches.

Each batch is a transaction of its own, and rows that are already under the active keys are passed over, so that a
rotation that was interrupted goes on where it stopped. The service runs meanwhile: values open under any key of the
ring, and a search compares with the index under each (`Vault.blind_indexes`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from gis_service.access.audit import record
from gis_service.access.keyring import KEY_ID_BYTES, Purpose
from gis_service.access.personal import VERSION, Vault
from gis_service.access.sealed import SEALED_COLUMNS, SealedColumn
from gis_service.access.viewer import Viewer
from gis_service.storage.engine import reading, transaction

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class KeyUse:
    """How many values of one column a key made; `is_active` says whether new ones are made with it."""

    column: str
    purpose: Purpose
    key_id: str
    values: int
    is_active: bool


def key_usage(engine: Engine, vault: Vault) -> list[KeyUse]:
    """Count values by the key that made them, for every sealed column and blind index."""
    ring = vault.ring
    found: list[KeyUse] = []
    with reading(engine) as session:
        for column in SEALED_COLUMNS:
            places: list[tuple[Purpose, Any, int]] = [(Purpose.SEAL, column.sealed, len(VERSION))]
            if column.index is not None:
                places.append((Purpose.INDEX, column.index, 0))
            for purpose, stored, skipped in places:
                key_id = func.substr(stored, skipped + 1, KEY_ID_BYTES)
                counted = session.execute(select(key_id, func.count()).where(stored.is_not(None)).group_by(key_id))
                found += [
                    KeyUse(str(column), purpose, bytes(used).hex(), count, bytes(used) == ring.active(purpose).id)
                    for used, count in counted
                ]
    return found


def rotate_keys(
    engine: Engine,
    vault: Vault,
    viewer: Viewer,
    *,
    batch_rows: int = 5_000,
    progress: Progress = lambda _column, _rows: None,
) -> int:
    """Make new sealing and index keys and move every value to them; goes on with an interrupted rotation first.

    Parameters
    ----------
    batch_rows
        Rows of one transaction.
    progress
        Called after each batch with the column and the rows moved.

    Returns
    -------
    The number of rows moved. Old keys stay in the ring, for backups; `retire_keys` takes out those without use.
    """
    if all(use.is_active for use in key_usage(engine, vault)):
        vault.replace_ring(vault.ring.with_new(Purpose.SEAL).with_new(Purpose.INDEX))
        with transaction(engine) as session:
            active = {purpose.value: vault.ring.active(purpose).id.hex() for purpose in (Purpose.SEAL, Purpose.INDEX)}
            record(session, viewer, "rotate_keys", "key_ring", None, after=active)
    moved: Counter[str] = Counter()
    for column in SEALED_COLUMNS:
        last_id = 0
        while True:
            with transaction(engine) as session:
                rows = _move_batch(session, vault, column, last_id, min(batch_rows, column.rows_at_a_time))
            if not rows:
                break
            last_id = rows[-1]
            moved[str(column)] += len(rows)
            progress(str(column), len(rows))
    with transaction(engine) as session:
        record(session, viewer, "move_to_active_keys", "key_ring", None, after=dict(moved))
    return sum(moved.values())


def retire_keys(engine: Engine, vault: Vault, viewer: Viewer) -> list[str]:
    """Take the sealing and index keys out of the ring that made nothing any more; returns their ids.

    Backups from before the rotation cannot be read afterwards. Audit keys stay: old entries are verified with them.
    """
    used = {bytes.fromhex(use.key_id) for use in key_usage(engine, vault)}
    ring = vault.ring
    idle = frozenset(key.id for key in ring.keys if key.purpose is not Purpose.AUDIT and key.id not in used)
    smaller = ring.without(idle)
    retired = [key.id.hex() for key in ring.keys if key not in smaller.keys]
    if retired:
        with transaction(engine) as session:
            record(session, viewer, "retire_keys", "key_ring", None, before={"keys": retired})
        vault.replace_ring(smaller)
    return retired


def _move_batch(session: Session, vault: Vault, column: SealedColumn, last_id: int, batch_rows: int) -> list[int]:
    table, sealed, index = column.table, column.sealed, column.index
    row_key, row_id = table.c[column.row_key], table.c["id"]
    query = (
        select(row_id, row_key, sealed)
        .where(row_id > last_id, _is_old(vault, column))
        .order_by(row_id)
        .limit(batch_rows)
        .with_for_update()
    )
    rows = session.execute(query).all()
    if not rows:
        return []
    keys = [str(row[1]) for row in rows]
    plain = vault.open_many(column.table_name, column.field, keys, [bytes(row[2]) for row in rows])
    fresh: dict[str, list[bytes | None]] = {sealed.name: vault.seal_many(column.table_name, column.field, keys, plain)}
    if column.index_kind is not None and index is not None:
        fresh[index.name] = vault.blind_index_many(column.index_kind, plain)
    changes = [
        {"row": row[0], **{f"new_{name}": values[position] for name, values in fresh.items()}}
        for position, row in enumerate(rows)
    ]
    moved = update(table).where(row_id == bindparam("row")).values({name: bindparam(f"new_{name}") for name in fresh})
    session.connection().execute(moved, changes)
    return [row[0] for row in rows]


def _is_old(vault: Vault, column: SealedColumn) -> ColumnElement[bool]:
    header = vault.seal_header
    old = [func.substr(column.sealed, 1, len(header)) != header]
    if column.index is not None:
        old.append(func.substr(column.index, 1, KEY_ID_BYTES) != vault.index_header)
    return and_(column.sealed.is_not(None), or_(*old))
