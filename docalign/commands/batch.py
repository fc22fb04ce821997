"""Many inputs in one run: each result stands alone, a failure is written down and the rest goes on.

A folder of results can be completed by running again: what is finished for the same bytes and settings is skipped,
what failed is tried again. The next inputs are read while one is chunked; results come in the order of the inputs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Protocol

from docalign.commands.ahead import read_ahead
from docalign.commands.inputs import Input
from docalign.commands.messages import describe_crash, error, note
from docalign.commands.progress import Bar, progress_bar
from docalign.commands.results import write_stdout
from docalign.errors import DocalignError, ModelError, OutputError, OutputNameError, SomeFilesFailedError
from docalign.output.atomic import clean_stale, output_error, write_atomic
from docalign.output.journal import Journal, file_sha256, fingerprint
from docalign.output.jsonout import dump

__all__ = ["run_batch_to_folder", "run_batch_to_stdout"]

_LONGEST_NAME: Final = 255
"""Bytes of a file's name; the limit of every common file system."""
_KEPT: Final = 200


class Pipeline(Protocol):
    """What a batch needs to know of the work done on each input."""

    format: str
    readers: int

    def prepare(self) -> None:
        """Load what every input needs; what fails here would fail for each of them."""
        ...

    def read(self, job: Input) -> Any:
        """May be called by several threads at a time."""
        ...

    def finish(self, job: Input, read: Any, bar: Bar) -> bytes: ...

    def fingerprint(self) -> dict[str, Any]: ...


def run_batch_to_stdout(pipeline: Pipeline, jobs: Sequence[Input], *, quiet: bool) -> None:
    """Write every result to standard output, in the order of `jobs`.

    Raises:
        SomeFilesFailedError: after the last input, if any failed.
        ReaderGoneError: the reader of standard output has gone.
    """
    pipeline.prepare()
    failed = 0
    with progress_bar(len(jobs), quiet=quiet) as bar, closing(_reading(pipeline, jobs, pipeline.read, bar)) as reads:
        for job, read in reads:
            result = _finished(pipeline, job, read, bar)
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
    pipeline.prepare()
    results = _Folder(pipeline, folder)

    def read(job: Input) -> Any:
        return None if results.has(job) else pipeline.read(job)

    failed = skipped = 0
    with progress_bar(len(jobs), quiet=quiet) as bar, closing(_reading(pipeline, jobs, read, bar)) as reads:
        for job, found in reads:
            results.clean_around(job)
            if found is None:
                skipped += 1
                continue
            failed += not results.write(job, _finished(pipeline, job, found, bar))
    if not quiet:
        written = len(jobs) - failed - skipped
        note(f"{written} written to {folder}{f', {skipped} already there' if skipped else ''}")
    _finish(failed, len(jobs), f"see the .error.json files in {folder}")


def _reading(
    pipeline: Pipeline, jobs: Sequence[Input], read: Callable[[Input], Any], bar: Bar
) -> Generator[tuple[Input, Any], None, None]:
    """Each job with what `read` makes of it, or the exception it raised."""
    with closing(read_ahead(jobs, read, threads=pipeline.readers, ahead=pipeline.readers + 1)) as results:
        for job in jobs:
            bar.file(job.name)
            bar.stage("reading")
            yield job, next(results)


class _Folder:
    """The results below one folder: which are there already, and writing the others or what went wrong."""

    def __init__(self, pipeline: Pipeline, folder: Path) -> None:
        self._format = pipeline.format
        self._folder = folder
        self._journal = Journal(folder)
        self._settings = pipeline.fingerprint()
        self._cleaned: set[Path] = set()

    def has(self, job: Input) -> bool:
        """Whether the result is finished for the input's bytes and these settings. Any thread may ask."""
        sha256 = _sha256(job)
        if sha256 is None:
            return False
        return self._journal.is_finished(self._result(job), input_sha256=sha256, settings=self._of(job))

    def write(self, job: Input, data: bytes | DocalignError) -> bool:
        """Write the result, or why there is none; whether it is a result.

        Raises:
            OutputError: neither can be written, and nor could those of other inputs.
        """
        result, problem = self._folder / self._result(job), self._folder / error_name(job.name)
        if not isinstance(data, DocalignError):
            try:
                write_atomic(result, data)
            except OutputNameError as failure:
                error(failure)
                data = failure
            else:
                _remove(problem)
                sha256 = _sha256(job)
                if sha256:
                    self._journal.finish(self._result(job), data, input_sha256=sha256, settings=self._of(job))
                return True
        _remove(result)
        try:
            write_atomic(problem, dump(data.as_json() | {"source": job.name}, indent=2) + b"\n")
        except OutputNameError as failure:
            error(failure)  # the failure itself was said before
        return False

    def _result(self, job: Input) -> Path:
        return Path(f"{job.name}.chunks.{self._format}")

    def _of(self, job: Input) -> str:
        return fingerprint(self._settings | {"doc": job.name})

    def clean_around(self, job: Input) -> None:
        """Remove what killed runs left half-written where the job's result goes."""
        directory = (self._folder / job.name).parent
        if directory not in self._cleaned and directory.is_dir():
            clean_stale(directory)
        self._cleaned.add(directory)


def error_name(name: str) -> str:
    """Where the error of the input called `name` goes; a name too long is cut and told apart by a hash."""
    path = Path(f"{name}.error.json")
    if len(os.fsencode(path.name)) <= _LONGEST_NAME:
        return path.as_posix()
    kept = os.fsencode(path.name)[:_KEPT].decode("utf-8", "ignore")
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:12]
    return path.with_name(f"{kept}-{digest}.error.json").as_posix()


def _finished(pipeline: Pipeline, job: Input, read: Any, bar: Bar) -> bytes | DocalignError:
    """The result for one input, or what was wrong with it, already said on standard error.

    Raises:
        ModelError, OutputError: what the next input would meet as well.
    """
    try:
        if isinstance(read, Exception):
            raise read
        return pipeline.finish(job, read, bar)
    except (ModelError, OutputError):
        raise
    except DocalignError as problem:
        failure = problem.with_source(job.name)
    except Exception as problem:  # noqa: BLE001 - one file's surprise must not cost the others
        failure = describe_crash(problem).with_source(job.name)
    error(failure)
    return failure


def _sha256(job: Input) -> str | None:
    if job.path is None or job.problem is not None:
        return None
    try:
        return file_sha256(job.path)
    except (OSError, ValueError):
        return None  # reading it will say what is wrong


def _remove(path: Path) -> None:
    """Remove what an earlier run said about an input and is no longer true."""
    try:
        path.unlink(missing_ok=True)
    except OSError as problem:
        failure = output_error(problem, str(path))
        if not isinstance(failure, OutputNameError):  # a name that cannot be is not there
            raise failure from problem


def _finish(failed: int, total: int, then: str) -> None:
    if failed:
        raise SomeFilesFailedError(f"{failed} of {total} inputs failed; {then}.")
