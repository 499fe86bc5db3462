"""The audit trail: who did what, when, from where, to which object, with which result; written with the act itself.

Every entry carries a keyed hash over the entry before it and its own content, so that nobody without the audit key can
change, remove, insert or reorder one unseen. The newest hash is also kept in an anchor file in the data folder: cutting
off the end of the trail in the database does not cut it off there.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, select, text
from sqlalchemy.orm import Session

from gis_service.access.personal import Vault
from gis_service.access.tables import AuditCheckpoint, AuditEntry
from gis_service.access.viewer import Viewer
from gis_service.errors import NotReadyError
from gis_service.settings import Settings
from gis_service.texts import T

#: the address that the request at hand comes from; None for the shell
source_ip: ContextVar[str | None] = ContextVar("source_ip", default=None)

#: PostgreSQL: who holds this advisory lock until the end of its transaction may append ("audit" in ASCII)
_CHAIN_LOCK = int.from_bytes(b"audit")
_OPTION = "audit_trail"
_HEAD = "audit_head"

#: what never goes into the trail, whatever it is called in which table
_SECRET_PARTS = ("password", "secret", "token", "sealed", "totp", "cookie", "_index")
HIDDEN = "•••"
NOBODY = "-"


class Result(StrEnum):
    """How an act ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Trail:
    """What the trail of one engine is written with: its keys, and the folder of its anchor."""

    vault: Vault
    folder: Path


@dataclass(frozen=True)
class Head:
    """The newest entry of a chain."""

    chain_id: str
    seq: int
    hash: bytes


def attach_audit(engine: Engine, vault: Vault, settings: Settings) -> None:
    """Let acts on `engine` be recorded; called once, where the engine is opened."""
    engine.update_execution_options(**{_OPTION: Trail(vault, settings.data_dir)})


def trail_of(engine: Engine) -> Trail:
    """The trail attached to an engine."""
    trail: Trail | None = engine.get_execution_options().get(_OPTION)
    if trail is None:
        raise NotReadyError(T("No audit trail is attached to this database: nothing is done without one."))
    return trail


