"""The app that `docalign rank` serves: the router, and the door in front of it."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from docalign.feedback.web.desk import Desk
from docalign.feedback.web.routes import rank_router
from docalign.feedback.web.security import Door

__all__ = ["LOOPBACK", "create_app"]

LOOPBACK: Final = ("127.0.0.1", "localhost")


def create_app(desk: Desk, *, token: str | None = None) -> FastAPI:
    """The app for `desk`.

    Args:
        token: what visitors must show; None for a page that is bound to this machine only. Then it answers to no other
            name, so that a foreign site cannot reach it through a name of its own.
    """
    front = (
        Middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK)) if token is None else Middleware(Door, token)
    )
    app = FastAPI(title="docalign rank", openapi_url=None, docs_url=None, redoc_url=None, middleware=[front])
    app.include_router(rank_router(desk))
    return app
