"""Signing in through an OpenID Connect provider: a real one on the loopback interface, honest and otherwise."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import SecretStr
from sqlalchemy import Engine

from gis_service.access.accounts import change_account, create_account
from gis_service.access.oidc_sign_in import Departure, finish_oidc, start_oidc
from gis_service.access.permissions import Role
from gis_service.access.viewer import SHELL
from gis_service.access.viewers import viewer_of_session
from gis_service.errors import NotFoundError, NotReadyError, NotSignedInError
from gis_service.settings import Settings
from gis_service.storage.engine import reading

NOW = datetime.now(UTC)


class Provider:
    """An identity provider that vouches for `subject`; `claims` overrides what its ID token says."""

    def __init__(self) -> None:
        self.subject = "subject-1"
        self.claims: dict[str, Any] = {}
        self.key = self.signing_key = ECKey.generate_key("P-256", {"kid": "1"})
        self.codes: dict[str, dict[str, str]] = {}
        self.server = HTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"

    def authorize(self, url: str) -> tuple[str, str]:
        """What the browser does there: returns state and code."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        self.codes["the-code"] = asked
        return asked["state"], "the-code"

    def token(self, form: dict[str, str], authorization: str | None) -> dict[str, Any] | None:
        asked = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        basic = "Basic " + base64.b64encode(b"grid:client secret").decode()
        if asked is None or challenge.decode() != asked["code_challenge"] or authorization != basic:
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": self.subject, "aud": asked["client_id"], "nonce": asked["nonce"],
            "iat": now, "exp": now + 300,
        } | self.claims  # fmt: skip
        return {"id_token": jwt.encode({"alg": "ES256", "kid": "1"}, claims, self.signing_key), "token_type": "Bearer"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                documents: dict[str, Any] = {
                    "/.well-known/openid-configuration": {
                        "issuer": provider.issuer,
                        "authorization_endpoint": f"{provider.issuer}/authorize",
                        "token_endpoint": f"{provider.issuer}/token",
                        "jwks_uri": f"{provider.issuer}/keys",
                    },
                    "/keys": {"keys": [provider.key.as_dict(private=False)]},
                }
                self._answer(documents.get(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self._answer(provider.token(form, self.headers["Authorization"]))

            def _answer(self, document: dict[str, Any] | None) -> None:
                body = json.dumps(document or {"error": "invalid_grant"}).encode()
                self.send_response(400 if document is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                pass

        return Handler


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    thread = threading.Thread(target=provider.server.serve_forever)
    thread.start()
    yield provider
    provider.server.shutdown()
    thread.join()
    provider.server.server_close()


@pytest.fixture
def settings(settings: Settings, provider: Provider) -> Settings:
    return settings.model_copy(
        update={
            "oidc_issuer": provider.issuer,
            "oidc_client_id": "grid",
            "oidc_client_secret": SecretStr("client secret"),
            "oidc_redirect_url": "https://grid.local/api/v1/oidc/callback",
        }
    )


@pytest.fixture
def account_id(engine: Engine, settings: Settings) -> int:
    made = create_account(engine, settings, SHELL, "li.hua", "李华", Role.PLANNER, oidc_subject="subject-1")
    return made.account_id


@pytest.fixture
def departure(engine: Engine, settings: Settings, account_id: int) -> Departure:
    return start_oidc(engine, settings, now=NOW)


def test_who_the_provider_vouches_for_is_signed_in(
    engine: Engine, settings: Settings, provider: Provider, departure: Departure, account_id: int
) -> None:
    state, code = provider.authorize(departure.url)
    signed_in = finish_oidc(engine, settings, departure.cookie, state, code, now=NOW)
    with reading(engine) as session:
        assert viewer_of_session(session, settings, signed_in.cookie, NOW).account_id == account_id
    with pytest.raises(NotSignedInError):
        finish_oidc(engine, settings, departure.cookie, state, code, now=NOW)


def test_an_attempt_needs_the_browser_and_the_state_that_it_began_with_and_runs_out(
    engine: Engine, settings: Settings, provider: Provider, departure: Departure
) -> None:
    state, code = provider.authorize(departure.url)
    for cookie, returned, now in (
        (None, state, NOW),
        ("another browser", state, NOW),
        (departure.cookie, "another state", NOW),
        (departure.cookie, state, NOW + timedelta(minutes=10)),
    ):
        with pytest.raises(NotSignedInError):
            finish_oidc(engine, settings, cookie, returned, code, now=now)
    assert code in provider.codes  # no code was spent on any of them


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody else"},
        {"nonce": "another sign-in"},
        {"exp": 1},
        {"sub": ""},
    ],
)
def test_an_id_token_that_is_not_for_us_now_is_refused(
    engine: Engine, settings: Settings, provider: Provider, departure: Departure, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    state, code = provider.authorize(departure.url)
    with pytest.raises(NotSignedInError):
        finish_oidc(engine, settings, departure.cookie, state, code, now=NOW)


def test_an_id_token_signed_by_another_key_is_refused(
    engine: Engine, settings: Settings, provider: Provider, departure: Departure
) -> None:
    provider.signing_key = ECKey.generate_key("P-256", {"kid": "1"})
    state, code = provider.authorize(departure.url)
    with pytest.raises(NotSignedInError):
        finish_oidc(engine, settings, departure.cookie, state, code, now=NOW)


@pytest.mark.parametrize("case", ["unknown subject", "disabled account", "unknown code"])
def test_nobody_gets_in_without_an_account_here(
    engine: Engine, settings: Settings, provider: Provider, departure: Departure, account_id: int, case: str
) -> None:
    state, code = provider.authorize(departure.url)
    if case == "unknown subject":
        provider.subject = "subject-2"
    elif case == "disabled account":
        change_account(engine, SHELL, account_id, disabled=True)
    else:
        code = "no-code"
    with pytest.raises(NotSignedInError):
        finish_oidc(engine, settings, departure.cookie, state, code, now=NOW)


def test_without_a_provider_there_is_no_such_way_in(engine: Engine, settings: Settings, provider: Provider) -> None:
    with pytest.raises(NotFoundError):
        start_oidc(engine, settings.model_copy(update={"oidc_issuer": ""}), now=NOW)
    with pytest.raises(NotReadyError):
        start_oidc(engine, settings.model_copy(update={"oidc_issuer": provider.issuer + "/"}), now=NOW)
