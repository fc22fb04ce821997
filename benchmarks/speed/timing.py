"""Interleaved repeats: every arm once, then every arm again, so that a busy minute of the machine hits all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

import psutil  # type: ignore[import-untyped]

__all__ = ["Stages", "Timed", "interleaved"]


class Stages:
    """Wall seconds by stage, added up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def add(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


@dataclass
class Timed:
    """The wall seconds of an arm's repeats, and the CPU seconds of this process and its workers."""

    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def rate(self, pages: int) -> dict[str, float]:
        """Pages per second: of the median repeat, the slowest and the fastest; CPU seconds of the median repeat."""
        return {
            "pages_per_s": round(pages / median(self.seconds), 3),
            "slowest": round(pages / max(self.seconds), 3),
            "fastest": round(pages / min(self.seconds), 3),
            "cpu_s_per_page": round(median(self.cpu_s) / pages, 3),
        }


def interleaved(
    arms: Mapping[str, Callable[[], object]], repeats: int, *, warmed_up: Callable[[], object]
) -> dict[str, Timed]:
    """Run all arms once unmeasured (imports, models, worker processes), call `warmed_up`, then `repeats` in turn."""
    for run in arms.values():
        run()
    warmed_up()
    timed = {name: Timed() for name in arms}
    for _ in range(repeats):
        for name, run in arms.items():
            begun, cpu_before = time.perf_counter(), _cpu_s()
            run()
            timed[name].seconds.append(time.perf_counter() - begun)
            timed[name].cpu_s.append(_cpu_s() - cpu_before)
    return timed


def _cpu_s() -> float:
    """CPU seconds so far of this process, its living workers and those that ended."""
    this = psutil.Process()
    mine = this.cpu_times()
    total = mine.user + mine.system + mine.children_user + mine.children_system
    for child in this.children(recursive=True):
        times = child.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return float(total)
