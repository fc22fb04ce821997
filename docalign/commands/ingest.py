"""`docalign ingest`: one file becomes one `docalign.document/1` object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docalign.commands.inputs import STDIN, Input
from docalign.commands.messages import warn
from docalign.commands.progress import progress_bar
from docalign.commands.reading import ingest_options, read_document
from docalign.commands.results import out_path, write_result
from docalign.output.jsonout import render_document

if TYPE_CHECKING:
    from docalign.config import Settings

__all__ = ["run_ingest"]


def run_ingest(argument: str, *, out: str | None, settings: Settings, quiet: bool) -> None:
    """Read one file (`-`: standard input) and write its Document.

    Raises:
        DocalignError: the input cannot be read or the result not written.
    """
    job = Input(STDIN, None) if argument == STDIN else Input(Path(argument).name, Path(argument))
    with progress_bar(1, quiet=quiet) as bar:
        bar.file(job.name)
        document = read_document(job, ingest_options(settings.ingest), bar).document
    for warning in document.warnings:
        warn(f"{job.name}: {warning}")
    write_result(render_document(document), out_path(out))
