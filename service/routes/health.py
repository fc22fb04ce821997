"""/livez, /readyz, /metrics: for whoever looks after the service."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from ..metrics import CONTENT_TYPE
from ..state import service_of

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/livez", summary="Is the process there")
async def livez() -> dict[str, str]:
    """200 as long as the event loop turns. Restart the process where it does not."""
    return {"status": "ok"}


@router.get("/readyz", summary="Can it work", responses={503: {"description": "Not at the moment; `checks` says why."}})
async def readyz(request: Request) -> Response:
    """200 when the model answers, worker processes start, there is disk and the database answers; 503 otherwise."""
    checks = await service_of(request).checks()
    ready = all(said == "ok" for said in checks.values())
    body = {"status": "ok" if ready else "not ready", "checks": checks}
    return JSONResponse(body, 200 if ready else 503, headers={} if ready else {"Retry-After": "5"})


@router.get("/metrics", summary="For Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    service = service_of(request)
    service.observe()
    return Response(service.metrics.text(), headers={"Content-Type": CONTENT_TYPE})
