"""What happens to one file on the cluster: a CPU task reads it, an actor that holds the model chunks its document.

A file that cannot be read or chunked becomes a row that says so; what every file would meet (no model, a full disk)
ends the run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docalign.chunker import Chunker, ChunkOptions
from docalign.document import Document
from docalign.errors import DocalignError, ModelError, ModelIncompatibleError, OutputError
from docalign.ingest import IngestOptions, WorkerPool, ingest
from docalign.integrations.ray.places import fetched, is_address, sha256_of
from docalign.output.jsonout import render_jsonl
from docalign.output.parquet import arrow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ChunkDocuments", "Job", "identity", "load_chunker", "read_files"]


@dataclass(frozen=True, slots=True)
class Job:
    """What to do with every file. `crash` makes an error of what nobody foresaw."""

    read: IngestOptions
    chunk: ChunkOptions
    model: str | None
    crash: Callable[[Exception], DocalignError]


def read_files(files: pa.Table, job: Job) -> Iterator[pa.Table]:
    """(name, where) → (name, sha256, document, error): one table a file, so that memory holds one document."""
    for row in files.to_pylist():
        yield _row(name=row["name"], **_read(row["name"], row["where"], job))


def load_chunker(model: str | None) -> Chunker:
    """The model on the device that this process was given.

    Raises:
        ModelError: it cannot be loaded.
    """
    from docalign.runtime.batching import choose_device, load_engine

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the cores have processes of their own
    device = choose_device()
    if device == "cpu":
        return Chunker.load(model, threads=1)
    return Chunker.load(model, make_engine=lambda graph, precision: load_engine(graph, precision, device))


def identity(model: str | None) -> dict[str, Any]:
    """What of the model decides chunks, as this process sees it."""
    return load_chunker(model).identity()


class ChunkDocuments:
    """The actor: (name, sha256, document, error) → (name, sha256, lines, warnings, pages, error)."""

    def __init__(self, job: Job, expected: str) -> None:
        """`expected` is the identity that every actor's model must have, as JSON.

        Raises:
            ModelIncompatibleError: this machine has another model or engine.
        """
        self._job = job
        self._chunker = load_chunker(job.model)
        found = json.dumps(self._chunker.identity(), sort_keys=True)
        if found != expected:
            raise ModelIncompatibleError(
                f"a machine of the cluster has another model or engine ({self._chunker.model_name}, "
                f"{self._chunker.engine.name}).",
                remedy="Install the same docalign, model and extras on all of them.",
            )

    def __call__(self, documents: pa.Table) -> Iterator[pa.Table]:
        for row in documents.to_pylist():
            made = {"error": row["error"]} if row["error"] else self._chunked(row["name"], row["document"])
            yield _row(name=row["name"], sha256=row["sha256"], **made)

    def _chunked(self, name: str, document: bytes) -> dict[str, Any]:
        def chunk() -> dict[str, Any]:
            read = Document.from_json(json.loads(document))
            lines = render_jsonl(self._chunker.chunk(read, self._job.chunk))
            return {"lines": lines, "pages": len(read.pages), "warnings": _json(list(read.warnings))}

        return _or_error(name, chunk, self._job)


def _read(name: str, where: str, job: Job) -> dict[str, Any]:
    def read() -> dict[str, Any]:
        source = fetched(where, job.read.max_bytes) if is_address(where) else Path(where)
        document = ingest(source, name=name, options=job.read, pool=_pool())
        return {"document": _json(document.to_json())}

    return {"sha256": sha256_of(where) or "", **_or_error(name, read, job)}


@cache
def _pool() -> WorkerPool:
    """One worker for hostile pages, kept for the next files of this process; it ends when the process does."""
    return WorkerPool(1)


def _or_error(name: str, work: Callable[[], dict[str, Any]], job: Job) -> dict[str, Any]:
    """What `work` gives, or why it could not.

    Raises:
        ModelError, OutputError: what the next file would meet as well.
    """
    try:
        return work()
    except (ModelError, OutputError):
        raise
    except DocalignError as error:
        failure = error.with_source(name)
    except Exception as error:  # noqa: BLE001 - one file's surprise must not cost the others
        failure = job.crash(error).with_source(name)
    return {"error": _json(failure.as_json() | {"source": name})}


def _json(value: Any) -> bytes:
    """JSON in ASCII: lone surrogates of broken files survive."""
    return json.dumps(value).encode("ascii")


def _row(**values: Any) -> pa.Table:
    """One row with the types of all rows, whatever is in it; what is not given is empty."""
    pa = arrow()
    schema = pa.schema(
        [
            ("name", pa.string()),
            ("sha256", pa.string()),
            ("document", pa.large_binary()),
            ("lines", pa.large_binary()),
            ("warnings", pa.binary()),
            ("pages", pa.int32()),
            ("error", pa.binary()),
        ]
    )
    empty = {"name": "", "sha256": "", "document": b"", "lines": b"", "warnings": b"[]", "pages": 0, "error": b""}
    return pa.Table.from_pylist([empty | values], schema=schema)
