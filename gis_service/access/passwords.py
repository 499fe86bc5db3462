"""Passwords: which are accepted, how they are kept, and how long one waits after wrong ones."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import delete
from sqlalchemy.orm import Session

from gis_service.access.tables import SignInWait
from gis_service.errors import Fault, InvalidInputError, TooManyRequestsError
from gis_service.settings import Settings
from gis_service.texts import T, Text

#: longest password accepted; hashing a longer one would only cost time
PASSWORD_MAX_LENGTH = 128
#: fewest characters of a password that its neighbours do not foretell
_LEAST_UNFORESEEN = 5
_LONGEST_WAIT = timedelta(days=1)
_COMMON = Path(__file__).parent / "common_passwords.txt"
_WALKS = (
    "`1234567890-=",
    "qwertyuiop[]\\",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "!qaz@wsx#edc$rfv%tgb^yhn&ujm*ik<(ol>)p:?",
    "!@#$%^&*()_+",
)

_hasher = PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """Hash with Argon2id; composed and decomposed spellings are the same password."""
    return _hasher.hash(_folded(password))


def verify_password(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Say whether the password fits, and the hash to keep from now on when the old one is out of date.

    Without a hash it takes as long and never fits: whether an account exists is not told by the clock.
    """
    try:
        fits, renewed = _hasher.verify_and_update(_folded(password), password_hash or _decoy(_hasher))
    except UnicodeEncodeError:
        return False, None
    return (fits, renewed) if password_hash else (False, None)


def one_time_password() -> str:
    """A password for the first sign-in, to be changed there."""
    return secrets.token_urlsafe(15)


def check_new_password(password: str, login: str, settings: Settings) -> None:
    """Raise `InvalidInputError` unless the password is acceptable.

    Length counts, and not being foreseeable (common passwords, the login, walks over the keyboard, repetition); there
    is no rule on kinds of characters (OWASP ASVS 5.0, 6.2).
    """
    fault = _fault_of(_folded(password), login, settings)
    if fault is not None:
        raise InvalidInputError(T("This password is not accepted."), [Fault(fault, field="password")])


def _fault_of(password: str, login: str, settings: Settings) -> Text | None:
    plain = password.casefold()
    if len(password) < settings.password_min_length:
        return T("A password has at least {length} characters.", length=settings.password_min_length)
    if len(password) > PASSWORD_MAX_LENGTH:
        return T("A password has at most {length} characters.", length=PASSWORD_MAX_LENGTH)
    if login.casefold() in plain:
        return T("A password does not contain the login.")
    if plain in _common() or plain.strip("0123456789!@#$%^&*.,?_-+= ") in _common():
        return T("This password is among the most common ones.")
    if _unforeseen(plain) < _LEAST_UNFORESEEN:
        return T("This password is a walk over the keyboard or a repetition.")
    return None


def _unforeseen(plain: str) -> int:
    """Count the characters that follow neither a walk over the keyboard nor what was there before."""
    for period in range(1, len(plain) // 2 + 1):
        if plain == (plain[:period] * len(plain))[: len(plain)]:
            plain = plain[:period]
            break
    steps = (one + other for one, other in pairwise(plain) if one != other)
    return 1 + sum(not any(step in walk for walk in _both_ways()) for step in steps)


@cache
def _both_ways() -> tuple[str, ...]:
    return _WALKS + tuple(walk[::-1] for walk in _WALKS)


@cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split())


@cache
def _decoy(hasher: PasswordHash) -> str:
    return hasher.hash(secrets.token_urlsafe(16))


def _folded(password: str) -> str:
    return unicodedata.normalize("NFC", password)


# waits after wrong passwords


def require_no_wait(session: Session, login: str, now: datetime) -> None:
    """Raise `TooManyRequestsError` while this login has to wait, whether it exists or not."""
    wait = session.get(SignInWait, _login_hash(login), with_for_update=True)
    if wait is not None and wait.locked_until is not None and wait.locked_until > now:
        seconds = int((wait.locked_until - now).total_seconds()) + 1
        raise TooManyRequestsError(
            T("Too many wrong sign-ins; try again in {seconds} seconds.", seconds=seconds), retry_after_s=seconds
        )


def count_failure(session: Session, login: str, settings: Settings, now: datetime) -> None:
    """Note a wrong sign-in; from the `lockout_after`-th on, each one doubles the wait, up to a day."""
    session.execute(delete(SignInWait).where(SignInWait.last_failure_at < now - _LONGEST_WAIT))
    wait = session.get(SignInWait, _login_hash(login))
    if wait is None:
        wait = SignInWait(login_hash=_login_hash(login), failures=0, locked_until=None)
        session.add(wait)
    wait.failures += 1
    wait.last_failure_at = now
    beyond = wait.failures - settings.lockout_after
    if beyond >= 0:
        doubled = timedelta(seconds=settings.lockout_base_seconds) * 2 ** min(beyond, 20)
        wait.locked_until = now + min(doubled, _LONGEST_WAIT)


def forget_failures(session: Session, login: str) -> None:
    """Begin anew after a right sign-in or a reset."""
    session.execute(delete(SignInWait).where(SignInWait.login_hash == _login_hash(login)))


def _login_hash(login: str) -> bytes:
    return hashlib.sha256(login.encode()).digest()
