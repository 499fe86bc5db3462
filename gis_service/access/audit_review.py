"""Reviewing the audit trail: does the chain hold, which entries are there, and which may go."""

from __future__ import annotations

import csv
import hmac
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Engine, delete, func, select
from sqlalchemy.orm import Session

from gis_service.access.audit import (
    Head,
    Trail,
    checkpoint_mac,
    entry_hash,
    hold_chain,
    new_checkpoint,
    newest_checkpoint,
    read_anchor,
    record,
    trail_of,
)
from gis_service.access.tables import AuditCheckpoint, AuditEntry
from gis_service.access.viewer import Viewer
from gis_service.errors import InvalidInputError, NotReadyError, TamperedError
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.texts import T, Text

_BATCH = 5_000
_FORMULA_STARTS = tuple("=+-@\t\r")
EXPORTED = (
    "seq", "at", "actor", "role", "seen_by", "source_ip", "action", "object_kind", "object_id", "result", "before",
    "after",
)  # fmt: skip
MOST_FINDINGS = 100


@dataclass(frozen=True)
class Finding:
    """One thing wrong with the trail, at or after entry `seq`."""

    seq: int
    text: Text


@dataclass(frozen=True)
class Verdict:
    """What a verification saw: entries `first_seq` to `last_seq` (0 when there are none), and what is wrong."""

    entries: int
    first_seq: int
    last_seq: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Say whether the trail is as it was written."""
        return not self.findings


@dataclass(frozen=True)
class AuditFilter:
    """Which entries an auditor asks for; what is None is not asked."""

    actor: str | None = None
    action: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    result: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL; `until` is exclusive."""
        equal = ("actor", "action", "object_kind", "object_id", "result")
        found: list[ColumnElement[bool]] = [
            getattr(AuditEntry, name) == value for name in equal if (value := getattr(self, name)) is not None
        ]
        if self.since is not None:
            found.append(AuditEntry.at >= self.since)
        if self.until is not None:
            found.append(AuditEntry.at < self.until)
        return found


def verify_audit(engine: Engine) -> Verdict:
    """Walk the whole trail: finds entries changed, removed, inserted or reordered, and a tail cut off."""
    trail = trail_of(engine)
    with reading(engine) as session:
        checkpoints = list(session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.seq)))
        if not checkpoints:
            return _verdict_without_chain(session, trail)
        findings = [
            Finding(checkpoint.seq, T("The checkpoint was not written by this service."))
            for checkpoint in checkpoints
            if not _is_genuine_checkpoint(trail, checkpoint) or checkpoint.chain_id != checkpoints[0].chain_id
        ]
        start = checkpoints[-1]
        anchor = read_anchor(trail, start.chain_id)
        expected = Head(start.chain_id, start.seq, start.hash)
        if anchor is not None and anchor.seq == start.seq and anchor.hash != start.hash:
            findings.append(Finding(start.seq, T("The chain begins differently from what the anchor file keeps.")))
        count = 0
        for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=_BATCH)):
            count += 1
            if len(findings) < MOST_FINDINGS:
                findings += _findings_of(entry, expected, trail, anchor)
            expected = Head(start.chain_id, entry.seq, entry.hash)
            session.expunge(entry)
        findings += _findings_of_tail(expected, anchor)
        return Verdict(count, start.seq + 1 if count else 0, expected.seq if count else 0, tuple(findings))


def _verdict_without_chain(session: Session, trail: Trail) -> Verdict:
    count = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    findings = []
    if count:
        findings.append(Finding(1, T("There are entries and no checkpoint that they begin from.")))
    elif any(trail.folder.glob("audit-*.json")):
        findings.append(Finding(1, T("The trail is empty, but an anchor file of a trail is there.")))
    return Verdict(count, 0, 0, tuple(findings))


def _is_genuine_checkpoint(trail: Trail, checkpoint: AuditCheckpoint) -> bool:
    try:
        secret = trail.vault.audit_key(checkpoint.key_id).secret
    except NotReadyError:
        return False
    return hmac.compare_digest(checkpoint.mac, checkpoint_mac(checkpoint, secret))


