"""Accounts: who gets one, with which role and which part of the district. The administrator's acts, all recorded.

Separation of powers (三员分立): administrator, auditor and business roles are separate people. An account stays in the
power that it was made for; administrators and auditors hold no areas; auditors are made, changed and reset only on the
server's shell, so that no administrator can become one or silence one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, delete, func, or_, select, update
from sqlalchemy.orm import Session

from gis_service.access.audit import changed, record
from gis_service.access.passwords import (
    check_new_password,
    forget_failures,
    hash_password,
    one_time_password,
)
from gis_service.access.permissions import Permission, Role
from gis_service.access.tables import Account, AccountArea, AppToken, LoginSession
from gis_service.access.viewer import Viewer
from gis_service.errors import ConflictError, Fault, InvalidInputError, NotFoundError, NotPermittedError
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.storage.rows import Row
from gis_service.texts import LOCALES, T, Text

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


@dataclass(frozen=True)
class NewAccount:
    """A new account, and its password for the first sign-in, which is shown once (None when one was given)."""

    account_id: int
    login: str
    one_time_password: str | None


def normal_login(login: str) -> str:
    """Logins are compared in lower case."""
    return login.strip().lower()


def is_first_run(session: Session) -> bool:
    """Say whether there is no account yet."""
    return session.scalar(select(Account.id).limit(1)) is None


def create_first_administrator(
    engine: Engine, settings: Settings, viewer: Viewer, login: str, display_name: str, password: str | None = None
) -> NewAccount:
    """Create the administrator of a service that has no account yet; with a one-time password when none is given."""
    if not viewer.everything:
        raise NotPermittedError(T("The first administrator is made on the server's shell."))
    with transaction(engine) as session:
        if not is_first_run(session):
            raise ConflictError(T("There are accounts already; an administrator makes further ones."))
        account, once = _new_account(session, settings, login, display_name, Role.ADMINISTRATOR, None, password)
        record(session, viewer, "create_first_administrator", "account", account.login)
        return NewAccount(account.id, account.login, once)


def create_account(
    engine: Engine,
    settings: Settings,
    viewer: Viewer,
    login: str,
    display_name: str,
    role: Role,
    *,
    officer_id: int | None = None,
    locale: str | None = None,
    oidc_subject: str | None = None,
    password: str | None = None,
) -> NewAccount:
    """Create an account.

    Parameters
    ----------
    login
        Lower-case letters, digits, dots, hyphens and underscores; it never changes.
    role
        Auditors are created on the shell only.
    officer_id
        The officer that the account belongs to; an account with the role of officer needs one.
    oidc_subject
        Who this is at the OpenID Connect provider.
    password
        None makes a one-time password, which must be changed at the first sign-in; so must a given one.
    """
    viewer.require(Permission.MANAGE_ACCOUNTS)
    with transaction(engine) as session:
        _require_reach(viewer, role)
        _check_officer(session, role, officer_id)
        account, once = _new_account(session, settings, login, display_name, role, officer_id, password)
        if locale is not None and locale not in LOCALES:
            raise _invalid("locale", T("The languages are: {locales}.", locales=", ".join(LOCALES)), locale)
        account.locale = locale
        account.oidc_subject = oidc_subject
        after = {"display_name": display_name, "role": role.value, "officer_id": officer_id}
        record(session, viewer, "create_account", "account", account.login, after=after)
        return NewAccount(account.id, account.login, once)


def change_account(
    engine: Engine,
    viewer: Viewer,
    account_id: int,
    *,
    display_name: str | None = None,
    role: Role | None = None,
    disabled: bool | None = None,
) -> None:
    """Change what is given. Roles change among the business roles only; nobody disables the own account."""
    viewer.require(Permission.MANAGE_ACCOUNTS)
    with transaction(engine) as session:
        account = _account_in_reach(session, viewer, account_id)
        before: dict[str, object] = {
            "display_name": account.display_name, "role": account.role, "disabled": account.disabled
        }  # fmt: skip
        if display_name is not None:
            account.display_name = display_name
        if role is not None and role != account.role:
            if not (role.is_business and Role(account.role).is_business):
                raise NotPermittedError(T("Administrators, auditors and business roles are separate people."))
            _check_officer(session, role, account.officer_id)
            account.role = role.value
        if disabled is not None:
            if account.id == viewer.account_id:
                raise ConflictError(T("Nobody disables the own account."))
            account.disabled = disabled
            end_sessions(session, account.id)
        after: dict[str, object] = {
            "display_name": account.display_name, "role": account.role, "disabled": account.disabled
        }  # fmt: skip
        old, new = changed(before, after)
        if new:
            record(session, viewer, "change_account", "account", account.login, before=old, after=new)


def reset_password(engine: Engine, viewer: Viewer, account_id: int) -> str:
    """Give the account a one-time password, end its sessions and drop its second factor and its wait."""
    viewer.require(Permission.MANAGE_ACCOUNTS)
    with transaction(engine) as session:
        account = _account_in_reach(session, viewer, account_id)
        once = one_time_password()
        account.password_hash = hash_password(once)
        account.must_change_password = True
        account.totp_sealed, account.totp_confirmed, account.totp_last_step = None, False, None
        end_sessions(session, account.id)
        forget_failures(session, account.login)
        record(session, viewer, "reset_password", "account", account.login)
        return once


def grant_area(
    engine: Engine, viewer: Viewer, account_id: int, area_id: int | None, valid_from: date, valid_to: date | None = None
) -> int:
    """Let a business account see a subtree (the whole district when None) over a period; returns the grant's id."""
    viewer.require(Permission.MANAGE_ACCOUNTS)
    if valid_to is not None and valid_to <= valid_from:
        raise _invalid("valid_to", T("The end comes after the beginning."), valid_to.isoformat())
    with transaction(engine) as session:
        account = _account_in_reach(session, viewer, account_id)
        role = Role(account.role)
        if not role.is_business:
            raise NotPermittedError(T("Administrators and auditors hold no areas."))
        if role is Role.OFFICER:
            raise ConflictError(T("An officer sees the beats held; areas are not granted to officers."))
        area = Row.metadata.tables["area"]
        if area_id is not None and session.scalar(select(area.c.id).where(area.c.id == area_id)) is None:
            raise NotFoundError(T("There is no such area."))
        overlapping = select(AccountArea.id).where(
            AccountArea.account_id == account_id,
            AccountArea.area_id.is_not_distinct_from(area_id),
            or_(AccountArea.valid_to.is_(None), AccountArea.valid_to > valid_from),
            *([AccountArea.valid_from < valid_to] if valid_to is not None else []),
        )
        if session.scalar(overlapping.limit(1)) is not None:
            raise ConflictError(T("The account holds this area already within that period."))
        grant = AccountArea(account_id=account_id, area_id=area_id, valid_from=valid_from, valid_to=valid_to)
        session.add(grant)
        session.flush()
        after = {"area_id": area_id, "valid_from": valid_from, "valid_to": valid_to}
        record(session, viewer, "grant_area", "account", account.login, after=after)
        return grant.id


