"""Our service as `gis-service serve` runs it, which forgets what it keeps when a request of the benchmark says so."""

import argparse
import asyncio
import os
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from gis_service.access.freshness import KeptAnswers
from gis_service.addresses.point_store import point_store
from gis_service.app import create_app
from gis_service.areas.border_store import border_store
from gis_service.settings import Settings

#: header of a request that names what is forgotten before it
FORGET = b"x-forget"
#: answers as soon as nothing is done any more, what earlier requests left to be done in the background included
SETTLED = "/settled"


class Forgetful:
    """Around everything: one look at the headers of each request."""

    def __init__(self, app: FastAPI) -> None:
        self._app: ASGIApp = app
        self._state = app.state
        self._busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        settles = scope["path"] == SETTLED
        while settles and self._busy:
            await asyncio.sleep(0.001)
        for name, value in scope["headers"]:
            if name == FORGET:
                self._forget(value.decode())
        if settles:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        self._busy += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._busy -= 1

    def _forget(self, what: str) -> None:
        """Answers, or also points and borders, or also who asks and what that one sees."""
        state = self._state
        state.kept_answers = KeptAnswers(state.settings.answers_kept_bytes)
        if what in {"cold", "after a commit"}:
            state.point_store, state.border_store = point_store(), border_store()
        if what == "after a commit":
            state.unchanged.forget()


def signed_in(app: FastAPI, login: str, password: str) -> str:
    """The cookie of a session."""
    client = TestClient(app, base_url="http://127.0.0.1")
    client.post("/api/v1/sign-in", json={"login": login, "password": password}).raise_for_status()
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    service = create_app(Settings())
    cookie = signed_in(service, os.environ["TILES_LOGIN"], os.environ["TILES_PASSWORD"])
    Path(os.environ["TILES_COOKIE"]).write_text(cookie, encoding="utf-8")
    uvicorn.run(Forgetful(service), port=parser.parse_args().port, log_level="warning", server_header=False)
