"""Pages in parallel in worker processes that may crash, hang or be killed without harm to the rest.

The pool knows nothing about pages: it calls `module:function` with arguments and hands the results back in order. A
call that outlives its time or its memory has its worker killed with everything it started; a call whose worker died is
tried once more in a fresh one, since a crash may be the leftover of an earlier call, and is an error value after that.
Calls are handed out in a bounded window, so memory does not grow with the number of calls. Several threads may use one
pool, each for a file of its own; together they have no more than its workers.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Final, Self

from docalign.errors import DamagedInputError, DocalignError
from docalign.ingest.work.limits import Limits
from docalign.ingest.work.process import Died, WorkerProcess

__all__ = ["PoolShare", "WorkerPool", "available_cores"]

_WINDOW_PER_WORKER: Final = 4
_GROW_AFTER_S: Final = 0.1
"""Another worker is started only when calls are still waiting after this: a start costs about as much as ten pages."""
_SHARE_AFTER: Final = 8
"""Calls a thread may do with one worker while others wait: moving a file to another worker opens it once more."""
_MAX_CALLS: Final = 200
_MAX_RSS_MIB: Final = 400.0
"""A worker that keeps more than this is replaced; one that has read scans and tables keeps about 130."""


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WorkerPool:
    """Up to `workers` processes, started when needed and kept for the next file until `close`.

    A worker is replaced after `max_calls` calls, and after a tenth of them when it keeps more than `max_rss_mib`, so
    that what its libraries leak stays bounded; at once when it keeps half of what a call may have.
    """

    def __init__(
        self, workers: int | None = None, *, max_calls: int = _MAX_CALLS, max_rss_mib: float = _MAX_RSS_MIB
    ) -> None:
        self.workers = workers or available_cores()
        self._max_calls = max_calls
        self._max_rss_mib = max_rss_mib
        self._idle: list[WorkerProcess] = []
        self._busy = 0
        self._waiting = 0
        self._runs: set[_Run] = set()
        self._closed = False
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def busy(self) -> bool:
        """Whether every worker has a call."""
        return self._busy >= self.workers

    def close(self) -> None:
        """Stop what other threads still have running, and let all workers go."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
        self.stop_calls()
        for worker in idle:
            worker.close()

    def stop_calls(self) -> None:
        """Kill every call that runs now, whichever thread made it; those threads get a DocalignError."""
        with self._changed:
            runs = list(self._runs)
        for run in runs:
            run.stop()

    def call(self, target: str, *arguments: Any, limits: Limits) -> Any:
        """One call of `module:function`.

        Raises:
            DocalignError: what the function raised; DamagedInputError for a crash; LimitExceededError.
        """
        (result,) = self.map(target, [arguments], limits=limits)
        if isinstance(result, DocalignError):
            raise result
        return result

    def map(
        self,
        target: str,
        calls: Sequence[tuple[Any, ...]],
        *,
        limits: Limits,
        started: Callable[[Callable[[], None]], None] | None = None,
    ) -> Generator[Any, None, None]:
        """Results of `module:function` in the order of `calls`; a DocalignError as a value where a call failed.

        Leaving the iterator early, by an exception too, kills the calls still running.

        Args:
            started: told, before the first call, how to stop these calls from another thread.

        Raises:
            DocalignError: the pool was closed or told to stop meanwhile.
        """
        run = _Run(self, target, calls, limits)
        if started is not None:
            started(run.stop)
        with self._changed:
            if self._closed:
                raise _stopped()
            self._runs.add(run)
        threads = [
            threading.Thread(target=run.work, args=(_GROW_AFTER_S * number,), daemon=True)
            for number in range(min(self.workers, len(calls)))
        ]
        try:
            for thread in threads:
                thread.start()
            yield from run.results()
        finally:
            run.stop()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            with self._changed:
                self._runs.discard(run)

    def take(self, given_up: Callable[[], bool], *, fresh: bool) -> WorkerProcess | None:
        """A worker for this thread alone, when one is free; None if `given_up` says so before.

        Raises:
            OSError: no process can be started.
        """
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: given_up() or self._busy < self.workers)
            self._waiting -= 1
            if given_up():
                return None
            self._busy += 1
            worker = self._idle.pop() if self._idle else None
        try:
            if worker is not None and (fresh or not worker.alive):
                worker.close()
                worker = None
            return worker or WorkerProcess()
        except BaseException:
            self._free(None)
            raise

    def usable(self, worker: WorkerProcess) -> bool:
        """Whether a worker may do another call."""
        grown = worker.rss_mib > self._max_rss_mib and worker.calls >= self._max_calls / 10
        return worker.alive and worker.calls < self._max_calls and not (grown or worker.crowded)

    def give_back(self, worker: WorkerProcess) -> None:
        """Leave a worker to the next who needs one."""
        if self.usable(worker):
            self._free(worker)
        else:
            worker.close()
            self._free(None)

    def wanted_elsewhere(self) -> bool:
        """Whether another thread waits for a worker."""
        return self._waiting > 0

    def wake(self) -> None:
        """Have those who wait for a worker ask again whether they still want one."""
        with self._changed:
            self._changed.notify_all()

    def _free(self, worker: WorkerProcess | None) -> None:
        with self._changed:
            self._busy -= 1
            closed = self._closed
            if worker is not None and not closed:
                self._idle.append(worker)
            self._changed.notify_all()
        if worker is not None and closed:
            worker.close()


