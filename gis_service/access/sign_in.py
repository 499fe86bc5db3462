"""Signing in and out: password and second factor, sessions kept on the server, looking through an officer's eyes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from gis_service.access.accounts import end_sessions, normal_login
from gis_service.access.audit import Result, record
from gis_service.access.csrf import masked_token
from gis_service.access.passwords import (
    check_new_password,
    count_failure,
    forget_failures,
    hash_password,
    require_no_wait,
    verify_password,
)
from gis_service.access.permissions import Permission, Role
from gis_service.access.personal import Vault
from gis_service.access.second_factor import fitting_step, is_due
from gis_service.access.tables import Account, LoginSession, hash_of
from gis_service.access.viewer import Viewer
from gis_service.errors import NotSignedInError, SecondFactorNeededError
from gis_service.settings import Settings
from gis_service.storage.engine import reading, transaction
from gis_service.texts import T


@dataclass(frozen=True, repr=False)
class SignedIn:
    """A fresh session: the cookie's value, which nobody else has, and what goes with it."""

    cookie: str
    csrf_token: str
    expires_at: datetime
    must_change_password: bool
    must_set_up_second_factor: bool


def sign_in(
    engine: Engine,
    vault: Vault,
    settings: Settings,
    login: str,
    password: str,
    code: str | None = None,
    *,
    now: datetime,
) -> SignedIn:
    """Sign in with a password, and with the second factor where one is set up.

    Raises
    ------
    TooManyRequestsError
        This login has to wait after wrong attempts.
    SecondFactorNeededError
        The password fits, and `code` is absent.
    NotSignedInError
        It does not fit. The same text, and the same time, whether there is such an account or not.
    """
    login = normal_login(login)
    with reading(engine) as session:
        require_no_wait(session, login, now)
        account = session.scalar(select(Account).where(Account.login == login))
        kept_hash = account.password_hash if account else None
        needs_code = bool(account and account.totp_confirmed)
    fits, renewed_hash = verify_password(password, kept_hash)
    if fits and needs_code and not code:
        raise SecondFactorNeededError(T("Please enter the code of your second factor."))
    with transaction(engine) as session:
        require_no_wait(session, login, now)  # others may have guessed while we computed
        account = session.scalar(select(Account).where(Account.login == login).with_for_update())
        if account and fits and not account.disabled and _accept_code(account, vault, code, now):
            forget_failures(session, login)
            account.password_hash = renewed_hash or account.password_hash
            return begin_session(session, settings, account, "sign_in", now)
        count_failure(session, login, settings, now)
        known = _own_viewer(account) if account else None
        record(session, known, "sign_in", "account", account.login if account else None, Result.REFUSED)
    raise NotSignedInError(T("Login, password or code is wrong."))


def begin_session(session: Session, settings: Settings, account: Account, action: str, now: datetime) -> SignedIn:
    """Begin a session for an account that has shown who it is."""
    session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
    cookie = secrets.token_urlsafe(32)
    expires_at = now + timedelta(hours=settings.session_absolute_hours)
    session.add(
        LoginSession(
            token_hash=hash_of(cookie), account_id=account.id, created_at=now, last_seen_at=now, expires_at=expires_at
        )
    )
    record(session, _own_viewer(account), action, "account", account.login)
    return SignedIn(cookie, masked_token(cookie), expires_at, account.must_change_password, is_due(account, settings))


def sign_out(engine: Engine, viewer: Viewer, cookie: str) -> None:
    """End the session of this cookie."""
    with transaction(engine) as session:
        ended = session.execute(
            delete(LoginSession).where(LoginSession.token_hash == hash_of(cookie)).returning(LoginSession.id)
        )
        if ended.first() is not None:
            record(session, viewer, "sign_out", "account", viewer.seen_by or viewer.name)


def change_password(
    engine: Engine, settings: Settings, viewer: Viewer, old: str, new: str, *, cookie: str | None, now: datetime
) -> None:
    """Change the own password: other sessions and all tokens end. A wrong old one counts as a sign-in."""
    viewer.require(Permission.CHANGE_OWN_ACCOUNT)
    with reading(engine) as session:
        account = _own_account(session, viewer)
        require_no_wait(session, account.login, now)
        login, kept_hash = account.login, account.password_hash
    fits, _renewed = verify_password(old, kept_hash)
    if fits:
        check_new_password(new, login, settings)
    with transaction(engine) as session:
        require_no_wait(session, login, now)
        account = _own_account(session, viewer)
        if fits:
            account.password_hash = hash_password(new)
            account.must_change_password = False
            account.password_changed_at = now
            own = session.scalar(select(LoginSession.id).where(LoginSession.token_hash == hash_of(cookie or "")))
            end_sessions(session, account.id, but=own)
            forget_failures(session, login)
            record(session, viewer, "change_password", "account", login)
            return
        count_failure(session, login, settings, now)
        record(session, viewer, "change_password", "account", login, Result.REFUSED)
    raise NotSignedInError(T("The present password is wrong."))


def start_view_as(engine: Engine, viewer: Viewer, cookie: str, officer_id: int, officer_name: str) -> None:
    """See the service as an officer does, read-only; the caller has made sure that the officer is in scope."""
    viewer.require(Permission.VIEW_AS)
    with transaction(engine) as session:
        login_session = _session_of(session, cookie)
        login_session.view_as_officer_id, login_session.view_as_name = officer_id, officer_name
        record(session, viewer, "start_view_as", "officer", officer_id)


def stop_view_as(engine: Engine, viewer: Viewer, cookie: str) -> None:
    """See with the own eyes again."""
    with transaction(engine) as session:
        login_session = _session_of(session, cookie)
        officer_id = login_session.view_as_officer_id
        if officer_id is not None:
            login_session.view_as_officer_id, login_session.view_as_name = None, None
            record(session, viewer, "stop_view_as", "officer", officer_id)


def _session_of(session: Session, cookie: str) -> LoginSession:
    found = session.scalar(select(LoginSession).where(LoginSession.token_hash == hash_of(cookie)))
    if found is None:
        raise NotSignedInError(T("Your session has ended; please sign in."))
    return found


def _own_account(session: Session, viewer: Viewer) -> Account:
    account = session.get(Account, viewer.account_id) if viewer.account_id is not None else None
    if account is None:
        raise NotSignedInError(T("Please sign in."))
    return account


def _own_viewer(account: Account) -> Viewer:
    return Viewer(name=account.login, role=Role(account.role), account_id=account.id)


def _accept_code(account: Account, vault: Vault, code: str | None, now: datetime) -> bool:
    """Check the second factor where there is one; a code works once."""
    if not account.totp_confirmed or account.totp_sealed is None:
        return True
    step = fitting_step(vault, account, code or "", now)
    if step is None:
        return False
    account.totp_last_step = step
    return True
