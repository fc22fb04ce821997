"""What a worker process does for ingestion: open a paged file once, then read the pages it is asked for.

The functions here are the pool's targets. They keep the file of the last call open, since the next call is most
likely about the same one.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docalign.ingest.formats import PageReader
    from docalign.ingest.options import IngestOptions
    from docalign.ingest.page import PageContent

__all__ = ["FileFacts", "inspect_file", "read_page"]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What opening a paged file tells."""

    pages: int
    warnings: tuple[str, ...]


_open: tuple[tuple[str, str, IngestOptions], PageReader] | None = None


def inspect_file(reader: str, path: str, options: IngestOptions) -> FileFacts:
    """Open the file with the reader class `module:name`; its errors are the reader's."""
    opened = _reader(reader, path, options)
    return FileFacts(opened.pages, opened.warnings)


def read_page(reader: str, path: str, options: IngestOptions, index: int) -> PageContent:
    """Page `index` (from 0) of the file."""
    return _reader(reader, path, options).page(index)


def close_file() -> None:
    """Let go of the file that is still open."""
    global _open
    if _open is not None:
        _open[1].close()
        _open = None


def _reader(reader: str, path: str, options: IngestOptions) -> PageReader:
    global _open
    key = (reader, path, options)
    if _open is None or _open[0] != key:
        close_file()
        module, _, name = reader.partition(":")
        opened: PageReader = getattr(importlib.import_module(module), name)(path, options)
        _open = (key, opened)
    return _open[1]