def end_grant(engine: Engine, viewer: Viewer, grant_id: int, on: date) -> None:
    """End a grant: the first day without it is `on`; one that had not begun by then goes."""
    viewer.require(Permission.MANAGE_ACCOUNTS)
    with transaction(engine) as session:
        grant = session.get(AccountArea, grant_id)
        if grant is None:
            raise NotFoundError(T("There is no such grant."))
        account = _account_in_reach(session, viewer, grant.account_id)
        before = {"area_id": grant.area_id, "valid_from": grant.valid_from, "valid_to": grant.valid_to}
        if grant.valid_from >= on:
            session.delete(grant)
        else:
            grant.valid_to = on
        record(session, viewer, "end_grant", "account", account.login, before=before, after={"valid_to": on})


def change_own_locale(engine: Engine, viewer: Viewer, locale: str) -> None:
    """Choose the language of the own account."""
    viewer.require(Permission.CHANGE_OWN_ACCOUNT)
    with transaction(engine) as session:
        account = session.get(Account, viewer.account_id) if viewer.account_id is not None else None
        if account is None or locale not in LOCALES:
            raise _invalid("locale", T("The languages are: {locales}.", locales=", ".join(LOCALES)), locale)
        before, account.locale = account.locale, locale
        record(
            session, viewer, "change_own_locale", "account", account.login, before={"locale": before},
            after={"locale": locale},
        )  # fmt: skip


