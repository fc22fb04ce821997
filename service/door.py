"""What every request passes first, before a byte of its body is read: its id, its token, its size.

Pure ASGI, so that nothing is buffered. A request that is refused has its body read and thrown away up to a bound, since
a client that is still sending would otherwise never see the answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from docalign import __version__
from docalign.errors import DocalignError, LimitExceededError, UsageError

from . import judging
from .problems import problem, unexpected
from .ticket import GaveUpError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .auth import Caller
    from .metrics import Metrics

__all__ = ["Door"]

log = logging.getLogger("docalign.service")

_OPEN: Final = judging.OPEN | {"/", "/livez", "/readyz", "/metrics", "/docs", "/openapi.json"}
_OPEN_BELOW: Final = ("/static/", *judging.OPEN_BELOW)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_THROWN_AWAY: Final = 64 << 20
_QUIET_S: Final = 30.0
"""A client that sends nothing for so long while it owes a body is not waited for."""


class Door:
    """Middleware.

    Args:
        allow: tells whose request this is from its path and headers.
        refusal: the answer to an error, where it is another one than a problem.
        most: how long the body for a path may be.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allow: Callable[[str, Mapping[str, str]], Caller],
        refusal: Callable[[Scope, DocalignError], Response | None],
        most: Callable[[str], int],
        metrics: Metrics,
        model: Callable[[], str],
    ) -> None:
        self._app, self._allow, self._refusal = app, allow, refusal
        self._most, self._metrics, self._model = most, metrics, model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        visit = _Visit(scope, receive, send, headers.get("x-request-id"), self._model)
        scope.setdefault("state", {})["request_id"] = visit.id
        try:
            await self._visited(visit, scope, headers)
        finally:
            self._note(visit, scope)

    async def _visited(self, visit: _Visit, scope: Scope, headers: dict[str, str]) -> None:
        path = scope["path"]
        try:
            if path not in _OPEN and not path.startswith(_OPEN_BELOW):
                scope["state"]["caller"] = self._allow(path, headers)
            visit.most = self._most(path)
            visit.check_length(headers.get("content-length"))
            await self._app(scope, visit.receive, visit.send)
        except DocalignError as error:
            await visit.refuse(self._refusal(scope, error) or problem(error, visit.id))
        except GaveUpError:
            self._metrics.gone.inc()
            visit.status = 499
        except Exception as error:
            visit.crash = type(error).__name__
            log.exception("unexpected", exc_info=_without_text(error))
            await visit.refuse(unexpected(visit.id))

    def _note(self, visit: _Visit, scope: Scope) -> None:
        took = time.monotonic() - visit.began
        route = getattr(scope.get("route"), "path", "other")
        self._metrics.requests.labels(route, scope["method"], str(visit.status)).inc()
        self._metrics.seconds.labels(route).observe(took)
        caller = scope["state"].get("caller")
        log.info(
            json.dumps(
                {
                    "request_id": visit.id,
                    "tenant": caller.tenant if caller else None,
                    "method": scope["method"],
                    "route": route,
                    "status": visit.status,
                    "ms": round(took * 1000),
                    "bytes_in": visit.received,
                    **({"crash": visit.crash} if visit.crash else {}),
                }
            )
        )


class _Visit:
    """One request on its way: counts what comes in, marks what goes out."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, request_id: str | None, model: Callable[[], str]
    ) -> None:
        self.id = request_id if request_id and _REQUEST_ID.fullmatch(request_id) else secrets.token_hex(16)
        self.began = time.monotonic()
        self.most = 0
        self.received = 0
        self.status = 0
        self.crash = ""
        self._method = scope["method"]
        self._receive, self._send, self._model = receive, send, model
        self._complete = False
        self._owed = 0

    def check_length(self, header: str | None) -> None:
        """
        Raises:
            LimitExceededError: the body is longer than it may be. UsageError: the header is no length.
        """
        if header is None:
            return
        if not header.isascii() or not header.isdigit():
            raise UsageError("Content-Length is no number.", remedy="Send the length of the body.")
        self._owed = int(header)
        if self._owed > self.most:
            raise _too_long(self.most)

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), _QUIET_S)
        except TimeoutError as error:
            raise UsageError("the body stopped coming.", remedy="Send it without pauses.") from error
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self.received > self.most:
                raise _too_long(self.most)
        else:
            self._complete = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [
                *message.get("headers", []),
                (b"x-request-id", self.id.encode("latin-1")),
                (b"docalign-version", __version__.encode("latin-1")),
                (b"docalign-model", self._model().encode("latin-1", "replace")),
                (b"x-content-type-options", b"nosniff"),
            ]
            if not self._complete:
                await self._throw_away()
        await self._send(message)

    async def refuse(self, response: Any) -> None:
        """Answer, if nothing was answered yet."""
        if self.status == 0:
            await response({"type": "http", "method": self._method}, self._receive, self.send)

    async def _throw_away(self) -> None:
        self._complete = True
        left = _THROWN_AWAY
        if self._owed - self.received > left:
            return
        while left > 0:
            try:
                message = await asyncio.wait_for(self._receive(), _QUIET_S)
            except TimeoutError:
                return
            left -= len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body", False):
                return


def _too_long(most: int) -> LimitExceededError:
    return LimitExceededError(f"the body has more than {most} bytes.", remedy="Send it to /v1/jobs, or split it.")


def _without_text(error: Exception) -> tuple[type[BaseException], BaseException, Any]:
    """The error with its traceback and without its message, which may quote a document."""
    bare = RuntimeError(type(error).__name__)
    return RuntimeError, bare, error.__traceback__
