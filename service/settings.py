"""What the service is started with, checked together before anything listens."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docalign.commands.reading import ingest_options
from docalign.errors import UsageError

if TYPE_CHECKING:
    from docalign.config import ServeSettings, Settings
    from docalign.ingest import IngestOptions

__all__ = ["Bounds", "bounds", "checked", "is_loopback"]

_COUNTS = (
    "batch_tokens", "active_requests", "queue_pages", "queue_tokens", "max_upload_mib", "max_pages", "max_job_mib",
    "max_job_pages", "request_timeout_s", "job_timeout_s", "job_ttl_h", "lease_s",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one request or job may be: `options` has the page, pixel and time limits of reading it."""

    bytes: int
    pages: int
    timeout_s: float
    options: IngestOptions


def bounds(settings: Settings, *, job: bool) -> Bounds:
    """The bounds of a job, or of a request that is answered at once; never wider than what `[ingest]` allows."""
    serve = settings.serve
    base = ingest_options(settings.ingest)
    size = min(base.max_bytes, (serve.max_job_mib if job else serve.max_upload_mib) << 20)
    pages = min(base.max_pages, serve.max_job_pages if job else serve.max_pages)
    return Bounds(size, pages, serve.job_timeout_s if job else serve.request_timeout_s, base)


def is_loopback(host: str) -> bool:
    """Whether nobody on another machine can connect to this address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked(settings: Settings) -> Settings:
    """The settings, if a service can be started with them.

    Raises:
        UsageError: a value makes no sense, or the service would be open to the network without tokens.
    """
    serve: ServeSettings = settings.serve
    for name in _COUNTS:
        if not getattr(serve, name) > 0:
            raise UsageError(f"[serve] {name} is {getattr(serve, name)}.", remedy="Use a number above 0.")
    if settings.feedback.overlap < 1:
        raise UsageError(
            f"[feedback] overlap is {settings.feedback.overlap}.", remedy="Let 1 or more annotators judge each task."
        )
    if serve.job_workers < 0 or serve.drain_s < 0 or not 0 <= serve.port < 65536:
        raise UsageError("[serve] job_workers, drain_s or port is out of range.", remedy="Use 0 or more.")
    if not serve.host:
        raise UsageError("[serve] host is empty.", remedy="Name an address, or leave it out.")
    if serve.tokens_file is None and not is_loopback(serve.host):
        raise UsageError(
            f"{serve.host} can be reached from other machines, and there are no tokens.",
            remedy="Name a tokens_file (`docalign serve --new-token TENANT` makes a token), or listen on 127.0.0.1.",
        )
    if serve.tokens_file is not None and not Path(serve.tokens_file).is_file():
        raise UsageError("there is no such tokens_file.", source=serve.tokens_file, remedy="Check the path.")
    if settings.ingest.password is not None:
        raise UsageError("[ingest] password would open every caller's files.", remedy="Leave it out.")
    return settings
