"""The service on Ray Serve: a cluster starts and ends replicas as requests come and go.

    serve run docalign_service.ray_serve:build tokens_file=tokens.toml database=postgresql://… max_replicas=8 cpus=4

Every replica is the whole service with its own model; jobs are in the database, so any of them answers for any job.
Settings are those of `docalign serve` (docalign.toml, DOCALIGN_*) where `serve run` is called; arguments beat them.
Replicas refuse what they cannot take (429, Retry-After) themselves: Serve hands them several times more than they have
places for, because what it refuses on its own it refuses with 503. Needs the extra `ray-serve`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ray import serve

from docalign.config import Settings, load_settings
from docalign.errors import UsageError

from .app import build_app
from .problems import not_ready
from .settings import checked

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Arguments", "build"]

_MORE_THAN_PLACES: Final = 4
_HEALTH_EVERY_S: Final = 10.0


class Arguments(BaseModel):
    """What `serve run` may be given, `name=value`."""

    model_config = ConfigDict(extra="forbid")

    host: str = "0.0.0.0"  # noqa: S104 - whom Serve's proxies let in; without tokens only loopback is taken
    tokens_file: str | None = None
    database: str | None = None
    cpus: Annotated[float, Field(ge=1)] = 1
    gpus: Annotated[float, Field(ge=0)] = 0
    min_replicas: Annotated[int, Field(ge=1)] = 1
    max_replicas: Annotated[int, Field(ge=1)] = 1


def build(arguments: dict[str, Any]) -> serve.Application:
    """The application for `serve run`.

    Raises:
        UsageError: arguments or settings that make no sense, alone or together.
    """
    try:
        given = Arguments.model_validate(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.", remedy="See ray_serve.py.") from error
    settings = _settings(given)
    active = settings.serve.active_requests

    def app() -> FastAPI:
        return build_app(settings, wait=True)

    deployment = serve.deployment(
        serve.ingress(app)(_Replica),
        name="docalign",
        ray_actor_options={"num_cpus": given.cpus, "num_gpus": given.gpus},
        max_ongoing_requests=_MORE_THAN_PLACES * active,
        autoscaling_config={
            "min_replicas": given.min_replicas,
            "max_replicas": max(given.min_replicas, given.max_replicas),
            "target_ongoing_requests": max(1, active // 2),
        },
        health_check_period_s=_HEALTH_EVERY_S,
        graceful_shutdown_timeout_s=settings.serve.drain_s + 5,
    )
    return deployment.bind()


class _Replica:
    """What Serve asks besides HTTP."""

    app: FastAPI

    async def check_health(self) -> None:
        """A replica whose engine failed for good is replaced. A database that is away is no reason for that.

        Raises:
            NotReadyError: the engine does not answer.
        """
        current = self.app.state.service.models.current
        if current is None or not current.batcher.revive():
            raise not_ready("the model's engine has failed.")


def _settings(given: Arguments) -> Settings:
    """The settings of every replica, which may use as much of its machine as Ray gave it.

    Raises:
        UsageError: as `build`.
    """
    told = {"host": given.host, "tokens_file": given.tokens_file, "database": given.database}
    settings = load_settings(flags={"serve": told})
    cores = int(given.cpus)
    settings = replace(
        settings,
        serve=replace(settings.serve, runners=settings.serve.runners or (1 if given.gpus else cores)),
        ingest=replace(settings.ingest, workers=settings.ingest.workers or cores),
    )
    if given.max_replicas > 1 and not str(settings.serve.database or "").startswith("postgresql"):
        raise UsageError(
            "several replicas cannot share a SQLite file.", remedy="Give database=postgresql://…, or max_replicas=1."
        )
    return checked(settings)
