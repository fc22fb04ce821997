"""`docalign ingest`: one file becomes one `docalign.document/1` object, or a page that shows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from docalign.commands.inputs import Input, single
from docalign.commands.messages import warn
from docalign.commands.progress import progress_bar
from docalign.commands.reading import Read, check_languages, ingest_options, read_document
from docalign.commands.reporting import watch
from docalign.commands.results import STDOUT, keep_inputs, out_path, write_result
from docalign.errors import UsageError
from docalign.output.jsonout import render_document

if TYPE_CHECKING:
    from docalign.config import Settings
    from docalign.ingest import IngestOptions

__all__ = ["run_ingest"]

_FORMATS: Final = ("json", "html")


def run_ingest(
    argument: str,
    *,
    out: str | None,
    format: str,  # noqa: A002 - the flag's name
    report: str | None,
    stdin_name: str | None,
    settings: Settings,
    quiet: bool,
) -> None:
    """Read one file (`-`: standard input) and write its Document.

    Args:
        report: None for none, "" for a table on standard error, `-` or a path for JSON there; with `-` the Document
            is written only where `out` names a file.

    Raises:
        DocalignError: the input cannot be read or the result not written.
    """
    if format not in _FORMATS:
        raise UsageError(f"there is no document format {format!r}.", remedy=f"Choose one of {', '.join(_FORMATS)}.")
    job, options, place = single(argument, stdin_name=stdin_name), ingest_options(settings.ingest), out_path(out)
    _check_places(job, place, None if report in (None, "", STDOUT) else Path(str(report)))
    check_languages([job], settings.ingest, options)
    with watch(job.name, report) as watcher, progress_bar(1, quiet=quiet) as bar:
        bar.file(job.name)
        read = read_document(job, options, bar, on_page=watcher.on_page)
        watcher.document = read.document
    if report is None:  # a report says them itself
        for warning in read.document.warnings:
            warn(f"{job.name}: {warning}")
    if report != STDOUT or place is not None:
        write_result(_render(format, job, read, options), place)


def _render(format: str, job: Input, read: Read, options: IngestOptions) -> bytes:  # noqa: A002
    if format == "json":
        return render_document(read.document)
    from docalign.view import document_page, page_images

    source = read.data if job.path is None else job.path
    assert source is not None, "standard input is kept as bytes"
    pictures = page_images(source, read.document, password=options.password)
    return document_page(read.document, pictures).encode("utf-8", "replace")


def _check_places(job: Input, out: Path | None, report: Path | None) -> None:
    """No result may replace the input or the other result.

    Raises:
        UsageError: one would.
    """
    keep_inputs([place for place in (out, report) if place is not None], [job.path])
    if out is not None and report is not None and out.absolute() == report.absolute():
        raise UsageError("is where --out goes, too.", source=str(report), remedy="Name another file for the report.")