def list_accounts(session: Session, viewer: Viewer, *, offset: int = 0, limit: int = 100) -> tuple[list[Account], int]:
    """Accounts by login, and how many there are."""
    viewer.require(Permission.MANAGE_ACCOUNTS)
    total = session.scalar(select(func.count()).select_from(Account)) or 0
    return list(session.scalars(select(Account).order_by(Account.login).offset(offset).limit(limit))), total


def grants_of(session: Session, account_ids: list[int]) -> dict[int, list[AccountArea]]:
    """The grants of accounts, by account."""
    found: dict[int, list[AccountArea]] = {account_id: [] for account_id in account_ids}
    query = select(AccountArea).where(AccountArea.account_id.in_(account_ids)).order_by(AccountArea.valid_from)
    for grant in session.scalars(query):
        found[grant.account_id].append(grant)
    return found


def account_by_login(session: Session, login: str) -> Account:
    """The account with this login."""
    account = session.scalar(select(Account).where(Account.login == normal_login(login)))
    if account is None:
        raise NotFoundError(T("There is no account {login}.", login=login))
    return account


def end_sessions(session: Session, account_id: int, *, but: int | None = None) -> None:
    """End the sessions of an account, except the one that is kept, and stop its tokens."""
    ended = delete(LoginSession).where(LoginSession.account_id == account_id)
    session.execute(ended if but is None else ended.where(LoginSession.id != but))
    stopped = update(AppToken).where(AppToken.account_id == account_id, AppToken.revoked_at.is_(None))
    session.execute(stopped.values(revoked_at=datetime.now(UTC)))


def _new_account(
    session: Session,
    settings: Settings,
    login: str,
    display_name: str,
    role: Role,
    officer_id: int | None,
    password: str | None,
) -> tuple[Account, str | None]:
    login = normal_login(login)
    if not _LOGIN.fullmatch(login):
        raise _invalid("login", T("A login is 2 to 64 of: lower-case letters, digits, dot, hyphen, underscore."), login)
    if session.scalar(select(Account.id).where(Account.login == login)) is not None:
        raise ConflictError(T("There is an account {login} already.", login=login))
    once = one_time_password() if password is None else None
    if password is not None:
        check_new_password(password, login, settings)
    account = Account(
        login=login,
        display_name=display_name,
        password_hash=hash_password(password or once or ""),
        role=role.value,
        officer_id=officer_id,
        totp_confirmed=False,
        disabled=False,
        must_change_password=True,
        created_at=datetime.now(UTC),
    )
    session.add(account)
    session.flush()
    return account, once


def _account_in_reach(session: Session, viewer: Viewer, account_id: int) -> Account:
    account = session.get(Account, account_id)
    if account is None:
        raise NotFoundError(T("There is no such account."))
    _require_reach(viewer, Role(account.role))
    return account


def _require_reach(viewer: Viewer, role: Role) -> None:
    if role is Role.AUDITOR and not viewer.everything:
        raise NotPermittedError(T("Accounts of auditors are kept on the server's shell only."))


def _check_officer(session: Session, role: Role, officer_id: int | None) -> None:
    if role is Role.OFFICER and officer_id is None:
        raise _invalid("officer_id", T("An account with the role of officer belongs to an officer."), None)
    if officer_id is None:
        return
    if not role.is_business:
        raise _invalid("officer_id", T("Administrators and auditors are no officers."), str(officer_id))
    officer: Any = Row.metadata.tables["officer"]
    if session.scalar(select(officer.c.id).where(officer.c.id == officer_id)) is None:
        raise NotFoundError(T("There is no such officer."))


def _invalid(field: str, message: Text, value: str | None) -> InvalidInputError:
    return InvalidInputError(message, [Fault(message, field=field, value=value)])
