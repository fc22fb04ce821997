"""POST /v1/chunk: one input, answered with the bytes that `docalign chunk` would write."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ..admission import estimate
from ..order import MEDIA_TYPES, ChunkQuery, order_for
from ..problems import documented, not_ready
from ..state import Service, service_of
from ..ticket import Ticket
from ..work import OUT_OF_TIME, Result
from .body import OPENAPI_BODY, is_paged, received

__all__ = ["router", "until_gone"]

_T = TypeVar("_T")
_WARNINGS_BYTES: Final = 4096

router = APIRouter(tags=["chunk"])


@router.post(
    "/v1/chunk",
    summary="Chunk one input",
    response_class=Response,
    responses={
        200: {
            "description": "The chunks, as `docalign chunk` writes them.",
            "content": {m: {} for m in MEDIA_TYPES.values()},
        },
        **documented(400, 401, 404, 413, 415, 422, 429, 500, 503, 507),
    },
    openapi_extra=OPENAPI_BODY,
)
async def chunk(request: Request, query: Annotated[ChunkQuery, Query()]) -> Response:
    """Answers with the chunks of a file, a text or a Document within the service's bounds; larger work is for jobs.

    The body is the same, byte for byte, as what `docalign chunk` prints with the same options and model.
    """
    service = service_of(request)
    current = service.models.current
    if service.draining or current is None or not current.batcher.revive():
        raise not_ready("the service is not ready for work.")
    size = int(request.headers.get("content-length") or 0)
    cost = estimate(size, paged=is_paged(request), most_pages=service.now.pages)
    with service.admission.enter(request.state.caller, cost) as place:
        async with received(request) as upload:
            order = order_for(query, service.settings, service.now, name=upload.name, password=upload.password)
            data = upload.read()
        ticket = Ticket()
        tenant = request.state.caller.tenant
        result = await until_gone(
            request, service, ticket, lambda: service.work.do(data, order, ticket, tenant=tenant, place=place)
        )
    service.metrics.pages.inc(result.pages)
    service.metrics.chunks.inc(result.chunks)
    return Response(result.data, media_type=result.media_type, headers=_headers(result))


async def until_gone(request: Request, service: Service, ticket: Ticket, work: Callable[[], _T]) -> _T:
    """What `work` gives, done in a thread; the ticket is given up when the client leaves or the time is over.

    Raises:
        GaveUpError: the client left.
    """
    loop = asyncio.get_running_loop()
    doing = loop.run_in_executor(service.threads, work)
    watching = asyncio.create_task(_left(request))
    timer = loop.call_later(service.now.timeout_s, ticket.give_up, OUT_OF_TIME)
    try:
        waiting: set[asyncio.Future[Any]] = {doing, watching}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            ticket.give_up()
            await asyncio.wait({doing})
        return doing.result()
    except asyncio.CancelledError:
        ticket.give_up()
        raise
    finally:
        timer.cancel()
        watching.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _headers(result: Result) -> dict[str, str]:
    """Which model, how many pages, what feedback calls it; and what the command line would have said on standard error
    (`Docalign-Warnings`, JSON, percent-encoded)."""
    warnings: list[Any] = list(result.warnings)
    said = quote(json.dumps(warnings))
    while len(said) > _WARNINGS_BYTES:
        warnings = [*warnings[:-2], "…"] if len(warnings) > 1 else ["…"]
        said = quote(json.dumps(warnings))
    headers = {"Docalign-Made-With": result.model, "Docalign-Pages": str(result.pages)}
    if result.chunking is not None:
        headers["Docalign-Chunking"] = result.chunking
    return headers | ({"Docalign-Warnings": said} if warnings else {})
