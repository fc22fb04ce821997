"""Many files through one pool: the next ones are read while the caller works with this one.

One file after the other leaves cores idle: at the last page of a scan, and all the time for files of one page.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

from docalign.document import Document
from docalign.errors import DocalignError
from docalign.ingest.entry import ingest
from docalign.ingest.options import IngestOptions
from docalign.ingest.pool import WorkerPool, available_cores

__all__ = ["ingest_many"]

_RETRY_S: Final = 0.05

Source = str | Path | bytes


def ingest_many(
    inputs: Iterable[tuple[Source, str | None]],
    *,
    options: IngestOptions = IngestOptions(),  # noqa: B008 - frozen
    pool: WorkerPool | None = None,
    ahead: int | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> Generator[Future[Document], None, None]:
    """Read files ahead of the caller; a finished future for each, in the order of `inputs`.

        for (path, name), future in zip(inputs, ingest_many(inputs, options=options)):
            document = future.result()  # raises what `ingest` raises

    Args:
        inputs: (source, name) of each file, as `ingest` takes them; drawn only as far as files are read ahead.
        options: how all of them are read.
        pool: worker processes to use and keep; without it the call starts and ends its own.
        ahead: how many files may be read or wait, read, at a time, besides the one the caller has; as many documents
            are held in memory. One more than the workers by default.
        progress: called with (index of the input, its pages done, its pages in all), from other threads.

    Leaving the generator early (by an exception of the caller, too) ends the reading at once; a pool that was given
    stays usable, but other calls running in it are stopped as well.
    """
    with _own(pool, options) as workers, _Readers(workers, options, ahead or workers.workers + 1, progress) as readers:
        numbered = enumerate(inputs)
        for number, (source, name) in islice(numbered, readers.ahead):
            readers.start(number, source, name)
        while readers.futures:
            future = readers.futures.popleft()
            wait([future])
            for number, (source, name) in islice(numbered, 1):
                readers.start(number, source, name)
            yield future


@contextmanager
def _own(pool: WorkerPool | None, options: IngestOptions) -> Iterator[WorkerPool]:
    if pool is not None:
        yield pool
    else:
        with WorkerPool(options.workers or available_cores()) as made:
            yield made


class _Readers:
    """Threads that read a file each; `futures` in the order of the inputs."""

    def __init__(
        self, pool: WorkerPool, options: IngestOptions, ahead: int, progress: Callable[[int, int, int], None] | None
    ) -> None:
        self.ahead = ahead
        self.futures: deque[Future[Document]] = deque()
        self._pool, self._options, self._progress = pool, options, progress
        self._threads = ThreadPoolExecutor(ahead, thread_name_prefix="docalign-read")
        self._left = False

    def __enter__(self) -> _Readers:
        return self

    def __exit__(self, *_: object) -> None:
        self._left = True
        running = {future for future in self.futures if not future.cancel()}
        while running:
            self._pool.stop_calls()
            running = wait(running, timeout=_RETRY_S).not_done
        self._threads.shutdown()

    def start(self, number: int, source: Source, name: str | None) -> None:
        self.futures.append(self._threads.submit(self._read, number, source, name))

    def _read(self, number: int, source: Source, name: str | None) -> Document:
        def page_done(done: int, pages: int) -> None:
            if self._left:
                raise DocalignError("reading was stopped before its end.", remedy="Run it again.")
            if self._progress is not None:
                self._progress(number, done, pages)

        return ingest(source, name=name, options=self._options, progress=page_done, pool=self._pool)
