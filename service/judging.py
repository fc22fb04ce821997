"""The page people rank chunkings on, below /rank: the router of `docalign rank`, behind the service's tokens.

A browser cannot send a bearer token with a page. So whoever has one hands it in on a form, once, and the browser keeps
it in a cookie that no script sees, that no other site can have sent, and that opens /rank and nothing else: the API
asks for the header as ever. A token opens the page where its table says `judge = true` (or `admin`): the page shows
documents, of whichever tenant they are. Annotators sign in by name, and each belongs to the tenant of the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from docalign.errors import DocalignError, NotAllowedError
from docalign.feedback.web import Desk, rank_router
from docalign.feedback.web.forms import SentToken, read_form
from docalign.feedback.web.security import COOKIE_AGE_S, HEADERS, is_foreign

from .problems import not_ready
from .settings import is_loopback

if TYPE_CHECKING:
    from starlette.types import Scope

    from .auth import Caller
    from .state import Service

__all__ = ["ABOVE", "OPEN", "OPEN_BELOW", "Judging"]

ABOVE: Final = "/rank"
OPEN: Final = frozenset({f"{ABOVE}/sign-in"})
"""What needs no token: where one is handed in, and how that looks."""
OPEN_BELOW: Final = (f"{ABOVE}/assets/",)

_MAX_FORM_BYTES: Final = 8 * 1024
_COOKIE: Final = "docalign_rank_token"
_FORM: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sign in · docalign rank</title>
<link rel="icon" href="{assets}/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{assets}/palette.css">
<link rel="stylesheet" href="{assets}/rank.css">
</head>
<body class="plain">
<main>
<h1>Which chunks are better?</h1>
<p>This page asks for a token. Whoever runs the service gives you one.</p>
<form method="post" action="{here}" class="who">
<label for="name">Token</label>
<input id="name" name="token" type="password" required maxlength="400" autocomplete="current-password">
<button type="submit" class="main">Go on</button>
<p role="alert" class="hint">{problem}</p>
</form>
</main>
</body>
</html>
"""


class Judging:
    """Who may judge, and the desk they judge at."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._desk: Desk | None = None

    def routes(self) -> APIRouter:
        """The form for the token, and the page."""
        router = APIRouter(include_in_schema=False)
        router.include_router(self._sign_in(), prefix=ABOVE)
        router.include_router(rank_router(self.desk, prefix=ABOVE, team=self._team))
        return router

    def desk(self) -> Desk:
        """
        Raises:
            NotReadyError: the store is not open yet.
        """
        if self._desk is None:
            if self._service.work.opinions is None:
                raise not_ready("the store of rankings is not open yet.")
            overlap = self._service.settings.feedback.overlap
            self._desk = Desk(self._service.work.opinions.database, overlap=overlap)
        return self._desk

    def allow(self, path: str, headers: Mapping[str, str]) -> Caller:
        """Whose request this is, by its header or, below /rank, by its cookie.

        Raises:
            NotAllowedError: nobody's, or of somebody who may not judge; or of another site that gave its own name to
                this machine.
        """
        given = headers.get("authorization")
        if not _is_below(path):
            return self._service.allow(given)
        if self._service.tokens is None and not is_loopback(_host_name(headers)):
            raise NotAllowedError(
                "this page answers to the names of its own machine only.", remedy="Set a tokens_file."
            )
        caller = self._service.allow(given or _from_cookie(headers.get("cookie", "")))
        if not (caller.judge or caller.admin):
            raise NotAllowedError("this token does not open the page.", remedy="Ask for one with `judge = true`.")
        return caller

    def refusal(self, scope: Scope, error: DocalignError) -> Response | None:
        """For people who have no token yet: where to hand it in. None: an ordinary problem."""
        path = scope["path"]
        if not isinstance(error, NotAllowedError) or not _is_below(path):
            return None
        sign_in = f"{scope.get('root_path', '')}{ABOVE}/sign-in"
        if self._service.tokens is not None and scope["method"] == "GET" and path in (ABOVE, f"{ABOVE}/"):
            return RedirectResponse(sign_in, 303, headers=dict(HEADERS))
        said = escape(f"{error.what} {error.remedy}")
        words = f'<p><b>Not saved:</b> {said} <a href="{escape(sign_in)}">Sign in</a></p>'
        return HTMLResponse(words, error.http_status, headers=dict(HEADERS))

    def _sign_in(self) -> APIRouter:
        router = APIRouter()

        @router.get("/sign-in")
        def form(request: Request) -> Response:
            return _form(request)

        @router.post("/sign-in")
        async def token(request: Request) -> Response:
            if is_foreign(request):
                return _form(request, "This request does not come from this page.", 403)
            try:
                sent = await read_form(request, SentToken, most_bytes=_MAX_FORM_BYTES)
                value = sent.token.strip()
                cookie = {"authorization": f"Bearer {value}", "host": request.headers.get("host", "")}
                await run_in_threadpool(self.allow, f"{ABOVE}/", cookie)
            except DocalignError as error:
                return _form(request, f"{error.what} {error.remedy}", error.http_status)
            home = request.url_for("rank:page").path
            answer = RedirectResponse(home, 303, headers=dict(HEADERS))
            secure = request.url.scheme == "https"
            answer.set_cookie(
                _COOKIE, value, path=home, max_age=COOKIE_AGE_S, httponly=True, samesite="strict", secure=secure
            )
            return answer

        return router

    def _team(self, request: Request) -> str:
        """The tenant; where there are no tokens, there is one team and its names stay as they are."""
        return "" if self._service.tokens is None else str(request.state.caller.tenant)


def _form(request: Request, problem: str = "", status: int = 200) -> Response:
    assets = request.url_for("rank:asset", stamp="sign-in", name="rank.css").path.rpartition("/")[0]
    text = _FORM.format(assets=escape(assets), here=escape(request.url.path), problem=escape(problem))
    return HTMLResponse(text, status, headers={**HEADERS, "Cache-Control": "no-store"})


def _is_below(path: str) -> bool:
    return path == ABOVE or path.startswith(f"{ABOVE}/")


def _from_cookie(header: str) -> str | None:
    """The Authorization header that a cookie stands for."""
    try:
        found = SimpleCookie(header).get(_COOKIE)
    except CookieError:
        return None
    return None if found is None else f"Bearer {found.value}"


def _host_name(headers: Mapping[str, str]) -> str:
    """The name a request was sent to, without its port."""
    host = headers.get("host", "")
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
