"""The second factor: time-based one-time codes (RFC 6238) from an app on the phone."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gis_service.access.accounts import end_sessions
from gis_service.access.audit import record
from gis_service.access.permissions import Permission
from gis_service.access.personal import Vault
from gis_service.access.tables import Account, LoginSession, hash_of
from gis_service.access.viewer import Viewer
from gis_service.errors import ConflictError, NotSignedInError
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.texts import T

ISSUER = "gis-service"
STEP_S = 30
#: clocks may differ by one step (RFC 6238, 5.2)
_STEPS_OFF = (-1, 0, 1)


@dataclass(frozen=True, repr=False)
class Enrolment:
    """What the app on the phone needs: the URI as a QR code, or the secret typed in."""

    uri: str
    secret: str


def is_due(account: Account, settings: Settings) -> bool:
    """Say whether the account does nothing before it has a second factor.

    Who has no password here signs in through the identity provider, which asks for what it asks.
    """
    needed = account.role in settings.second_factor_roles and account.password_hash is not None
    return needed and not account.totp_confirmed


def start_enrolment(engine: Engine, vault: Vault, viewer: Viewer) -> Enrolment:
    """Make a secret; it counts once a code of it was entered (`confirm_enrolment`)."""
    viewer.require(Permission.CHANGE_OWN_ACCOUNT)
    with transaction(engine) as session:
        account = _own_account(session, viewer)
        if account.totp_confirmed:
            raise ConflictError(T("There is a second factor already; remove it first."))
        secret = pyotp.random_base32()
        account.totp_sealed = vault.seal("account", account.login, "totp", secret)
        account.totp_last_step = None
        record(session, viewer, "start_second_factor", "account", account.login)
        return Enrolment(pyotp.TOTP(secret).provisioning_uri(name=account.login, issuer_name=ISSUER), secret)


def confirm_enrolment(
    engine: Engine, vault: Vault, viewer: Viewer, code: str, now: datetime, *, cookie: str | None = None
) -> None:
    """Begin to ask for codes at sign-in; other sessions than that of `cookie` end, and all tokens."""
    viewer.require(Permission.CHANGE_OWN_ACCOUNT)
    with transaction(engine) as session:
        account = _own_account(session, viewer)
        step = fitting_step(vault, account, code, now)
        if step is None:
            raise NotSignedInError(T("The code is wrong."))
        account.totp_confirmed, account.totp_last_step = True, step
        own = session.scalar(select(LoginSession.id).where(LoginSession.token_hash == hash_of(cookie or "")))
        end_sessions(session, account.id, but=own)
        record(session, viewer, "confirm_second_factor", "account", account.login)


def remove_second_factor(engine: Engine, vault: Vault, viewer: Viewer, code: str, now: datetime) -> None:
    """Stop asking for codes; needs one more of them."""
    viewer.require(Permission.CHANGE_OWN_ACCOUNT)
    with transaction(engine) as session:
        account = _own_account(session, viewer)
        if fitting_step(vault, account, code, now) is None:
            raise NotSignedInError(T("The code is wrong."))
        account.totp_sealed, account.totp_confirmed, account.totp_last_step = None, False, None
        record(session, viewer, "remove_second_factor", "account", account.login)


def fitting_step(vault: Vault, account: Account, code: str, now: datetime) -> int | None:
    """The time step that `code` belongs to, if it fits and no code of that step or a later one was used before."""
    if account.totp_sealed is None:
        return None
    totp = pyotp.TOTP(vault.open("account", account.login, "totp", account.totp_sealed), interval=STEP_S)
    present = int(now.timestamp()) // STEP_S
    typed = "".join(code.split())
    for off in _STEPS_OFF:
        step = present + off
        fits = hmac.compare_digest(totp.generate_otp(step).encode(), typed.encode())
        if fits and (account.totp_last_step is None or step > account.totp_last_step):
            return step
    return None


def _own_account(session: Session, viewer: Viewer) -> Account:
    account = session.get(Account, viewer.account_id, with_for_update=True) if viewer.account_id is not None else None
    if account is None:
        raise NotSignedInError(T("Please sign in."))
    return account
