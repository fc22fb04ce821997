"""`ingest()`: a path, bytes or standard input becomes one `Document`.

Finds the format, enforces the limits that need no parsing, sends paged files through the worker pool and hands the
pages to `layout`. Knows no format itself.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from docalign.document import Document
from docalign.errors import (
    DocalignError,
    EmptyInputError,
    LimitExceededError,
    MissingInputError,
    OcrMissingError,
    UsageError,
)
from docalign.ingest.formats import Format, detect, fell_back
from docalign.ingest.limits import Limits
from docalign.ingest.options import IngestOptions
from docalign.ingest.page import PageContent
from docalign.ingest.pages import FileFacts
from docalign.ingest.plugins import load
from docalign.ingest.pool import WorkerPool, available_cores

__all__ = ["ingest"]

_HEAD: Final = 4096
_PIECE: Final = 1 << 20
_UNKNOWN_SIZE_PT: Final = (612.0, 792.0)


def ingest(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    options: IngestOptions = IngestOptions(),  # noqa: B008 - frozen
    progress: Callable[[int, int], None] | None = None,
    pool: WorkerPool | None = None,
    on_page: Callable[[PageContent], None] | None = None,
) -> Document:
    """Read one file into a Document.

    Args:
        source: a path, the file's bytes, or `"-"` for standard input.
        name: what the document calls its source; the path as given (or `-`) without it.
        progress: called with (pages done, pages in all) as pages of a paged file come in.
        pool: worker processes to use and keep; without it the call starts and ends its own.
        on_page: called with each page of a paged file, in order, before layout: what a report needs and a Document
            does not hold (seconds, the error of a page that failed).

    Raises:
        DocalignError: see `docalign.errors`; `source` is set. If only some pages fail, they are named in the
            document's warnings; if every page fails, the first page's error is raised.
    """
    called = name or ("-" if isinstance(source, bytes) else str(source))
    try:
        with _as_file(source, options) as (path, digest):
            with path.open("rb") as file:
                head = file.read(_HEAD)
            found = detect(head, called)
            if found.kind == "text":
                module, _, function = found.reader.partition(":")
                read = getattr(importlib.import_module(module), function)
                document: Document = read(path.read_bytes(), source=called, sha256=digest)
                return _with_notes(document, load().problems) if fell_back(found, called) else document
            with nullcontext(pool) if pool is not None else WorkerPool(options.workers or available_cores()) as workers:
                if found.kind == "flow":
                    return _read_flow(found, path, called, digest, options, workers)
                return _read_pages(found, path, called, digest, options, progress, on_page, workers)
    except DocalignError as error:
        raise error.with_source(called) from error.__cause__


@contextmanager
def _as_file(source: str | Path | bytes, options: IngestOptions) -> Iterator[tuple[Path, str]]:
    """The source as a file on disk that is neither empty nor too large, and the sha256 of its bytes."""
    if isinstance(source, bytes):
        if len(source) > options.max_bytes:
            raise _too_many_bytes(options)
        with _spooled([source]) as spooled:
            yield spooled
    elif str(source) == "-":
        with _spooled(_pieces(sys.stdin.buffer, options)) as spooled:
            yield spooled
    else:
        path = Path(source)
        yield path, _digest(path, options)


def _digest(path: Path, options: IngestOptions) -> str:
    if path.is_dir():
        raise UsageError("this is a directory.", remedy="Name a file in it.")
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            for piece in _pieces(file, options):
                digest.update(piece)
    except FileNotFoundError as error:
        raise MissingInputError("there is no such file.", remedy="Check the path.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MissingInputError(f"the file cannot be read ({reason}).", remedy="Check its permissions.") from error
    return digest.hexdigest()


def _pieces(file: BinaryIO, options: IngestOptions) -> Iterator[bytes]:
    total = 0
    while piece := file.read(_PIECE):
        total += len(piece)
        if total > options.max_bytes:
            raise _too_many_bytes(options)
        yield piece
    if total == 0:
        raise EmptyInputError("the file is empty (0 bytes).", remedy="Check how it was made.")


def _too_many_bytes(options: IngestOptions) -> LimitExceededError:
    return LimitExceededError(f"it has more than {options.max_bytes} bytes.", remedy="Raise max_bytes or split it.")


@contextmanager
def _spooled(pieces: Iterator[bytes] | list[bytes]) -> Iterator[tuple[Path, str]]:
    """Bytes in a temporary file, because workers open files by path."""
    digest = hashlib.sha256()
    handle, name = tempfile.mkstemp(prefix="docalign-")
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        if Path(name).stat().st_size == 0:
            raise EmptyInputError("the input is empty (0 bytes).", remedy="Check how it was made.")
        yield Path(name), digest.hexdigest()
    finally:
        Path(name).unlink(missing_ok=True)


def _read_flow(
    found: Format, path: Path, called: str, digest: str, options: IngestOptions, pool: WorkerPool
) -> Document:
    call = (found.reader, str(path.absolute()), options, called, digest)
    limits = replace(_page_limits(options), timeout_s=options.file_timeout_s, time_option="file_timeout_s")
    document: Document = pool.call("docalign.ingest.pages:read_flow", *call, limits=limits)
    return document.check()


def _page_limits(options: IngestOptions) -> Limits:
    return Limits(
        timeout_s=options.page_timeout_s,
        memory_mib=options.worker_memory_mib,
        output_mib=options.worker_output_mib,
    )


def _read_pages(
    found: Format,
    path: Path,
    called: str,
    digest: str,
    options: IngestOptions,
    progress: Callable[[int, int], None] | None,
    on_page: Callable[[PageContent], None] | None,
    pool: WorkerPool,
) -> Document:
    from docalign.ingest.layout import build_document
    from docalign.ingest.skew import straight_page, turn_back

    limits = _page_limits(options)
    about = (found.reader, str(path.absolute()), options)
    facts: FileFacts = pool.call("docalign.ingest.pages:inspect_file", *about, limits=limits)
    calls = [(*about, index) for index in range(facts.pages)]
    pages: list[PageContent] = []
    errors: list[DocalignError] = []
    results = pool.map("docalign.ingest.pages:read_page", calls, limits=limits)
    for number, result in enumerate(results, start=1):
        if isinstance(result, OcrMissingError):
            results.close()
            raise result
        if isinstance(result, DocalignError):
            if options.strict:
                results.close()
                raise type(result)(f"page {number} {result.what}", source=result.source, remedy=result.remedy)
            errors.append(result)
            result = PageContent(number, *_UNKNOWN_SIZE_PT, "blank", error=_said(result))
        pages.append(result)
        if on_page is not None:
            on_page(result)
        if progress is not None:
            progress(number, facts.pages)
    if len(errors) == facts.pages:
        raise _all_failed(errors)
    document = build_document([straight_page(p) for p in pages], source=called, sha256=digest, outline=facts.outline)
    document = turn_back(document, pages)
    return _with_notes(document, facts.warnings)


def _with_notes(document: Document, notes: Iterable[str]) -> Document:
    """The document with these warnings, each once."""
    missing = [note for note in dict.fromkeys(notes) if note not in document.warnings]
    return replace(document, warnings=(*document.warnings, *missing)) if missing else document


def _said(error: DocalignError) -> str:
    """What a page's warning says: a limit with the option that raises it."""
    return f"{error.what} {error.remedy}" if isinstance(error, LimitExceededError) else error.what


def _all_failed(errors: list[DocalignError]) -> DocalignError:
    first = errors[0]
    which = "its only page" if len(errors) == 1 else f"all {len(errors)} pages failed; the first"
    return type(first)(f"{which} {first.what}", source=first.source, remedy=first.remedy)