class PoolShare:
    """A pool as one file's reader sees it: `stop` ends what it asked for and nothing of the others."""

    def __init__(self, pool: WorkerPool) -> None:
        self.workers = pool.workers
        self._pool = pool
        self._lock = threading.Lock()
        self._stops: list[Callable[[], None]] = []
        self._stopped = False

    def call(self, target: str, *arguments: Any, limits: Limits) -> Any:
        """As `WorkerPool.call`."""
        (result,) = self.map(target, [arguments], limits=limits)
        if isinstance(result, DocalignError):
            raise result
        return result

    def map(self, target: str, calls: Sequence[tuple[Any, ...]], *, limits: Limits) -> Generator[Any, None, None]:
        """As `WorkerPool.map`."""
        return self._pool.map(target, calls, limits=limits, started=self._remember)

    def stop(self) -> None:
        """Kill what runs now, and whatever is asked for later; whoever waits for it gets a DocalignError."""
        with self._lock:
            self._stopped = True
            stops = list(self._stops)
        for stop in stops:
            stop()

    def _remember(self, stop: Callable[[], None]) -> None:
        with self._lock:
            self._stops.append(stop)
            stopped = self._stopped
        if stopped:
            stop()


def _stopped() -> DocalignError:
    return DocalignError("reading was stopped before its end.", remedy="Run it again.")


class _Run:
    """One `map`: which call is next, what came back, and who is busy. All under one condition."""

    def __init__(self, pool: WorkerPool, target: str, calls: Sequence[tuple[Any, ...]], limits: Limits) -> None:
        self._pool, self._target, self._calls, self._limits = pool, target, calls, limits
        self._window = pool.workers * _WINDOW_PER_WORKER
        self._changed = threading.Condition()
        self._next = 0
        self._taken_up = 0
        self._done: dict[int, Any] = {}
        self._busy: set[WorkerProcess] = set()
        self._stopped = False

    def work(self, delay_s: float) -> None:
        """A thread's life: take the next call, have a worker do it, leave the result."""
        with self._changed:
            if delay_s and self._changed.wait_for(self._all_claimed, delay_s):
                return
        worker: WorkerProcess | None = None
        calls = 0
        while (index := self._claim(keep=worker is not None)) is not None or worker is not None:
            if index is None or not self._keeps(worker, calls):
                self._give_back(worker)
                worker, calls = None, 0
            if index is not None:
                result, worker = self._attempt(index, worker)
                calls += 1
                self._leave(index, result)

    def _keeps(self, worker: WorkerProcess | None, calls: int) -> bool:
        return worker is not None and (calls < _SHARE_AFTER or not self._pool.wanted_elsewhere())

    def _attempt(self, index: int, worker: WorkerProcess | None) -> tuple[Any, WorkerProcess | None]:
        """The call's result after at most two tries, and a worker that may be used again."""
        result: Any = None
        for fresh in (False, True):
            try:
                worker = worker or self._take(fresh=fresh)
            except OSError as error:
                return DamagedInputError(f"no worker could be started ({error}).", remedy="Free memory."), None
            if worker is None:
                return _stopped(), None
            result = worker.call(self._target, self._calls[index], self._limits)
            if not self._pool.usable(worker):
                self._give_back(worker)
                worker = None
            if not isinstance(result, Died):
                return result, worker
        return result.error, None

    def _take(self, *, fresh: bool) -> WorkerProcess | None:
        worker = self._pool.take(lambda: self._stopped, fresh=fresh)
        if worker is not None:
            with self._changed:
                self._busy.add(worker)
                stopped = self._stopped
            if stopped:
                self._give_back(worker)
                return None
        return worker

    def _give_back(self, worker: WorkerProcess | None) -> None:
        if worker is not None:
            with self._changed:
                self._busy.discard(worker)
            self._pool.give_back(worker)

    def _all_claimed(self) -> bool:
        return self._stopped or self._next >= len(self._calls)

    def _claim(self, *, keep: bool) -> int | None:
        """The next call's index, None at the end; with `keep`, None also rather than wait for the reader of results."""
        with self._changed:
            ready = self._all_claimed() or self._next < self._taken_up + self._window
            if not ready and keep:
                return None
            self._changed.wait_for(lambda: self._all_claimed() or self._next < self._taken_up + self._window)
            if self._all_claimed():
                return None
            self._next += 1
            return self._next - 1

    def _leave(self, index: int, result: Any) -> None:
        with self._changed:
            self._done[index] = result
            self._changed.notify_all()

    def results(self) -> Iterator[Any]:
        for index in range(len(self._calls)):
            with self._changed:
                while index not in self._done and not self._stopped:
                    self._changed.wait()
                if index not in self._done:
                    raise _stopped()
                result = self._done.pop(index)
                self._taken_up = index + 1
                self._changed.notify_all()
            yield result

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            busy = list(self._busy)
            self._changed.notify_all()
        self._pool.wake()
        for worker in busy:
            worker.kill()
