"""/v1/jobs: work too large to wait for. Acknowledged with 202 once it is kept; any replica answers for any job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from docalign import errors
from docalign.errors import DocalignError, NotDoneError

from ..jobs.store import Job, Jobs
from ..order import MEDIA_TYPES, ChunkQuery, order_for
from ..problems import documented, not_ready
from ..state import Service, service_of
from .body import OPENAPI_BODY, is_paged, received

__all__ = ["router"]

_T = TypeVar("_T")
JobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="As POST /v1/jobs gave it.")]

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


class Progress(BaseModel):
    """`stage` is waiting, reading (counted in pages), chunking (in blocks), done or failed."""

    stage: str
    done: int
    total: int


class JobView(BaseModel):
    """A job. `outcome` is about the result (media type, model, pages, chunks, warnings), `error` why there is none."""

    id: str
    state: str
    name: str
    bytes: int
    attempts: int
    created: datetime
    expires: datetime
    progress: Progress
    outcome: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


@router.post(
    "",
    status_code=202,
    summary="Hand in a job",
    response_model=JobView,
    responses=documented(400, 401, 413, 415, 422, 429, 500, 503, 507),
    openapi_extra=OPENAPI_BODY,
)
async def hand_in(request: Request, query: Annotated[ChunkQuery, Query()], response: Response) -> JobView:
    """Keeps the input and answers 202: from then on the job ends with a result or a named error, whatever happens."""
    service = service_of(request)
    store = _store(service)
    is_paged(request)
    async with received(request) as upload:
        order = order_for(query, service.settings, service.later, name=upload.name, password=upload.password)
        caller, data = request.state.caller, upload.data
        job = await _aside(service, lambda: store.add(caller, order, data))
    if service.runner is not None:
        service.runner.wake()
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return _view(job)


@router.get("/{job}", summary="How far a job is", response_model=JobView, responses=documented(400, 401, 404, 500, 503))
async def look(request: Request, job: JobId) -> JobView:
    service = service_of(request)
    store, tenant = _store(service), request.state.caller.tenant
    return _view(await _aside(service, lambda: store.get(job, tenant)))


@router.get(
    "/{job}/result",
    summary="A job's result",
    response_class=Response,
    responses={
        200: {"description": "The chunks.", "content": {media_type: {} for media_type in MEDIA_TYPES.values()}},
        **documented(400, 401, 404, 409, 413, 415, 422, 429, 500, 503, 507),
    },
)
async def result(request: Request, job: JobId) -> Response:
    """The chunks, byte for byte as `docalign chunk` writes them; 409 while there are none; a failed job's own error."""
    service = service_of(request)
    store, tenant = _store(service), request.state.caller.tenant
    found = await _aside(service, lambda: store.get(job, tenant))
    outcome = found.outcome or {}
    if found.state == "failed":
        raise _error(outcome["error"])
    if found.state != "done":
        raise NotDoneError(f"the job is {found.state}.", remedy="Ask GET /v1/jobs/{id} until it is done.")
    return StreamingResponse(
        store.content(job, "result"), media_type=outcome["media_type"], headers={"Docalign-Made-With": outcome["model"]}
    )


@router.delete(
    "/{job}",
    status_code=204,
    summary="Forget a job",
    response_class=Response,
    responses=documented(400, 401, 404, 500, 503),
)
async def forget(request: Request, job: JobId) -> Response:
    """Deletes the upload and the result; a running job is stopped."""
    service = service_of(request)
    store, tenant = _store(service), request.state.caller.tenant
    await _aside(service, lambda: store.delete(job, tenant))
    return Response(status_code=204)


def _store(service: Service) -> Jobs:
    if service.jobs is None:
        raise not_ready("the store of jobs is not open yet.")
    return service.jobs


async def _aside(service: Service, call: Callable[[], _T]) -> _T:
    """A call that blocks on the database, away from the event loop and not behind requests at work."""
    return await asyncio.get_running_loop().run_in_executor(service.aside, call)


def _view(job: Job) -> JobView:
    failed = job.state == "failed"
    return JobView(
        id=job.id,
        state=job.state,
        name=job.name,
        bytes=job.bytes,
        attempts=job.attempts,
        created=datetime.fromtimestamp(job.created_ms / 1000, UTC),
        expires=datetime.fromtimestamp(job.expires_ms / 1000, UTC),
        progress=Progress(stage=job.stage, done=job.done, total=job.total),
        outcome=None if failed else job.outcome,
        error=(job.outcome or {}).get("error") if failed else None,
    )


def _error(value: dict[str, Any]) -> DocalignError:
    """The error that a job ended with, as what it was."""
    kind = getattr(errors, str(value["error"]), DocalignError)
    made: DocalignError = kind(value["what"], source=value["source"], remedy=value["remedy"])
    return made
