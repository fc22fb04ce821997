"""A ticket stands for one request or job while its work is under way: it can be given up, and everything asks it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

__all__ = ["GaveUpError", "Ticket"]


class GaveUpError(Exception):
    """Whoever asked for this work is gone, or its time is over: no failure of the work."""


class Ticket:
    """Threads that work for it call `check`; whoever learns that nobody waits any more calls `give_up`."""

    def __init__(self) -> None:
        self._gone = threading.Event()
        self._lock = threading.Lock()
        self._then: list[Callable[[], None]] = []
        self.reason = ""

    @property
    def gone(self) -> bool:
        return self._gone.is_set()

    def give_up(self, reason: str = "the client is gone") -> None:
        with self._lock:
            if self._gone.is_set():
                return
            self.reason = reason
            self._gone.set()
            then, self._then = self._then, []
        for call in then:
            call()

    def check(self) -> None:
        """
        Raises:
            GaveUpError: nobody waits for this work.
        """
        if self._gone.is_set():
            raise GaveUpError(self.reason)

    def on_gone(self, call: Callable[[], None]) -> None:
        """Have `call` called once when the ticket is given up, at once if it was."""
        with self._lock:
            if not self._gone.is_set():
                self._then.append(call)
                return
        call()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._then.clear()
