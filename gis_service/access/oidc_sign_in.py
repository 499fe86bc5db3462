"""Signing in through an OpenID Connect provider: authorization code flow with PKCE, state and nonce.

Whom the provider vouches for is found by the subject that the administrator has put on the account; nobody gets an
account by signing in, and roles and areas never come from the provider.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, select

from gis_service.access.audit import Result, record
from gis_service.access.sign_in import SignedIn, begin_session
from gis_service.access.tables import Account, OidcAttempt, hash_of
from gis_service.errors import NotFoundError, NotReadyError, NotSignedInError
from gis_service.settings import Settings
from gis_service.storage.engine import transaction
from gis_service.texts import T

_ATTEMPT_LIVES = timedelta(minutes=10)
_TIMEOUT_S = 10.0
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]


@dataclass(frozen=True, repr=False)
class Departure:
    """Where to send the browser, and the cookie that it comes back with."""

    url: str
    cookie: str


def start_oidc(engine: Engine, settings: Settings, *, now: datetime) -> Departure:
    """Begin to sign in at the provider."""
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    provider = _discover(settings)
    cookie, state, nonce, verifier = (secrets.token_urlsafe(32) for _purpose in range(4))
    url = prepare_grant_uri(
        provider["authorization_endpoint"],
        client_id=settings.oidc_client_id,
        response_type="code",
        redirect_uri=settings.oidc_redirect_url,
        scope="openid",
        state=state,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    with transaction(engine) as session:
        session.execute(delete(OidcAttempt).where(OidcAttempt.expires_at <= now))
        session.add(
            OidcAttempt(
                token_hash=hash_of(cookie),
                state=state,
                nonce=nonce,
                code_verifier=verifier,
                expires_at=now + _ATTEMPT_LIVES,
            )
        )
    return Departure(str(url), cookie)


def finish_oidc(
    engine: Engine, settings: Settings, cookie: str | None, state: str, code: str, *, now: datetime
) -> SignedIn:
    """Sign in who comes back from the provider; an attempt serves once."""
    with transaction(engine) as session:
        attempt = session.get(OidcAttempt, hash_of(cookie or ""))
        if attempt is None or attempt.expires_at <= now or not hmac.compare_digest(attempt.state, state):
            raise NotSignedInError(T("This sign-in is out of date; please begin again."))
        nonce, verifier = attempt.nonce, attempt.code_verifier
        session.delete(attempt)
    subject = _subject(settings, code, verifier, nonce)
    with transaction(engine) as session:
        account = session.scalar(select(Account).where(Account.oidc_subject == subject))
        if account is not None and not account.disabled:
            return begin_session(session, settings, account, "sign_in_oidc", now)
        record(session, None, "sign_in_oidc", "account", account.login if account else None, Result.REFUSED)
    raise NotSignedInError(T("There is no account for you here; ask the administrator."))


def _subject(settings: Settings, code: str, verifier: str, nonce: str) -> str:
    """The subject of the ID token that the code is worth, after every check of OpenID Connect Core 3.1.3.7."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    provider = _discover(settings)
    claims_needed = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": settings.oidc_issuer},
        aud={"essential": True, "value": settings.oidc_client_id},
        nonce={"essential": True, "value": nonce},
        exp={"essential": True},
        sub={"essential": True},
        leeway=60,
    )
    try:
        keys = KeySet.import_key_set(_fetch("GET", provider["jwks_uri"]))
        id_token = jwt.decode(_id_token(settings, provider, code, verifier), keys, algorithms=_ALGORITHMS)
        claims_needed.validate(id_token.claims)
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise NotSignedInError(T("The identity provider did not confirm who you are.")) from error
    return str(id_token.claims["sub"])


def _discover(settings: Settings) -> dict[str, Any]:
    if not settings.oidc_issuer:
        raise NotFoundError(T("Signing in through an identity provider is not set up."))
    provider = _fetch("GET", settings.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration")
    if provider.get("issuer") != settings.oidc_issuer:
        raise NotReadyError(T("The identity provider calls itself otherwise than GIS_OIDC_ISSUER."))
    return provider


def _id_token(settings: Settings, provider: dict[str, Any], code: str, verifier: str) -> str:
    secret = settings.oidc_client_secret.get_secret_value()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": settings.oidc_redirect_url,
        "client_id": settings.oidc_client_id,
        "code_verifier": verifier,
    }
    auth = (settings.oidc_client_id, secret) if secret else None  # sent as HTTP Basic
    return str(_fetch("POST", provider["token_endpoint"], data=form, auth=auth)["id_token"])


def _fetch(method: str, url: str, **more: Any) -> dict[str, Any]:
    import httpx

    try:
        answer = httpx.request(method, url, timeout=_TIMEOUT_S, follow_redirects=False, **more)
        if answer.is_client_error:
            raise NotSignedInError(T("The identity provider did not confirm who you are."))
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise NotReadyError(T("The identity provider does not answer.")) from error
    return document
