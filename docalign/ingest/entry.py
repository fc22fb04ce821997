"""`ingest()`: a path, bytes or standard input becomes one `Document`.

Finds the format, has the file read by worker processes or in place, and hands pages to `layout`. Knows no format
itself; where the bytes are is `source`'s business, where pages come from `paged`'s.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from docalign.document import Document
from docalign.errors import DocalignError, EmptyInputError
from docalign.ingest.formats import Format, detect, fell_back, misnamed
from docalign.ingest.options import IngestOptions
from docalign.ingest.page import PageContent
from docalign.ingest.paged import PagedFile, page_limits
from docalign.ingest.plugins import load
from docalign.ingest.source import SourceFile, as_file
from docalign.ingest.work.pool import PoolShare, WorkerPool, available_cores

__all__ = ["ingest", "refuse_empty"]

_HEAD: Final = 4096
_TAIL: Final = 1 << 16
"""Where a ZIP has the names of its parts."""


def ingest(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    options: IngestOptions = IngestOptions(),  # noqa: B008 - frozen
    progress: Callable[[int, int], None] | None = None,
    pool: WorkerPool | PoolShare | None = None,
    on_page: Callable[[PageContent], None] | None = None,
) -> Document:
    """Read one file into a Document.

    Args:
        source: a path, the file's bytes, or `"-"` for standard input.
        name: what the document calls its source; the path as given (or `-`) without it.
        progress: called with (pages done, pages in all) as pages of a paged file come in.
        pool: worker processes to use and keep; without it the call starts and ends its own. Threads may share one.
        on_page: called with each page of a paged file, in order, before layout: what a report needs and a Document
            does not hold (seconds, the error of a page that failed).

    Raises:
        DocalignError: see `docalign.errors`; `source` is set. If only some pages fail, they are named in the
            document's warnings (with `strict` the first of them is the error); if every page fails, the first page's
            error is raised.
    """
    called = name or ("-" if isinstance(source, bytes) else str(source))
    try:
        with as_file(source, options) as file:
            found = _detect(file, called)
            doubt = misnamed(found, called)
            if found.kind == "text":
                document = _read_in_place(found, file, called)
                return _with_notes(document, load().problems) if fell_back(found, called) else document
            with nullcontext(pool) if pool is not None else WorkerPool(options.workers or available_cores()) as workers:
                reading = _Reading(found.reader, file, called, options, workers)
                flow = found.kind == "flow"
                document = _read_flow(reading) if flow else _read_paged(reading, progress, on_page)
                return _with_notes(document, [doubt] if doubt else [])
    except DocalignError as error:
        raise error.with_source(called) from error.__cause__


@dataclass(frozen=True, slots=True)
class _Reading:
    """One file being read: what, under which name, how and by whom."""

    reader: str
    file: SourceFile
    called: str
    options: IngestOptions
    pool: WorkerPool | PoolShare


def _detect(file: SourceFile, called: str) -> Format:
    with file.path.open("rb") as opened:
        head = opened.read(_HEAD)
        opened.seek(max(0, file.path.stat().st_size - _TAIL))
        return detect(head, called, opened.read(_TAIL))


def _read_in_place(found: Format, file: SourceFile, called: str) -> Document:
    module, _, function = found.reader.partition(":")
    read = getattr(importlib.import_module(module), function)
    document: Document = read(file.path.read_bytes(), source=called, sha256=file.sha256)
    return document


def _read_flow(reading: _Reading) -> Document:
    path, sha256, options = str(reading.file.path.absolute()), reading.file.sha256, reading.options
    limits = replace(page_limits(options), timeout_s=options.file_timeout_s, time_option="file_timeout_s")
    call = (reading.reader, path, options, reading.called, sha256)
    document: Document = reading.pool.call("docalign.ingest.pages:read_flow", *call, limits=limits)
    return document.check()


def _read_paged(
    reading: _Reading,
    progress: Callable[[int, int], None] | None,
    on_page: Callable[[PageContent], None] | None,
) -> Document:
    from docalign.ingest.layout.build import build_document
    from docalign.ingest.ocr.skew import straight_page, turn_back

    file = PagedFile(reading.reader, reading.file, reading.options, reading.pool)
    pages: list[PageContent] = []
    for page in file.pages():
        pages.append(page)
        if on_page is not None:
            on_page(page)
        if progress is not None:
            progress(page.number, file.facts.pages)
    document = build_document(
        [straight_page(p) for p in pages],
        source=reading.called,
        sha256=reading.file.sha256,
        outline=file.facts.outline,
    )
    document = turn_back(document, pages)
    return _with_notes(document, [*file.warnings, *_no_text(document, pages)])


def refuse_empty(document: Document) -> None:
    """Before chunking: a document without text gives no chunk, and whoever waits for chunks has to hear of it.

    Files of formats without pages never come so far. A blank scan does: it has pages, which a report or a viewer shows.

    Raises:
        EmptyInputError: there is nothing but white space; it says why.
    """
    if not document.text.strip():
        why = " ".join(document.warnings) or "it holds no text."
        remedy = "docalign ingest --report shows what was found on each page." if document.pages else "Check the file."
        raise EmptyInputError(f"nothing to chunk: {why}", source=document.source, remedy=remedy)


def _no_text(document: Document, pages: Sequence[PageContent]) -> Iterator[str]:
    """An empty result says why it is empty."""
    if document.text:
        return
    which = "page 1 holds" if len(pages) == 1 else f"none of its {len(pages)} pages holds"
    beside = " (text that no viewer shows was set aside)" if document.invisible else ""
    if all(page.kind == "blank" for page in pages):
        beside = ": it is blank" if len(pages) == 1 else ": they are blank"
    yield f"{which} {'no ' if len(pages) == 1 else ''}text to read{beside}."


def _with_notes(document: Document, notes: Iterable[str]) -> Document:
    """The document with these warnings, each once."""
    missing = [note for note in dict.fromkeys(notes) if note not in document.warnings]
    return replace(document, warnings=(*document.warnings, *missing)) if missing else document