def _findings_of(entry: AuditEntry, expected: Head, trail: Trail, anchor: Head | None) -> Iterator[Finding]:
    if entry.seq != expected.seq + 1:
        missing = entry.seq - expected.seq - 1
        yield Finding(
            entry.seq, T("{missing} entries before entry {seq} were removed.", missing=missing, seq=entry.seq)
        )
    elif entry.previous_hash != expected.hash:
        yield Finding(entry.seq, T("Entry {seq} does not follow the one before it.", seq=entry.seq))
    try:
        genuine = hmac.compare_digest(entry.hash, entry_hash(entry, trail.vault.audit_key(entry.key_id).secret))
    except NotReadyError:
        yield Finding(entry.seq, T("Entry {seq} was written with a key that the key ring lacks.", seq=entry.seq))
    else:
        if not genuine:
            yield Finding(entry.seq, T("Entry {seq} was changed.", seq=entry.seq))
    if anchor is not None and entry.seq == anchor.seq and entry.hash != anchor.hash:
        yield Finding(entry.seq, T("Entry {seq} is not the one that the anchor file keeps.", seq=entry.seq))


def _findings_of_tail(last: Head, anchor: Head | None) -> Iterator[Finding]:
    if anchor is None:
        yield Finding(last.seq, T("The anchor file is missing or was not written by this service."))
    elif anchor.seq > last.seq:
        cut = anchor.seq - last.seq
        yield Finding(
            last.seq, T("The trail ends at entry {seq}; {cut} later ones were removed.", seq=last.seq, cut=cut)
        )


def read_entries(
    session: Session, asked: AuditFilter, *, offset: int = 0, limit: int | None = None
) -> tuple[list[AuditEntry], int]:
    """Entries that fit, newest first, and how many there are in all."""
    conditions = asked.conditions()
    total = session.scalar(select(func.count()).select_from(AuditEntry).where(*conditions)) or 0
    query = select(AuditEntry).where(*conditions).order_by(AuditEntry.seq.desc()).offset(offset).limit(limit)
    return list(session.scalars(query)), total


def stream_entries(session: Session, asked: AuditFilter) -> Iterator[AuditEntry]:
    """Entries that fit, oldest first, without holding them all."""
    query = select(AuditEntry).where(*asked.conditions()).order_by(AuditEntry.seq)
    for entry in session.scalars(query.execution_options(yield_per=_BATCH)):
        session.expunge(entry)
        yield entry


def csv_lines(session: Session, asked: AuditFilter) -> Iterator[str]:
    """Entries that fit as lines of CSV, oldest first, with a byte-order mark and a header.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    line = io.StringIO()
    writer = csv.writer(line)
    yield "\ufeff"
    for cells in _rows(session, asked):
        writer.writerow([f"'{cell}" if cell[:1] in _FORMULA_STARTS else cell for cell in cells])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _rows(session: Session, asked: AuditFilter) -> Iterator[list[str]]:
    yield list(EXPORTED)
    for entry in stream_entries(session, asked):
        values = (getattr(entry, name) for name in EXPORTED)
        yield [
            "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
            for value in values
        ]


def prune_audit(engine: Engine, viewer: Viewer, settings: Settings, *, keep_days: int, now: datetime) -> int:
    """Remove entries older than `keep_days` and leave a checkpoint that the rest is verified from.

    Returns how many went. Refuses to keep less than `settings.audit_retention_days`, and to prune a trail that does not
    hold: what was tampered with stays as evidence.
    """
    if keep_days < settings.audit_retention_days:
        raise InvalidInputError(
            T(
                "Audit entries are kept at least {days} days (GIS_AUDIT_RETENTION_DAYS).",
                days=settings.audit_retention_days,
            )
        )
    if not verify_audit(engine).holds:
        raise TamperedError(T("The audit trail does not hold; nothing is pruned (`gis-service audit verify`)."))
    trail = trail_of(engine)
    with transaction(engine) as session:
        hold_chain(session)
        start = newest_checkpoint(session)
        young = select(func.min(AuditEntry.seq)).where(AuditEntry.at >= now.astimezone(UTC) - timedelta(days=keep_days))
        first_kept = session.scalar(young)
        last_pruned = session.scalar(
            select(AuditEntry)
            .where(*([AuditEntry.seq < first_kept] if first_kept is not None else []))
            .order_by(AuditEntry.seq.desc())
            .limit(1)
        )
        if start is None or last_pruned is None:
            return 0
        session.add(new_checkpoint(trail, start.chain_id, last_pruned.seq, last_pruned.hash))
        session.flush()
        session.execute(delete(AuditEntry).where(AuditEntry.seq <= last_pruned.seq))
        pruned = last_pruned.seq - start.seq
        record(
            session,
            viewer,
            "prune_audit",
            "audit_entry",
            f"{start.seq + 1}-{last_pruned.seq}",
            after={"entries": pruned},
        )
    return pruned
