"""Reading the next inputs of a batch while the one at hand is chunked.

Threads take the inputs in order, a bounded number ahead of what has been taken up; results come back in order. The
threads are daemons: an interrupted batch does not wait for a page that takes minutes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Generic, TypeVar

__all__ = ["read_ahead"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def read_ahead(
    jobs: Sequence[_In], read: Callable[[_In], _Out], *, threads: int, ahead: int
) -> Generator[_Out | Exception, None, None]:
    """`read(job)` of each job, in order; the exception where it raised one.

    Args:
        threads: how many jobs are read at a time.
        ahead: how many results, finished or in work, there are at most beyond the one taken up last.
    """
    run = _Ahead(jobs, read, max(1, ahead))
    for _ in range(min(threads, len(jobs))):
        threading.Thread(target=run.work, daemon=True).start()
    try:
        yield from run.results()
    finally:
        run.stop()


class _Ahead(Generic[_In, _Out]):
    """Which job is next and what came back, under one condition."""

    def __init__(self, jobs: Sequence[_In], read: Callable[[_In], _Out], ahead: int) -> None:
        self._jobs, self._read, self._ahead = jobs, read, ahead
        self._changed = threading.Condition()
        self._next = 0
        self._taken_up = 0
        self._done: dict[int, _Out | Exception] = {}
        self._stopped = False

    def work(self) -> None:
        while (index := self._claim()) is not None:
            result: _Out | Exception
            try:
                result = self._read(self._jobs[index])
            except Exception as problem:  # noqa: BLE001 - handed on to whoever takes the result up
                result = problem
            with self._changed:
                self._done[index] = result
                self._changed.notify_all()

    def _claim(self) -> int | None:
        def free() -> bool:
            return self._stopped or self._next >= len(self._jobs) or self._next < self._taken_up + self._ahead

        with self._changed:
            self._changed.wait_for(free)
            if self._stopped or self._next >= len(self._jobs):
                return None
            self._next += 1
            return self._next - 1

    def results(self) -> Iterator[_Out | Exception]:
        for index in range(len(self._jobs)):
            with self._changed:
                while index not in self._done:
                    self._changed.wait()
                result = self._done.pop(index)
                self._taken_up = index + 1
                self._changed.notify_all()
            yield result

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