def record(
    session: Session,
    viewer: Viewer | None,
    action: str,
    object_kind: str,
    object_id: str | int | None,
    result: Result | str = Result.DONE,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> AuditEntry:
    """Append one entry to the trail, in the transaction of the act: both happen, or neither.

    Parameters
    ----------
    session
        The act's own session. Record last: from here to the commit, other acts wait.
    viewer
        Who does it; None when nobody is signed in.
    action
        The use case as a verb: `hand_over_beat`.
    object_kind, object_id
        What it is done to.
    result
        How it ended.
    before, after
        The fields that changed. Secrets (sealed values, hashes, tokens) are left out by name; personal data must be
        masked by the caller.
    """
    trail = trail_of(session.get_bind().engine)
    head = _hold_head(session, trail)
    key = trail.vault.audit_key()
    entry = AuditEntry(
        seq=head.seq + 1,
        at=datetime.now(UTC),
        actor=viewer.name if viewer else NOBODY,
        account_id=viewer.account_id if viewer else None,
        role=viewer.role.value if viewer else NOBODY,
        seen_by=viewer.seen_by if viewer else None,
        source_ip=source_ip.get(),
        action=action,
        object_kind=object_kind,
        object_id=None if object_id is None else str(object_id),
        result=str(result),
        before=_canonical(before),
        after=_canonical(after),
        key_id=key.id,
        previous_hash=head.hash,
    )
    entry.hash = entry_hash(entry, key.secret)
    session.add(entry)
    session.flush()
    return entry


def entry_hash(entry: AuditEntry, secret: bytes) -> bytes:
    """HMAC-SHA256 over the previous hash and every other field of the entry, in one fixed order."""
    fields = [
        entry.seq,
        entry.at.astimezone(UTC).isoformat(),
        entry.actor,
        entry.account_id,
        entry.role,
        entry.seen_by,
        entry.source_ip,
        entry.action,
        entry.object_kind,
        entry.object_id,
        entry.result,
        entry.before,
        entry.after,
        entry.key_id.hex(),
    ]
    content = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hmac.digest(secret, entry.previous_hash + content.encode(), "sha256")


def checkpoint_mac(checkpoint: AuditCheckpoint, secret: bytes) -> bytes:
    """HMAC-SHA256 over every field of a checkpoint."""
    fields = [
        "checkpoint",
        checkpoint.seq,
        checkpoint.chain_id,
        checkpoint.at.astimezone(UTC).isoformat(),
        checkpoint.hash.hex(),
    ]
    return hmac.digest(secret, json.dumps(fields).encode(), "sha256")


def new_checkpoint(trail: Trail, chain_id: str, seq: int, head_hash: bytes) -> AuditCheckpoint:
    """Make the checkpoint after entry `seq`, sealed."""
    key = trail.vault.audit_key()
    checkpoint = AuditCheckpoint(seq=seq, chain_id=chain_id, at=datetime.now(UTC), hash=head_hash, key_id=key.id)
    checkpoint.mac = checkpoint_mac(checkpoint, key.secret)
    return checkpoint


def hold_chain(session: Session) -> None:
    """Be the only one who appends until the end of this transaction; in SQLite whoever writes is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})


def newest_checkpoint(session: Session) -> AuditCheckpoint | None:
    """Where the chain begins now."""
    return session.scalar(select(AuditCheckpoint).order_by(AuditCheckpoint.seq.desc()).limit(1))


def read_head(session: Session) -> Head | None:
    """The newest entry, or where the chain begins when there is none."""
    checkpoint = newest_checkpoint(session)
    if checkpoint is None:
        return None
    newest = session.execute(select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)).first()
    if newest is None:
        return Head(checkpoint.chain_id, checkpoint.seq, checkpoint.hash)
    return Head(checkpoint.chain_id, newest.seq, newest.hash)


def _hold_head(session: Session, trail: Trail) -> Head:
    hold_chain(session)
    head = read_head(session)
    if head is None:
        head = Head(secrets.token_hex(16), 0, secrets.token_bytes(32))
        session.add(new_checkpoint(trail, head.chain_id, head.seq, head.hash))
        session.flush()
    if not event.contains(session, "before_commit", _before_commit):
        event.listen(session, "before_commit", _before_commit)
        event.listen(session, "after_commit", _after_commit)
    return head


def _before_commit(session: Session) -> None:
    session.info[_HEAD] = read_head(session)


def _after_commit(session: Session) -> None:
    head: Head | None = session.info.pop(_HEAD, None)
    if head is not None:
        write_anchor(trail_of(session.get_bind().engine), head)


# the anchor


def anchor_path(folder: Path, chain_id: str) -> Path:
    """The file that keeps the newest head of one chain."""
    return folder / f"audit-{chain_id}.json"


def write_anchor(trail: Trail, head: Head) -> None:
    """Move the anchor forward to `head`; never back."""
    path = anchor_path(trail.folder, head.chain_id)
    with _locked(path):
        if path.exists() and json.loads(path.read_text())["seq"] >= head.seq:
            return
        key = trail.vault.audit_key()
        content = {"seq": head.seq, "hash": head.hash.hex(), "key": key.id.hex(), "mac": _head_mac(head, key.secret)}
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(content))
        draft.replace(path)


def read_anchor(trail: Trail, chain_id: str) -> Head | None:
    """The head that the anchor file keeps; None when it is missing or was not written by this service."""
    path = anchor_path(trail.folder, chain_id)
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        head = Head(chain_id, int(content["seq"]), bytes.fromhex(content["hash"]))
        secret = trail.vault.audit_key(bytes.fromhex(content["key"])).secret
        mac = str(content["mac"])
    except (OSError, ValueError, KeyError, TypeError, NotReadyError):
        return None
    return head if hmac.compare_digest(mac, _head_mac(head, secret)) else None


def _head_mac(head: Head, secret: bytes) -> str:
    return hmac.digest(secret, f"head|{head.chain_id}|{head.seq}|{head.hash.hex()}".encode(), "sha256").hex()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


# what goes into an entry


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Keep only the fields that differ."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}


def _canonical(fields: Mapping[str, object] | None) -> str | None:
    if fields is None:
        return None
    shown = {name: HIDDEN if _is_secret(name) and value is not None else value for name, value in fields.items()}
    return json.dumps(shown, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def _is_secret(name: str) -> bool:
    return any(part in name for part in _SECRET_PARTS)
