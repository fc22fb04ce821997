"""The application: routes behind the door, and a service that starts and stops with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from docalign import __version__
from docalign.errors import DocalignError
from docalign.feedback.web.feedback_routes import feedback_router

from . import problems
from .door import Door
from .judging import Judging
from .page import page_router
from .routes import chunk, health, jobs, models
from .settings import checked
from .state import Service

if TYPE_CHECKING:
    from docalign.config import Settings

__all__ = ["build_app"]

log = logging.getLogger("docalign.service")


def build_app(settings: Settings, *, wait: bool = False) -> FastAPI:
    """The ASGI application for these settings.

    Args:
        wait: whether starting waits for the model; otherwise /readyz says 503 until it is there.

    Raises:
        UsageError: settings that make no sense together.
    """
    service = Service(checked(settings))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        starting = asyncio.create_task(_start(service))
        if wait:
            await starting
            if service.problem is not None:
                raise service.problem
        try:
            yield
        finally:
            await asyncio.get_running_loop().run_in_executor(None, service.stop)

    app = FastAPI(
        title="docalign",
        version=__version__,
        summary="PDFs and scans into chunks.",
        lifespan=lifespan,
        docs_url=None,  # `page/` has one that fetches nothing from elsewhere
        redoc_url=None,
        responses={},
    )
    app.state.service = service
    for part in (chunk, jobs, models, health):
        app.include_router(part.router)
    app.include_router(
        feedback_router(
            service.opinions,
            keep_text=settings.serve.keep_text,
            who=lambda request: request.state.caller.tenant,
            tenant=lambda request: None if service.tokens is None else request.state.caller.tenant,
        ),
        tags=["feedback"],
        responses=problems.documented(400, 401, 404, 409, 413, 422, 500, 503),
    )
    app.include_router(page_router)
    judging = Judging(service)
    app.include_router(judging.routes())
    problems.install(app)
    app.add_middleware(
        Door,
        allow=judging.allow,
        refusal=judging.refusal,
        most=service.most_bytes,
        metrics=service.metrics,
        model=lambda: service.models.version,
    )
    return app


async def _start(service: Service) -> None:
    """Start it in the background; why it could not is kept in `problem`, for whoever runs it to end with."""
    try:
        await asyncio.get_running_loop().run_in_executor(None, service.start)
    except DocalignError as error:
        service.failure, service.problem = f"failed: {error.what}", error
        log.error("the service cannot start: %s", error)
