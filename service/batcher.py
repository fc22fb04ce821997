"""One batcher for the windows of all requests: they queue here by the window, not by the request.

Threads that chunk a document block in `submit`; runner threads choose what runs together (`packing`), run it, and hand
each window its answer. What was given up is dropped before it runs. A run that fails is done again window by window, so
a bad one fails alone; if a window that is known to be good fails as well, the engine is broken and says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from docalign.chunker.context import Window
from docalign.errors import DocalignError, ModelError, NotReadyError
from docalign.runtime.engine import Engine

from .packing import bucketed, choose
from .ticket import GaveUpError, Ticket

__all__ = ["Batcher", "Run", "TicketEngine"]

_Scores = npt.NDArray[np.float64]
_PROBE_EVERY_S: Final = 5.0
_SMOOTHING: Final = 0.1


@dataclass(frozen=True, slots=True)
class Run:
    """What one run was, for metrics: `tokens` real ones, `padded` with padding, `waited_s` the oldest window's wait."""

    windows: int
    tokens: int
    padded: int
    waited_s: float
    took_s: float


@dataclass(slots=True, eq=False)
class _Item:
    window: Window
    ticket: Ticket
    since: float = field(default_factory=time.monotonic)
    answer: Future[_Scores] = field(default_factory=Future)

    def settle(self, result: _Scores | BaseException) -> None:
        """Give the answer, unless there is one already."""
        with suppress(InvalidStateError):
            if isinstance(result, BaseException):
                self.answer.set_exception(result)
            else:
                self.answer.set_result(result)


class Batcher:
    """Windows in, log-odds out, on `runners` threads at a time."""

    def __init__(
        self,
        engine: Engine,
        *,
        budget: int,
        runners: int = 1,
        ahead: int = 0,
        bucket: int = 1,
        watch: Callable[[Run], None] | None = None,
    ) -> None:
        """
        Args:
            budget: tokens of a run, with padding.
            runners: runs at a time (cores of a CPU; 1 for a GPU).
            ahead: runs formed while the device is busy, so that it never waits for one.
            bucket: widths are rounded up to multiples of this.
        """
        self.engine = engine
        self._budget, self._bucket, self._watch = budget, bucket, watch
        self._runners = runners
        self._device = threading.Semaphore(runners)
        self._waiting: list[_Item] = []
        self._changed = threading.Condition()
        self._closed = False
        self._broken_since: float | None = None
        self._rate = 0.0
        self._threads = [
            threading.Thread(target=self._work, name=f"docalign-run-{i}", daemon=True) for i in range(runners + ahead)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, windows: Sequence[Window], ticket: Ticket) -> list[_Scores]:
        """The answers for these windows, in order; blocks.

        Raises:
            GaveUpError: the ticket was given up meanwhile.
            NotReadyError: the engine is broken, or the batcher is closing.
            DocalignError: what the engine said about one of the windows.
        """
        ticket.check()
        items = [_Item(window, ticket) for window in windows]
        with self._changed:
            if self._closed or self._broken_since is not None:
                raise _not_ready(self.broken)
            self._waiting += items
            self._changed.notify_all()
        ticket.on_gone(lambda: self._drop(items, ticket.reason))
        return [item.answer.result() for item in items]

    @property
    def waiting_tokens(self) -> int:
        with self._changed:
            return sum(len(item.window.ids) for item in self._waiting)

    @property
    def tokens_per_s(self) -> float:
        """Real tokens a second of late, over all runners; 0 before the first run."""
        return self._rate

    @property
    def broken(self) -> bool:
        return self._broken_since is not None

    def revive(self) -> bool:
        """Whether the engine works, asking it again now and then once it did not."""
        broken = self._broken_since
        if broken is None:
            return True
        if time.monotonic() - broken > _PROBE_EVERY_S:
            self._broken_since = None if self._answers_probe() else time.monotonic()
        return self._broken_since is None

    def close(self, timeout_s: float = 30.0) -> None:
        """Finish what waits, then end; what is left after `timeout_s` is told NotReadyError."""
        end = time.monotonic() + timeout_s
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        with self._changed:
            left, self._waiting = self._waiting, []
        for item in left:
            item.settle(_not_ready(self.broken))

    def _work(self) -> None:
        while (items := self._take()) is not None:
            with self._device:
                items = [item for item in items if not item.ticket.gone]
                if items:
                    self._run(items)

    def _take(self) -> list[_Item] | None:
        """The next run's windows; None when there will be none any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return None
            chosen = choose([len(i.window.ids) for i in self._waiting], self._budget, bucket=self._bucket)
            items = [self._waiting[i] for i in chosen]
            taken = set(chosen)
            self._waiting = [item for i, item in enumerate(self._waiting) if i not in taken]
            return items

    def _run(self, items: list[_Item]) -> None:
        began = time.monotonic()
        try:
            scores = self.engine.log_odds([item.window for item in items])
        except Exception as error:  # noqa: BLE001 - whatever a device throws belongs to whoever caused it
            self._failed(items, error)
            return
        took = time.monotonic() - began
        for item, score in zip(items, scores, strict=True):
            item.settle(score)
        self._tell(items, began, took)

    def _failed(self, items: list[_Item], error: Exception) -> None:
        if len(items) > 1:
            for item in items:
                if not item.ticket.gone:
                    self._run([item])
            return
        if self._answers_probe():
            items[0].settle(_said(error))
            return
        self._broken_since = time.monotonic()
        with self._changed:
            left, self._waiting = self._waiting, []
        for item in [*items, *left]:
            item.settle(_not_ready(True))

    def _answers_probe(self) -> bool:
        ids = np.array([2, 3], dtype=np.int64)
        probe = Window(ids, np.array([1], dtype=np.int64), (0,))
        try:
            self.engine.log_odds([probe])
        except Exception:  # noqa: BLE001 - any failure of a good window says the same
            return False
        return True

    def _drop(self, items: list[_Item], reason: str) -> None:
        mine = set(map(id, items))
        with self._changed:
            self._waiting = [item for item in self._waiting if id(item) not in mine]
        for item in items:
            item.settle(GaveUpError(reason))

    def _tell(self, items: list[_Item], began: float, took: float) -> None:
        tokens = [len(item.window.ids) for item in items]
        rate = sum(tokens) / max(took, 1e-6) * self._runners
        self._rate = rate if not self._rate else (1 - _SMOOTHING) * self._rate + _SMOOTHING * rate
        if self._watch is not None:
            padded = len(items) * bucketed(max(tokens), self._bucket)
            self._watch(Run(len(items), sum(tokens), padded, began - min(i.since for i in items), took))


class TicketEngine:
    """The batcher as the engine of one request's chunker."""

    def __init__(self, batcher: Batcher, ticket: Ticket) -> None:
        self.name = batcher.engine.name
        self._batcher, self._ticket = batcher, ticket

    def log_odds(self, windows: Sequence[Window]) -> list[_Scores]:
        return self._batcher.submit(windows, self._ticket)


def _not_ready(broken: bool) -> NotReadyError:
    what = "the model's engine has failed." if broken else "the service is stopping."
    return NotReadyError(what, remedy="Try again later, or another replica.")


def _said(error: Exception) -> DocalignError:
    if isinstance(error, DocalignError):
        return error
    return ModelError(f"the engine failed on this input ({type(error).__name__}).", remedy="Report it with the input.")
