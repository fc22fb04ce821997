"""Errors as RFC 9457 problem details: the error tree's own fields, under `application/problem+json`."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from docalign.errors import BusyError, DocalignError, NotAllowedError, NotReadyError, UsageError

__all__ = ["MEDIA_TYPE", "Problem", "documented", "install", "problem"]

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_UNREADY_S: Final = 5


class Problem(BaseModel):
    """RFC 9457, with the fields of `docalign.error/1`."""

    type: str
    title: str
    status: int
    detail: str
    error: str
    remedy: str = ""
    source: str | None = None
    exit_code: int = 1
    request_id: str = ""


def problem(error: DocalignError, request_id: str) -> Response:
    """The response that an error is."""
    status = error.http_status
    headers = {}
    if isinstance(error, BusyError):
        headers["Retry-After"] = str(error.retry_after_s)
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(_RETRY_UNREADY_S)
    elif isinstance(error, NotAllowedError):
        headers["WWW-Authenticate"] = "Bearer"
    name = type(error).__name__
    return _response(
        status,
        {
            "type": f"urn:docalign:error:{name}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": error.what,
            "error": name,
            "remedy": error.remedy,
            "source": error.source,
            "exit_code": error.exit_code,
            "request_id": request_id,
        },
        headers,
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route says in the OpenAPI of the problems it may answer with."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "model": Problem, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Have every error of `app` answered as a problem."""

    @app.exception_handler(DocalignError)
    async def ours(request: Request, error: DocalignError) -> Response:
        return problem(error, _request_id(request))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem(UsageError(f"{where}: {first['msg']}.", remedy="See /docs."), _request_id(request))

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        body = {
            "type": "about:blank",
            "title": HTTPStatus(error.status_code).phrase,
            "status": error.status_code,
            "detail": str(error.detail),
            "error": "UsageError",
            "remedy": "See /docs.",
            "source": None,
            "exit_code": 2,
            "request_id": _request_id(request),
        }
        return _response(error.status_code, body, dict(error.headers or {}))


def unexpected(request_id: str) -> Response:
    """The answer to what nobody foresaw; the log has the kind of it under the request's id."""
    error = DocalignError("something unexpected went wrong.", remedy="Report it with the request id.")
    return problem(error, request_id)


def not_ready(what: str) -> NotReadyError:
    return NotReadyError(what, remedy="Try again in some seconds, or another replica.")


def _request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))


def _response(status: int, body: dict[str, Any], headers: dict[str, str]) -> Response:
    data = json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(data, status, headers, MEDIA_TYPE)
