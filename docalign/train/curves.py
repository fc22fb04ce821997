"""What was measured of how much each method learns from how little: the numbers `docalign advise` argues with.

They are in `curves.json` beside this file, exactly as `python -m benchmarks.align.curves` wrote it, with its command.
What is not in it was not measured, and nothing here makes up for that: a question beyond the measured points is
answered with the nearest one and says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from docalign.errors import ConfigError

__all__ = ["SCHEMA", "Curves", "Point"]

SCHEMA: Final = "docalign.curves/1"
_FILE: Final = Path(__file__).parent / "curves.json"
_HALF: Final = 0.5
"""A method is worth its data from where it has half of what the most data gave."""


@dataclass(frozen=True, slots=True)
class Point:
    """A method after `n` gold documents or rankings: what it scored, and what that cost in `steps` of training."""

    method: str
    n: int
    score: float
    interval: tuple[float, float] | None
    steps: int
    cpu_seconds: float

    def __str__(self) -> str:
        interval = f" [{self.interval[0]:.3f}, {self.interval[1]:.3f}]" if self.interval else ""
        return f"{self.n}: {self.score:.3f}{interval}"


@dataclass(frozen=True, slots=True)
class Curves:
    """Points by method in order of n; `before` is the agreement of the policy that nothing was taught, if measured."""

    points: Mapping[str, tuple[Point, ...]]
    before: float | None
    about: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path | None = None) -> Curves:
        """The curves in a file, by default those that come with docalign; none where that is not there.

        Raises:
            ConfigError: the file is missing (where one is named) or no curves.
        """
        chosen = path or _FILE
        if path is None and not chosen.is_file():
            return cls({}, None, {})
        try:
            value = json.loads(chosen.read_text("utf-8"))
            if value["schema"] != SCHEMA:
                raise ValueError(f"its schema is {value['schema']!r}")
            points: dict[str, list[Point]] = {}
            for p in value["points"]:
                interval = tuple(map(float, p["interval"])) if p["interval"] else None
                point = Point(p["method"], int(p["n"]), float(p["score"]), interval, int(p["steps"]),  # type: ignore[arg-type]
                              float(p["cpu_seconds"]))  # fmt: skip
                points.setdefault(point.method, []).append(point)
            about = {k: v for k, v in value.items() if k not in ("points", "before")}
            before = value["before"]["score"] if value.get("before") else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"these are no learning curves ({error}).",
                source=str(chosen),
                remedy="python -m benchmarks.align.curves writes them.",
            ) from error
        return cls({m: tuple(sorted(found, key=lambda p: p.n)) for m, found in points.items()}, before, about)

    def of(self, method: str) -> tuple[Point, ...]:
        """The points of a method that was taught something."""
        return tuple(p for p in self.points.get(method, ()) if p.n)

    def base(self, method: str) -> float | None:
        """What was scored before anything was taught; a coin for a reward model, which there is none of before."""
        if method == "sft":
            return next((p.score for p in self.points.get(method, ()) if not p.n), None)
        return _HALF if method == "reward" else self.before

    def useful_from(self, method: str) -> int | None:
        """The least measured n with half of the gain of the most data; None: not measured, or nothing was gained."""
        found, base = self.of(method), self.base(method)
        if not found or base is None:
            return None
        most = found[-1]
        if most.score <= base or (most.interval is not None and most.interval[0] <= base):
            return None
        return next(p.n for p in found if p.score - base >= _HALF * (most.score - base))

    def at(self, method: str, n: int) -> tuple[float, bool] | None:
        """The score to expect from `n`, along the logarithm of n, and whether n is within what was measured."""
        found = self.of(method)
        if not found or n < 1:
            return None
        if not found[0].n <= n <= found[-1].n:
            return (found[0] if n < found[0].n else found[-1]).score, False
        for low, high in pairwise(found):
            if low.n <= n <= high.n:
                share = math.log(n / low.n) / math.log(high.n / low.n)
                return low.score + share * (high.score - low.score), True
        return found[0].score, True

    def seconds_per_step(self, method: str) -> float | None:
        """CPU seconds of a step in the largest measured run, its looks and start included; None: not measured."""
        found = [p for p in self.of(method) if p.steps]
        return found[-1].cpu_seconds / found[-1].steps if found else None

    def told(self) -> list[str]:
        """The measured points, a line each method, under the command that made them."""
        if not self.points:
            return ["no learning curves come with this docalign: nothing below rests on a measurement"]
        head = (
            f"measured on {self.about.get('policy')} (taste {self.about.get('taste')}, style {self.about.get('style')})"
        )
        lines = [head, f"by: {self.about.get('command')}"]
        for method in ("sft", "dpo", "kto", "reward", "ppo"):
            what = "boundary F1 by gold documents" if method == "sft" else "agreement by rankings"
            base = self.base(method)
            shown = "; ".join(str(p) for p in self.of(method)) or "not measured"
            lines.append(f"{method} ({what}, before: {'not measured' if base is None else f'{base:.3f}'}): {shown}")
        return lines
