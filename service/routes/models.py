"""/v1/models: which models are here, and putting another to work."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from docalign.errors import NotAllowedError

from ..problems import documented
from ..state import service_of

__all__ = ["router"]

router = APIRouter(prefix="/v1/models", tags=["models"])


class Switch(BaseModel):
    """`name` of an installed model; null reads the configured one again."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, max_length=200)


@router.get("", summary="The installed models", responses=documented(401, 500))
async def listed(request: Request) -> dict[str, Any]:
    service = service_of(request)
    return {"device": service.models.device, "models": service.models.listed()}


@router.put("/current", summary="Put another model to work", responses=documented(400, 401, 404, 500, 503))
async def switch(request: Request, wanted: Switch) -> dict[str, str]:
    """Loads it beside the one at work, warms it up, then switches; requests under way end with the model they began
    with. If anything fails the old model stays. Needs an admin's token."""
    service = service_of(request)
    if not request.state.caller.admin:
        raise NotAllowedError("this needs an admin's token.", remedy="Ask whoever runs the service.")
    version = await asyncio.get_running_loop().run_in_executor(
        service.aside, lambda: service.models.switch(wanted.name)
    )
    return {"version": version}
