"""What every response says to the browser, and what every request is given: nonce, language, where it comes from."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from babel import Locale, UnknownLocaleError, negotiate_locale
from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gis_service.access.audit import source_ip
from gis_service.settings import Settings
from gis_service.texts import LOCALES, use_locale

LOCALE_COOKIE = "locale"
#: largest body of a request that brings no file, bytes
PLAIN_BODY_MAX_BYTES = 2**20

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=(), usb=()",
}
_STATIC = "/static/"
_ONE_YEAR_S = 365 * 24 * 3600


class BrowserDefences:
    """Security headers with a fresh nonce for each response; personal pages are not kept by caches.

    A handler that sets one of the headers itself keeps its own. Also sets the language of the request (cookie, then
    what the browser asks for, then the setting; the account's own comes later) and limits the size of the body.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce
        client = scope.get("client")
        source_ip.set(client[0] if client else None)
        headers = Headers(scope=scope)
        use_locale(asked_locale(headers, self._settings))

        async def send_defended(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._defend(MutableHeaders(scope=message), scope, nonce)
            await send(message)

        await self.app(scope, _limited(receive, self._largest_body(headers)), send_defended)

    def _defend(self, headers: MutableHeaders, scope: Scope, nonce: str) -> None:
        for name, value in _ALWAYS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", content_security_policy(self._settings, nonce))
        if not scope["path"].startswith(_STATIC):
            headers.setdefault("Cache-Control", "no-store")
        if scope["scheme"] == "https":
            headers.setdefault("Strict-Transport-Security", f"max-age={_ONE_YEAR_S}; includeSubDomains")

    def _largest_body(self, headers: Headers) -> int:
        # forms are read before anybody knows who sends them; without any sign of an account, no file is taken
        brings_file = headers.get("content-type", "").startswith("multipart/form-data")
        says_who = "authorization" in headers or cookie_name(self._settings) in headers.get("cookie", "")
        return self._settings.upload_max_bytes if brings_file and says_who else PLAIN_BODY_MAX_BYTES


def content_security_policy(settings: Settings, nonce: str) -> str:
    """Scripts only from our own files or with the nonce; nothing from elsewhere but tiles of the base map."""
    tiles = urlsplit(settings.base_map_url)
    tile_origin = f" {tiles.scheme}://{tiles.netloc}" if tiles.netloc else ""
    return (
        "default-src 'none'; "
        f"script-src 'self' 'nonce-{nonce}'; "
        "style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:{tile_origin}; "
        "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; frame-src 'self'; "
        "manifest-src 'self'; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )


def asked_locale(headers: Headers, settings: Settings) -> str:
    """The language that the cookie, else the browser, asks for; else that of the deployment."""
    request = Request({"type": "http", "headers": headers.raw})
    chosen = request.cookies.get(LOCALE_COOKIE)
    if chosen in LOCALES:
        return chosen
    wanted = []
    for part in headers.get("accept-language", "").split(",")[:20]:
        tag, _semicolon, quality = part.strip().partition(";q=")
        try:
            wanted.append((float(quality or 1), str(Locale.parse(tag.strip(), sep="-").language)))
        except (ValueError, UnknownLocaleError):
            continue
    languages = [language for quality, language in sorted(wanted, key=lambda pair: -pair[0]) if quality > 0]
    by_language = {locale.split("_")[0]: locale for locale in LOCALES}
    found = negotiate_locale(languages, list(by_language))
    return by_language[found] if found else settings.locale


def cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this host and to HTTPS; browsers refuse it over plain HTTP."""
    return "__Host-session" if settings.cookie_secure else "session"


def _limited(receive: Receive, most_bytes: int) -> Receive:
    seen = 0

    async def receive_limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most_bytes:
            raise HTTPException(413)  # what is raised while a body is read must be one for FastAPI to let it through
        return message

    return receive_limited
