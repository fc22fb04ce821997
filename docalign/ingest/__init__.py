"""Ingestion: a file becomes one `Document`. Readers load when first used, so importing this is cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docalign.ingest.entry import ingest, refuse_empty
    from docalign.ingest.options import IngestOptions
    from docalign.ingest.work.pool import WorkerPool

__all__ = ["IngestOptions", "WorkerPool", "ingest", "refuse_empty"]

_HOMES = {
    "IngestOptions": "docalign.ingest.options",
    "WorkerPool": "docalign.ingest.work.pool",
    "ingest": "docalign.ingest.entry",
    "refuse_empty": "docalign.ingest.entry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
