"""The page at `/`: hand in a file, watch it, see its chunks over its pages; and the API's at `/docs`. Plain files,
nothing built, nothing fetched from elsewhere.

What is shown is the self-contained view of `docalign chunk --format html`, in a frame that may run its own script and
nothing else: the policy of this page names that script and style by hash, since a frame made of a blob inherits it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from docalign.errors import NotFoundError
from docalign.view.html import STYLES
from docalign.view.shell import hashes

from .api import api_page

__all__ = ["page_router"]

_FILES: Final = {"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"}

page_router = APIRouter(include_in_schema=False)


@page_router.get("/")
async def index() -> Response:
    return Response(_read("index.html"), media_type="text/html; charset=utf-8", headers=_headers())


@page_router.get("/docs")
async def docs(request: Request) -> Response:
    page = api_page(request.app.openapi())
    return Response(page, media_type="text/html; charset=utf-8", headers=_headers())


@page_router.get("/static/{name}")
async def static(name: str) -> Response:
    if name not in _FILES:
        raise NotFoundError("there is no such file.")
    return Response(_read(name), media_type=_FILES[name], headers={"Cache-Control": "no-cache"})


@cache
def _read(name: str) -> bytes:
    assert __package__ is not None
    return (files(__package__) / "static" / name).read_bytes()


@cache
def _headers() -> dict[str, str]:
    style, script = hashes(STYLES)
    policy = (
        f"default-src 'none'; style-src 'self' '{style}'; script-src 'self' '{script}'; img-src data:; "
        "connect-src 'self'; frame-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-cache",
    }
