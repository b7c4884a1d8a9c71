"""Who may ask: whoever holds the key. Roles and named users come with the review pages.

The key is read from the environment, never from a file of the workspace, and is compared in constant
time. A program sends it as `x-api-key`; a browser asks for it once and sends it as a password.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.errors import UserMistake

VARIABLE = "EARLYHELP_API_KEY"
SHORTEST = 16
OPEN_TO_ALL = frozenset({"/healthz", "/livez", "/readyz", "/metrics"})
"""Whether the service lives, and its counters: no personal data is among them."""

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""On every answer: nothing is stored on the way, nothing is loaded or sent elsewhere."""


def api_key() -> str:
    """The key that callers must hold. Raises UserMistake where there is none, or it can be guessed."""
    key = os.environ.get(VARIABLE, "")
    if len(key) < SHORTEST:
        given = f"is only {len(key)} characters long" if key else "is not set"
        raise UserMistake(
            f"The service does not start without a key: {VARIABLE} {given}.",
            problems=[
                f"set it to {SHORTEST} characters or more, such as those of "
                '`python -c "import secrets; print(secrets.token_urlsafe(32))"`'
            ],
        )
    return key


class Access:
    """ASGI middleware: answers 401 to whoever does not hold the key, and sets `HEADERS`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.key = api_key().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if scope["path"] in OPEN_TO_ALL or self._holds_key(Headers(scope=scope)):
            await self.app(scope, receive, send_with_headers)
            return
        refusal = JSONResponse(
            {"error": "The key is missing or is not the right one; send it as the header x-api-key."},
            status_code=401,
            headers={"www-authenticate": 'Basic realm="Early Help", charset="UTF-8"'},
        )
        await refusal(scope, receive, send_with_headers)

    def _holds_key(self, headers: Headers) -> bool:
        given = headers.get("x-api-key", "") or _password(headers.get("authorization", ""))
        return hmac.compare_digest(given.encode(), self.key)


def _password(authorization: str) -> str:
    """The password of a Basic authorization header; "" if it is none."""
    scheme, _, coded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(coded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
