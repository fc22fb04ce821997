"""Who may talk to the page, and what its answers may do in a browser.

* Every answer carries a policy that allows its own scripts, styles and pictures and nothing else: no inline script, no
  other host, no frame. A document that slipped markup past the escaping could run nothing and call nobody.
* A request that changes something must come from the page itself (`Sec-Fetch-Site`, else `Origin`); a browser sends one
  or the other with every POST.
* The app answers only to the names it is bound to, so that no other site can point its own name at it, and where it is
  bound to more than this machine it asks for a token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from hmac import compare_digest
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["COOKIE_AGE_S", "HEADERS", "Door", "is_foreign"]

COOKIE_AGE_S: Final = 90 * 24 * 3600
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_SAFE: Final = {"GET", "HEAD", "OPTIONS"}
_TOKEN_COOKIE: Final = "docalign_rank_token"  # noqa: S105 - the cookie's name


def is_foreign(request: Request) -> bool:
    """Whether a request that would change something does not come from a page of ours."""
    if request.method in _SAFE:
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc != request.headers.get("host")


class Door:
    """Lets in who has the token: once in the address (`?token=…`), from then on in a cookie."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._hash = _hashed(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = request.query_params.get("token")
        if self._fits(request.cookies.get(_TOKEN_COOKIE)):
            await self._app(scope, receive, send)
        elif request.method in _SAFE and self._fits(given):
            await self._admit(request.url, str(given))(scope, receive, send)
        else:
            words = "This page asks for its token: open the address that `docalign rank` printed.\n"
            await PlainTextResponse(words, 401, headers=dict(HEADERS))(scope, receive, send)

    def _fits(self, token: str | None) -> bool:
        return token is not None and compare_digest(_hashed(token), self._hash)

    def _admit(self, url: URL, token: str) -> RedirectResponse:
        answer = RedirectResponse(url.remove_query_params("token").path, 303, headers=dict(HEADERS))
        answer.set_cookie(
            _TOKEN_COOKIE, token, max_age=COOKIE_AGE_S, httponly=True, samesite="strict", secure=url.scheme == "https"
        )
        return answer


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
