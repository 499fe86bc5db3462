"""Accounts and what they hold, sessions and tokens, approvals, and the audit trail."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, Index, LargeBinary, String, Text, TypeDecorator
from sqlalchemy.orm import Mapped, mapped_column

from gis_service.storage.fence_rules import FENCE, Closed
from gis_service.storage.rows import Period, Row, RowId

HASH_BYTES = 32
#: scoped sessions know nothing of accounts, sessions, tokens, approvals and the trail
KEPT = {"info": {FENCE: Closed()}}


def hash_of(token: str) -> bytes:
    """What the database keeps of a cookie or token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC without an offset in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuse naive instants, store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "an instant needs a time zone"
            raise ValueError(msg)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        """Say that what is stored is UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class TokenScope(StrEnum):
    """What a personal app token may do; never more than its account."""

    READ = "read"
    WRITE = "write"


class ApprovalState(StrEnum):
    """Where a request for a second person's approval stands."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    USED = "used"


class Account(Row):
    """Who signs in. The login never changes: the second factor is sealed under it."""

    __tablename__ = "account"
    __table_args__ = KEPT

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    login: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16), index=True)
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("officer.id"), index=True)
    totp_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_confirmed: Mapped[bool]
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    oidc_subject: Mapped[str | None] = mapped_column(String(255), unique=True)
    locale: Mapped[str | None] = mapped_column(String(8))
    disabled: Mapped[bool]
    must_change_password: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    password_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AccountArea(Period, Row):
    """A subtree that an account sees over a period; no area is the whole district, whatever land there is."""

    __tablename__ = "account_area"
    __table_args__ = KEPT

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), index=True)


class SignInWait(Row):
    """Wrong sign-ins in a row for one login, whether there is such an account or not, so that waits tell nothing."""

    __tablename__ = "sign_in_wait"
    __table_args__ = KEPT

    login_hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES), primary_key=True)
    failures: Mapped[int]
    last_failure_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LoginSession(Row):
    """A sign-in that lasts; only the hash of the cookie is kept. May look through another person's eyes."""

    __tablename__ = "login_session"
    __table_args__ = KEPT

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    view_as_officer_id: Mapped[int | None] = mapped_column(ForeignKey("officer.id"))
    view_as_name: Mapped[str | None] = mapped_column(String(100))


class OidcAttempt(Row):
    """A sign-in on its way to the identity provider and back."""

    __tablename__ = "oidc_attempt"
    __table_args__ = KEPT

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES), primary_key=True)
    state: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(64))
    code_verifier: Mapped[str] = mapped_column(String(128))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class AppToken(Row):
    """A personal token for QGIS or a script; only its hash is kept."""

    __tablename__ = "app_token"
    __table_args__ = KEPT

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    scope: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ExportApproval(Row):
    """A bulk export of unmasked data that waits for, or has, a second person's approval; good for one use."""

    __tablename__ = "export_approval"
    __table_args__ = KEPT

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(500))
    asked_by: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(16), index=True)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditEntry(Row):
    """One act: who, when, from where, what, on which object, with which result. Chained, and never changed."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_object_kind_object_id", "object_kind", "object_id"),
        # the version of the data, which answers are kept under
        {"info": {FENCE: Closed(("seq", "action", "result"))}},
    )

    seq: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(100), index=True)
    account_id: Mapped[int | None] = mapped_column(RowId)
    role: Mapped[str] = mapped_column(String(16))
    seen_by: Mapped[str | None] = mapped_column(String(100))
    source_ip: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64), index=True)
    object_kind: Mapped[str] = mapped_column(String(64))
    object_id: Mapped[str | None] = mapped_column(String(200))
    result: Mapped[str] = mapped_column(String(16))
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    key_id: Mapped[bytes] = mapped_column(LargeBinary(4))
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))


class AuditCheckpoint(Row):
    """Where the chain begins: at first with entry 1, after pruning with the entry after `seq`. Sealed with a MAC."""

    __tablename__ = "audit_checkpoint"
    __table_args__ = KEPT

    seq: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    chain_id: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    key_id: Mapped[bytes] = mapped_column(LargeBinary(4))
    mac: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
