"""What a worker process does for ingestion: open a paged file once and read the pages it is asked for, or read a file
without pages whole.

The functions here are the pool's targets. They keep the paged file of the last call open, since the next call is most
likely about the same one.
"""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from docalign.ingest.page import OutlineEntry, PageContent

if TYPE_CHECKING:
    from docalign.document import Document
    from docalign.ingest.formats import FlowReader, PageReader
    from docalign.ingest.options import IngestOptions

__all__ = ["FileFacts", "inspect_file", "page_size", "read_flow", "read_page"]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What opening a paged file tells. The page cache keeps it: the types of its fields are imported at run time."""

    pages: int
    warnings: tuple[str, ...]
    outline: tuple[OutlineEntry, ...] = ()


_open: tuple[tuple[str, str, IngestOptions], PageReader] | None = None


def inspect_file(reader: str, path: str, options: IngestOptions) -> FileFacts:
    """Open the file with the reader class `module:name`; its errors are the reader's."""
    opened = _reader(reader, path, options)
    return FileFacts(opened.pages, opened.warnings, outline=getattr(opened, "outline", ()))


def read_page(reader: str, path: str, options: IngestOptions, index: int) -> PageContent:
    """Page `index` (from 0) of the file, with the seconds that reading it took."""
    began = time.perf_counter()
    page = _reader(reader, path, options).page(index)
    return replace(page, seconds=time.perf_counter() - began)


def page_size(reader: str, path: str, options: IngestOptions, index: int) -> tuple[float, float] | None:
    """Width and height in points of page `index` (from 0), unrotated; None if this reader cannot tell without more."""
    size = getattr(_reader(reader, path, options), "size", None)
    return size(index) if size is not None else None


def read_flow(reader: str, path: str, options: IngestOptions, source: str, sha256: str) -> Document:
    """A file without pages, by the reader function `module:name`."""
    close_file()
    read: FlowReader = _resolve(reader)
    return read(path, options, source=source, sha256=sha256)


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
        opened: PageReader = _resolve(reader)(path, options)
        _open = (key, opened)
    return _open[1]


def _resolve(reader: str) -> Any:
    module, _, name = reader.partition(":")
    return getattr(importlib.import_module(module), name)
