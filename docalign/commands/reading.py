"""The command line's side of ingestion: settings become options, a path or standard input becomes a Document."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docalign.commands.inputs import Input
    from docalign.commands.progress import Bar
    from docalign.config import IngestSettings
    from docalign.document import Document
    from docalign.ingest import IngestOptions, WorkerPool

__all__ = ["Read", "ingest_options", "known_suffixes", "read_document"]


@dataclass(frozen=True, slots=True)
class Read:
    """A document, and the bytes it came from where they came from standard input and cannot be read again."""

    document: Document
    data: bytes | None


def ingest_options(settings: IngestSettings) -> IngestOptions:
    """The options these settings ask for; what is None keeps the reader's own default.

    Raises:
        UsageError: a value makes no sense.
    """
    from docalign.ingest import IngestOptions

    given = {f.name: getattr(settings, f.name) for f in fields(settings)}
    return IngestOptions(**{name: value for name, value in given.items() if value is not None})


def known_suffixes() -> frozenset[str]:
    """Lower-case suffixes of the files a directory is searched for."""
    from docalign.ingest.formats import FORMATS
    from docalign.ingest.plugins import load

    return frozenset(suffix for known in (*FORMATS, *load().formats) for suffix in known.suffixes)


def read_document(job: Input, options: IngestOptions, bar: Bar, pool: WorkerPool | None = None) -> Read:
    """Ingest one input under the name it has in the results; `pool` keeps its worker processes for the next.

    Raises:
        DocalignError: it cannot be read.
    """
    from docalign.ingest import ingest

    # One byte over the limit is enough for the reader to refuse it.
    data = sys.stdin.buffer.read(options.max_bytes + 1) if job.path is None else None
    source = job.path if job.path is not None else data or b""
    return Read(ingest(source, name=job.name, options=options, progress=bar.stage("reading"), pool=pool), data)
