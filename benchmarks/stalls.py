"""When a server under load answers nobody for a while: was it the server that stood still, or the machine?

Once a second it is noted how many answers there were, how much processor time the server got, and for how much of the
second some process on the machine waited for a core (Linux: /proc/pressure/cpu). Seconds without an answer become
stalls. A stall in which others waited and the server got next to nothing is the machine's; one with idle cores is the
server's.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psutil

__all__ = ["StallWatch", "cpu_s"]

LEAST_S = 2.0
"""Shorter ones are how a queue of long documents looks."""


def cpu_s(pid: int) -> float:
    """Processor seconds that a process and its children have had."""
    total = 0.0
    parent = psutil.Process(pid)
    for process in (parent, *parent.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


class StallWatch:
    """Looks at a server while its `with` block runs; `stalls` is what it saw."""

    def __init__(self, pid: int, answered: Callable[[], int], every_s: float = 1.0) -> None:
        self._pid, self._answered, self._every_s = pid, answered, every_s
        self._ended = threading.Event()
        self._seconds: list[tuple[float, int, float, float]] = []
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def stalls(self) -> list[dict[str, Any]]:
        """Each with its beginning and length in seconds, the share of a core the server got, and the share of the time
        in which some process waited for one (null where the kernel does not say)."""
        found, run = [], []
        for second in [*self._seconds, (0.0, 1, 0.0, 0.0)]:
            if second[1] == 0:
                run.append(second)
                continue
            took = sum(s[0] for s in run)
            if took >= LEAST_S:
                before = sum(s[0] for s in self._seconds[: self._seconds.index(run[0])])
                waited = [s[3] for s in run]
                found.append(
                    {
                        "at_s": round(before, 1),
                        "seconds": round(took, 1),
                        "server_cores": round(sum(s[2] for s in run) / took, 2),
                        "machine_waited": None if min(waited) < 0 else round(sum(waited) / took, 2),
                    }
                )
            run = []
        return found

    def _look(self) -> None:
        at, answered, had, waited = time.monotonic(), self._answered(), cpu_s(self._pid), waiting_s()
        while not self._ended.wait(self._every_s):
            now = time.monotonic(), self._answered(), cpu_s(self._pid), waiting_s()
            more = now[3] - waited if now[3] >= 0 else -1.0
            self._seconds.append((now[0] - at, now[1] - answered, now[2] - had, more))
            at, answered, had, waited = now


def waiting_s() -> float:
    """Seconds since the machine started in which some process waited for a core; -1 where nobody counts them."""
    try:
        found = re.search(r"^some .*total=(\d+)", Path("/proc/pressure/cpu").read_text(), re.M)
    except OSError:
        return -1.0
    return int(found[1]) / 1e6 if found else -1.0
