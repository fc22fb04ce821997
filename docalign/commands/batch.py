"""Many inputs in one run: each result stands alone, a failure is written down and the rest goes on.

A folder of results can be completed by running again: what is finished for the same bytes and settings is skipped,
what failed is tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from docalign.commands.inputs import Input
from docalign.commands.messages import describe_crash, error, note
from docalign.commands.progress import Bar, progress_bar
from docalign.commands.results import write_stdout
from docalign.errors import DocalignError, ModelError, OutputError, SomeFilesFailedError, UsageError
from docalign.output.atomic import clean_stale, output_error, write_atomic
from docalign.output.journal import Journal, file_sha256, fingerprint
from docalign.output.jsonout import dump

__all__ = ["run_batch_to_folder", "run_batch_to_stdout"]

_FATAL = (OutputError, ModelError, UsageError)
"""What the next file would meet as well."""


class Pipeline(Protocol):
    """What a batch needs to know of the work done on each input."""

    format: str

    def run(self, job: Input, bar: Bar) -> bytes: ...

    def fingerprint(self) -> dict[str, Any]: ...


def run_batch_to_stdout(pipeline: Pipeline, jobs: Sequence[Input], *, quiet: bool) -> None:
    """Write every result to standard output, in the order of `jobs`.

    Raises:
        SomeFilesFailedError: after the last input, if any failed.
        ReaderGoneError: the reader of standard output has gone.
    """
    failed = 0
    with progress_bar(len(jobs), quiet=quiet) as bar:
        for job in jobs:
            result = _attempt(pipeline, job, bar)
            if isinstance(result, DocalignError):
                failed += 1
            else:
                write_stdout(result)
    _finish(failed, len(jobs), "the others are written")


def run_batch_to_folder(pipeline: Pipeline, jobs: Sequence[Input], folder: Path, *, quiet: bool) -> None:
    """Mirror the inputs below `folder`: `NAME.EXT.chunks.FORMAT` each, or `NAME.EXT.error.json`.

    Raises:
        SomeFilesFailedError: after the last input, if any failed.
        OutputError: a result cannot be written; the finished ones stay.
    """
    write_folder = _FolderWriter(pipeline, folder)
    failed = skipped = 0
    with progress_bar(len(jobs), quiet=quiet) as bar:
        for job in jobs:
            outcome = write_folder(job, bar)
            failed += outcome == "failed"
            skipped += outcome == "skipped"
    if not quiet:
        written = len(jobs) - failed - skipped
        note(f"{written} written to {folder}{f', {skipped} already there' if skipped else ''}")
    _finish(failed, len(jobs), f"see the .error.json files in {folder}")


class _FolderWriter:
    """Writes one input's result or error below a folder, and remembers what is finished."""

    def __init__(self, pipeline: Pipeline, folder: Path) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self._journal = Journal(folder)
        self._settings = pipeline.fingerprint()
        self._cleaned: set[Path] = set()

    def __call__(self, job: Input, bar: Bar) -> str:
        """`written`, `skipped` or `failed`."""
        result = Path(f"{job.name}.chunks.{self._pipeline.format}")
        problem = self._folder / f"{job.name}.error.json"
        self._clean(problem.parent)
        settings = fingerprint(self._settings | {"doc": job.name})
        sha256 = _sha256(job)
        if sha256 and self._journal.is_finished(result, input_sha256=sha256, settings=settings):
            return "skipped"
        data = _attempt(self._pipeline, job, bar)
        if isinstance(data, DocalignError):
            write_atomic(problem, dump(data.as_json() | {"source": job.name}, indent=2) + b"\n")
            _remove(self._folder / result)
            return "failed"
        write_atomic(self._folder / result, data)
        _remove(problem)
        if sha256:
            self._journal.finish(result, data, input_sha256=sha256, settings=settings)
        return "written"

    def _clean(self, directory: Path) -> None:
        if directory not in self._cleaned and directory.is_dir():
            clean_stale(directory)
        self._cleaned.add(directory)


def _attempt(pipeline: Pipeline, job: Input, bar: Bar) -> bytes | DocalignError:
    """The result for one input, or what was wrong with it, already said on standard error.

    Raises:
        DocalignError: what would fail for every other input too.
    """
    try:
        return pipeline.run(job, bar)
    except _FATAL:
        raise
    except DocalignError as problem:
        failure = problem.with_source(job.name)
    except Exception as problem:  # noqa: BLE001 - one file's surprise must not cost the others
        failure = describe_crash(problem).with_source(job.name)
    error(failure)
    return failure


def _sha256(job: Input) -> str | None:
    try:
        return file_sha256(job.path) if job.path is not None else None
    except OSError:
        return None  # reading it will say what is wrong


def _remove(path: Path) -> None:
    """Remove what an earlier run said about an input and is no longer true."""
    try:
        path.unlink(missing_ok=True)
    except OSError as problem:
        raise output_error(problem, str(path)) from problem


def _finish(failed: int, total: int, then: str) -> None:
    if failed:
        raise SomeFilesFailedError(f"{failed} of {total} inputs failed; {then}.")
