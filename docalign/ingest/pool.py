"""Pages in parallel in worker processes that may crash, hang or be killed without harm to the rest.

The pool knows nothing about pages: it calls `module:function` with arguments and hands the results back in order. A
call that outlives its time has its worker killed with everything it started; a worker that dies becomes an error
value. Calls are handed out in a bounded window, so memory does not grow with the number of calls.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, Self

from docalign.errors import DamagedInputError, DocalignError, PageTimeoutError
from docalign.ingest.worker import receive, send

__all__ = ["WorkerPool", "available_cores"]

_WINDOW_PER_WORKER: Final = 4
_GROW_AFTER_S: Final = 0.1
"""Another worker is started only when calls are still waiting after this: a start costs about as much as ten pages."""
_RAISE_TIMEOUT: Final = "Raise page_timeout_s if the page is worth it."
_SAVE_AGAIN: Final = "The file may be damaged; save it again and retry."
_BOOT: Final = "import sys; sys.path[:] = {path!r}; from docalign.ingest.worker import main; main()"
_THREADS: Final = ("OMP_THREAD_LIMIT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ENVIRONMENT: Final = {**dict.fromkeys(_THREADS, "1"), "MALLOC_ARENA_MAX": "2"}
"""One thread each: there is a process per core already."""


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """One child process; used by one thread at a time."""

    def __init__(self) -> None:
        self.calls = 0
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,
        )

    def call(self, target: str, arguments: tuple[Any, ...], timeout_s: float) -> Any:
        """The function's result, or the DocalignError it raised or met with, as a value. Dead after a crash."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.calls += 1
        late = threading.Event()

        def stop() -> None:
            late.set()
            self.kill()

        timer = threading.Timer(timeout_s, stop)
        timer.daemon = True
        timer.start()
        try:
            send(self._process.stdin, (target, arguments))
            kind, value = receive(self._process.stdout)
        except (EOFError, OSError):
            self.kill()
            if late.is_set():
                return PageTimeoutError(f"took longer than {timeout_s:g} s and was stopped.", remedy=_RAISE_TIMEOUT)
            return DamagedInputError(f"the reader crashed ({self._last_words()}).", remedy=_SAVE_AGAIN)
        finally:
            timer.cancel()
        if kind == "failure":
            return DamagedInputError(f"could not be read ({value}).", remedy=_SAVE_AGAIN)
        return value

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process and all it started, now."""
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Hang up; an idle worker leaves by itself."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self.kill()
        self._said.close()

    def _last_words(self) -> str:
        code = self._process.returncode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - 200))
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        return f"{how}: {lines[-1]}" if lines else how


class WorkerPool:
    """Up to `workers` processes, started when needed and kept for the next file until `close`.

    A worker is replaced after `max_calls` calls, so that what its libraries leak stays bounded. One thread may use the
    pool at a time.
    """

    def __init__(self, workers: int | None = None, *, max_calls: int = 200) -> None:
        self._workers = workers or available_cores()
        self._max_calls = max_calls
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let all workers go."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def call(self, target: str, *arguments: Any, timeout_s: float) -> Any:
        """One call of `module:function`.

        Raises:
            DocalignError: what the function raised; DamagedInputError for a crash; PageTimeoutError.
        """
        worker = self._take()
        try:
            result = worker.call(target, arguments, timeout_s)
        except BaseException:
            worker.kill()
            raise
        finally:
            self._give_back(worker)
        if isinstance(result, DocalignError):
            raise result
        return result

    def map(self, target: str, calls: Sequence[tuple[Any, ...]], *, timeout_s: float) -> Generator[Any, None, None]:
        """Results of `module:function` in the order of `calls`; a DocalignError as a value where a call failed.

        Leaving the iterator early, by an exception too, kills the calls still running.
        """
        run = _Run(self, target, calls, timeout_s, self._workers * _WINDOW_PER_WORKER)
        threads = [
            threading.Thread(target=run.work, args=(_GROW_AFTER_S * number,), daemon=True)
            for number in range(min(self._workers, len(calls)))
        ]
        for thread in threads:
            thread.start()
        try:
            yield from run.results()
        finally:
            run.stop()
            for thread in threads:
                thread.join()

    def _take(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                worker.close()
        return _Worker()

    def _give_back(self, worker: _Worker) -> None:
        if worker.alive and worker.calls < self._max_calls:
            with self._lock:
                self._idle.append(worker)
        else:
            worker.close()


class _Run:
    """One `map`: which call is next, what came back, and who is busy. All under one condition."""

    def __init__(
        self, pool: WorkerPool, target: str, calls: Sequence[tuple[Any, ...]], timeout_s: float, window: int
    ) -> None:
        self._pool, self._target, self._calls, self._timeout_s, self._window = pool, target, calls, timeout_s, window
        self._changed = threading.Condition()
        self._next = 0
        self._taken_up = 0
        self._done: dict[int, Any] = {}
        self._busy: set[_Worker] = set()
        self._stopped = False

    def work(self, delay_s: float) -> None:
        """A thread's life: take the next call, have a worker do it, leave the result."""
        with self._changed:
            if delay_s and self._changed.wait_for(lambda: self._stopped or self._next >= len(self._calls), delay_s):
                return
        while (index := self._claim()) is not None:
            try:
                worker = self._pool._take()
            except OSError as error:
                self._leave(index, DamagedInputError(f"no worker could be started ({error}).", remedy="Free memory."))
                continue
            with self._changed:
                self._busy.add(worker)
                stopped = self._stopped
            if not stopped:
                self._leave(index, worker.call(self._target, self._calls[index], self._timeout_s))
            with self._changed:
                self._busy.discard(worker)
            self._pool._give_back(worker)

    def _claim(self) -> int | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._next >= len(self._calls) or self._next < self._taken_up + self._window
            )
            if self._stopped or self._next >= len(self._calls):
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
                while index not in self._done:
                    self._changed.wait()
                result = self._done.pop(index)
                self._taken_up = index + 1
                self._changed.notify_all()
            yield result

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            busy = list(self._busy)
            self._changed.notify_all()
        for worker in busy:
            worker.kill()
