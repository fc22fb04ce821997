"""One worker process seen from its parent: start it, have it answer a call within limits, end it.

A call ends in a value, an error as a value, or a `Died` when the process is of no more use: then `pool` may try the
call again in another one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Final

from docalign.errors import DocalignError, OcrFailedError
from docalign.ingest.work.limits import MIB, Limits, crashed, out_of_memory, too_much_output, too_slow, uncaught
from docalign.ingest.work.worker import read_answer, send

__all__ = ["Died", "WorkerProcess"]

_BOOT: Final = "import sys; sys.path[:] = {path!r}; from docalign.ingest.work.worker import main; main()"
_THREADS: Final = ("OMP_THREAD_LIMIT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_MALLOC: Final = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "8388608", "MALLOC_TRIM_THRESHOLD_": "16777216"}
"""Buffers of the size of a page's picture are used again: fetching each anew from the system takes a tenth of the time
of OCR. Larger ones go back once they are freed, and of the rest what is over 16 MiB."""
_ENVIRONMENT: Final = {**dict.fromkeys(_THREADS, "1"), **_MALLOC}
"""One thread each: there is a process per core already."""
_KEPT_WORDS: Final = 400


@dataclass(frozen=True, slots=True)
class Died:
    """A call that cost its process, and how it is said if no second try goes better."""

    error: DocalignError


class WorkerProcess:
    """One child process; used by one thread at a time, but any thread may `kill` it."""

    def __init__(self) -> None:
        self.calls = 0
        self.rss_mib = 0.0
        """Resident memory after the last call, 0 where the system does not tell."""
        self.crowded = False
        """Whether what the last call left behind is half of what a call may have."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._calls: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        self._words = b""
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listener.start()

    def call(self, target: str, arguments: tuple[Any, ...], limits: Limits) -> Any:
        """The function's result, the DocalignError it raised or met with, or `Died`. Dead after a crash or a limit."""
        self.calls += 1
        late = threading.Event()

        def stop() -> None:
            late.set()
            self.kill()

        timer = threading.Timer(limits.timeout_s, stop)
        timer.daemon = True
        timer.start()
        try:
            send(self._calls, (target, arguments, limits))
            answer = read_answer(self._answers, limits.output_mib * MIB)
        except (EOFError, OSError):
            self.kill()
            return too_slow(limits) if late.is_set() else Died(crashed(limits, *self._end()))
        finally:
            timer.cancel()
        self.rss_mib = answer.rss / MIB
        self.crowded = self.rss_mib > limits.memory_mib / 2
        if answer.kind == "output":
            self.kill()
            return too_much_output(limits, answer.value)
        if answer.kind == "memory":
            self.kill()
            return Died(out_of_memory(limits)) if self.calls > 1 else out_of_memory(limits)
        if isinstance(answer.value, OcrFailedError):
            self.kill()  # the engine lives in this process: it may be out of order since an earlier page
            return Died(answer.value)
        return uncaught(answer.value) if answer.kind == "failure" else answer.value

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process and all it started, now."""
        if self._process.returncode is None:  # else its number may be another's by now
            with suppress(OSError):
                if hasattr(os, "killpg"):
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Hang up; an idle worker leaves by itself."""
        for pipe in (self._calls, self._answers):
            with suppress(OSError):
                pipe.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self.kill()
        self._listener.join(1)

    def _listen(self, pipe: IO[bytes]) -> None:
        """Keep the end of what the process says on standard error: it may be why it died. No disk is filled by it."""
        with pipe:
            while heard := os.read(pipe.fileno(), 1 << 16):
                self._words = (self._words + heard)[-_KEPT_WORDS:]

    def _end(self) -> tuple[int | None, str]:
        """Exit code and last line of a process that is gone."""
        self._listener.join(1)
        lines = self._words.decode("utf-8", "replace").strip().splitlines()
        return self._process.returncode, lines[-1][-200:] if lines else ""
