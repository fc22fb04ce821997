"""The command line's side of ingestion: settings become options, a path or standard input becomes a Document."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from docalign.errors import DocalignError, MissingInputError

if TYPE_CHECKING:
    from docalign.commands.inputs import Input
    from docalign.commands.progress import Bar
    from docalign.config import IngestSettings
    from docalign.document import Document
    from docalign.ingest import IngestOptions, WorkerPool
    from docalign.ingest.page import PageContent

__all__ = ["Read", "check_languages", "ingest_options", "known_suffixes", "read_document", "standard_input"]

_HEAD = 4096


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


def check_languages(jobs: Iterable[Input], settings: IngestSettings, options: IngestOptions) -> None:
    """Before any work: is there an OCR engine for what was asked, if one of `jobs` may need it?

    Where nobody named a language, an engine or `--ocr always`, a missing engine is found out by the first page that
    needs one: digital files are read without.

    Raises:
        OcrMissingError: the remedy is the command that installs what is missing.
        UsageError: the languages are ill-formed.
    """
    from docalign.ingest.ocr.engine import choose_engine, split_languages

    split_languages(options.languages)
    asked = settings.languages is not None or options.ocr == "always" or options.ocr_engine == "hard"
    if options.ocr != "never" and asked and any(_may_need_ocr(job) for job in jobs):
        choose_engine(options.languages, options.ocr_engine)


def _may_need_ocr(job: Input) -> bool:
    """Whether the input is of a format with pages; standard input, which cannot be looked into, may be."""
    from docalign.ingest.formats import detect

    if job.problem is not None:
        return False  # and must not be opened: a pipe would wait
    try:
        head = b"%PDF-"
        if job.path is not None:
            with job.path.open("rb") as file:
                head = file.read(_HEAD)
        return detect(head, job.name).kind == "paged"
    except (DocalignError, OSError, ValueError):
        return False  # reading it will say what is wrong


def read_document(
    job: Input,
    options: IngestOptions,
    bar: Bar,
    pool: WorkerPool | None = None,
    on_page: Callable[[PageContent], None] | None = None,
) -> Read:
    """Ingest one input under the name it has in the results; `pool` keeps its worker processes for the next.

    Raises:
        DocalignError: it cannot be read.
    """
    from docalign.ingest import ingest

    if job.problem is not None:
        raise job.problem
    data = standard_input(options.max_bytes) if job.path is None else None
    source = job.path if job.path is not None else data or b""
    document = ingest(source, name=job.name, options=options, progress=bar.stage("reading"), pool=pool, on_page=on_page)
    return Read(document, data)


def standard_input(max_bytes: int) -> bytes:
    """What standard input holds, up to a byte more than `max_bytes`.

    Raises:
        MissingInputError: it cannot be read.
    """
    if sys.stdin is None:  # closed by whoever started this process (`<&-`)
        raise MissingInputError("standard input is closed.", source="-", remedy="Pipe a file into it, or name one.")
    try:
        return sys.stdin.buffer.read(max_bytes + 1)  # one byte over the limit is enough for the reader to refuse it
    except (OSError, ValueError) as error:
        raise MissingInputError(
            f"standard input cannot be read ({error}).", source="-", remedy="Pipe a file into it, or name one."
        ) from error
