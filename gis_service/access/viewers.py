"""From a cookie or a token to the one for whom something is read or written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from gis_service.access.csrf import masked_token
from gis_service.access.permissions import PERMISSIONS, Permission, Role
from gis_service.access.second_factor import is_due
from gis_service.access.tables import Account, AccountArea, AppToken, LoginSession, TokenScope, hash_of
from gis_service.access.viewer import Viewer
from gis_service.errors import NotSignedInError
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.texts import T

#: how often the last use of a session or token is noted; a write for every read would be too dear
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, repr=False)
class Presence:
    """Somebody signed in: the viewer, and what the request needs to know besides."""

    viewer: Viewer
    display_name: str
    locale: str | None
    must_change_password: bool
    has_second_factor: bool
    must_set_up_second_factor: bool
    cookie: str | None
    stale: type[LoginSession | AppToken] | None
    row_id: int
    #: when time alone makes another of it: the session ends, or its use is to be noted
    unchanged_until: datetime

    @property
    def caller(self) -> str:
        """Under which name requests are counted."""
        return f"account {self.viewer.account_id}"

    def csrf_token(self) -> str | None:
        """What unsafe requests of this session carry, another at each call; None for app tokens, which need none."""
        return None if self.cookie is None else masked_token(self.cookie)


def presence_of_cookie(session: Session, settings: Settings, cookie: str | None, now: datetime) -> Presence:
    """Who the session cookie belongs to; raises `NotSignedInError` when it has ended or never was."""
    if not cookie:
        raise NotSignedInError(T("Please sign in."))
    query = (
        select(LoginSession, Account)
        .join(Account, Account.id == LoginSession.account_id)
        .where(LoginSession.token_hash == hash_of(cookie))
    )
    found = session.execute(query).first()
    idle = timedelta(minutes=settings.session_idle_minutes)
    if (
        found is None
        or found.Account.disabled
        or found.LoginSession.expires_at <= now
        or found.LoginSession.last_seen_at + idle <= now
    ):
        raise NotSignedInError(T("Your session has ended; please sign in."))
    login_session, account = found.LoginSession, found.Account
    viewer = _viewer(session, account, now)
    if login_session.view_as_officer_id is not None and viewer.role in PERMISSIONS[Permission.VIEW_AS]:
        viewer = Viewer(
            name=login_session.view_as_name,
            role=Role.OFFICER,
            officer_id=login_session.view_as_officer_id,
            account_id=account.id,
            read_only=True,
            seen_by=account.login,
            within=viewer.area_ids,
        )
    stale = LoginSession if login_session.last_seen_at + _NOTED_EVERY <= now else None
    until = min(login_session.expires_at, login_session.last_seen_at + min(idle, _NOTED_EVERY))
    return _present(viewer, account, settings, cookie, stale, login_session.id, until)


def presence_of_token(session: Session, settings: Settings, token: str, now: datetime) -> Presence:
    """Who the app token belongs to; one for reading makes a read-only viewer."""
    query = (
        select(AppToken, Account)
        .join(Account, Account.id == AppToken.account_id)
        .where(AppToken.token_hash == hash_of(token))
    )
    found = session.execute(query).first()
    if (
        found is None
        or found.Account.disabled
        or found.AppToken.revoked_at is not None
        or found.AppToken.expires_at <= now
    ):
        raise NotSignedInError(T("This token is not valid."))
    row, account = found.AppToken, found.Account
    viewer = _viewer(session, account, now, read_only=row.scope != TokenScope.WRITE)
    stale = AppToken if row.last_used_at is None or row.last_used_at + _NOTED_EVERY <= now else None
    until = now if row.last_used_at is None else min(row.expires_at, row.last_used_at + _NOTED_EVERY)
    return _present(viewer, account, settings, None, stale, row.id, until)


def viewer_of_session(session: Session, settings: Settings, cookie: str, now: datetime) -> Viewer:
    """Like `presence_of_cookie`, the viewer alone."""
    return presence_of_cookie(session, settings, cookie, now).viewer


def viewer_of_token(session: Session, settings: Settings, token: str, now: datetime) -> Viewer:
    """Like `presence_of_token`, the viewer alone."""
    return presence_of_token(session, settings, token, now).viewer


def viewer_of_account(session: Session, account_id: int, now: datetime) -> Viewer | None:
    """Who an account is, without anybody being signed in; None when there is no such account."""
    account = session.get(Account, account_id)
    return None if account is None else _viewer(session, account, now)


def note_use(engine: Engine, presence: Presence, now: datetime) -> None:
    """Note that the session or token was used, at most once a minute."""
    if presence.stale is None:
        return
    with transaction(engine) as session:
        if presence.stale is LoginSession:
            session.execute(update(LoginSession).where(LoginSession.id == presence.row_id).values(last_seen_at=now))
        else:
            session.execute(update(AppToken).where(AppToken.id == presence.row_id).values(last_used_at=now))


def _present(
    viewer: Viewer,
    account: Account,
    settings: Settings,
    cookie: str | None,
    stale: type[LoginSession | AppToken] | None,
    row_id: int,
    unchanged_until: datetime,
) -> Presence:
    return Presence(
        viewer=viewer,
        display_name=account.display_name,
        locale=account.locale,
        must_change_password=account.must_change_password,
        has_second_factor=account.totp_confirmed,
        must_set_up_second_factor=is_due(account, settings),
        cookie=cookie,
        stale=stale,
        row_id=row_id,
        unchanged_until=unchanged_until,
    )


def _viewer(session: Session, account: Account, now: datetime, *, read_only: bool = False) -> Viewer:
    role = Role(account.role)
    area_ids: frozenset[int] | None = frozenset()
    if role.is_business and role is not Role.OFFICER:
        granted = select(AccountArea.area_id).where(
            AccountArea.account_id == account.id, AccountArea.valid_on(now.astimezone().date())
        )
        held = set(session.scalars(granted))
        area_ids = None if None in held else frozenset(area_id for area_id in held if area_id is not None)
    return Viewer(
        name=account.login,
        role=role,
        area_ids=area_ids,
        officer_id=account.officer_id if role.is_business else None,
        account_id=account.id,
        read_only=read_only,
        called=account.display_name,
    )
