"""Ingestion: a file becomes one `Document`. Readers load when first used, so importing this is cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docalign.ingest.entry import ingest
    from docalign.ingest.many import ingest_many
    from docalign.ingest.options import IngestOptions
    from docalign.ingest.pool import WorkerPool

__all__ = ["IngestOptions", "WorkerPool", "ingest", "ingest_many"]

_HOMES = {
    "IngestOptions": "docalign.ingest.options",
    "WorkerPool": "docalign.ingest.pool",
    "ingest": "docalign.ingest.entry",
    "ingest_many": "docalign.ingest.many",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
