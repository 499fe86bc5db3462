"""How tests come in by the door: a running service, and the headers of whoever has signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from gis_service.access.passwords import hash_password
from gis_service.access.tables import Account
from gis_service.storage.engine import transaction
from tests.integration.board import PASSWORD

Headers = dict[str, str]


@dataclass(frozen=True)
class Door:
    """A running service and a client without a memory: every request brings its own headers."""

    app: FastAPI
    client: TestClient

    def session(self, login: str, *, view_as: int | None = None) -> Headers:
        """Sign in; return the headers of the session, seen through the eyes of officer `view_as` when given."""
        answer = self.client.post("/api/v1/sign-in", json={"login": login, "password": PASSWORD})
        self.client.cookies.clear()
        assert answer.status_code == 200, answer.text
        cookie = answer.headers["set-cookie"].partition(";")[0]
        headers = {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf_token"]}
        if view_as is not None:
            begun = self.client.post("/api/v1/view-as", json={"officer_id": view_as}, headers=headers)
            assert begun.status_code == 204, begun.text
        return headers

    def token(self, login: str, scope: str = "read") -> Headers:
        """Make an app token; return the header that carries it."""
        form = {"name": "QGIS", "scope": scope}
        answer = self.client.post("/api/v1/me/tokens", json=form, headers=self.session(login))
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    def restore_account(self, login: str) -> None:
        """Give an account its password back, and take the second factor away."""
        restored = {"password_hash": hash_password(PASSWORD), "totp_confirmed": False, "totp_sealed": None}
        with transaction(self.app.state.engine) as session:
            session.execute(update(Account).where(Account.login == login).values(restored))


async def _in_this_thread(call: Callable[..., Any], *args: Any, **_options: Any) -> Any:
    return call(*args)


@contextmanager
def open_door(app: FastAPI) -> Iterator[Door]:
    """Run the service in this process, for one request at a time: threads for each would cost a fifth of the time."""
    with (
        patch("anyio.to_thread.run_sync", _in_this_thread),
        TestClient(
            app,
            base_url="https://grid.local",
            headers={"Accept-Language": "en"},
            follow_redirects=False,
            raise_server_exceptions=False,
        ) as client,
    ):
        yield Door(app, client)
