"""What a person sees of a training run: one line on a terminal that says how far, how well and how long still.

Where standard error is no terminal, a line is written at each evaluation and at each tenth of the run. Standard output
is left alone: it carries results.
"""

from __future__ import annotations

import sys
from time import monotonic
from typing import Any, Final

from transformers import TrainerCallback

__all__ = ["TrainingProgress"]

_TENTHS: Final = 10


class TrainingProgress(TrainerCallback):
    """Shows steps, loss, the score on development gold and the time left, on standard error."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._loss = self._score = ""
        self._began = 0.0
        self._first_step = 0
        self._said = -1

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._began, self._first_step = monotonic(), state.global_step
        if state.global_step:
            self._line(f"going on at step {state.global_step} of {state.max_steps}")

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        if logs and "loss" in logs:
            self._loss = f"loss {float(logs['loss']):.3f}"

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:  # noqa: ARG002
        if metrics and "eval_boundary_f1" in metrics:
            self._score = f"dev F1 {metrics['eval_boundary_f1']:.3f}"
            self._line("  ".join(filter(None, (f"step {state.global_step}", self._loss, self._score))))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        if self._quiet:
            return
        done, total = state.global_step, max(1, state.max_steps)
        pace = (monotonic() - self._began) / max(1, done - self._first_step)
        left = f"{_duration(pace * (total - done))} left"
        text = "  ".join(filter(None, (f"step {done} of {total}", self._loss, self._score, left)))
        if self._terminal:
            print(f"\r\x1b[Kdocalign: {text}", end="", file=sys.stderr, flush=True)  # noqa: T201
        elif done * _TENTHS // total != self._said:
            self._said = done * _TENTHS // total
            self._line(text)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        if self._terminal and not self._quiet:
            print(file=sys.stderr, flush=True)  # noqa: T201

    def _line(self, text: str) -> None:
        if not self._quiet:
            start = "\r\x1b[K" if self._terminal else ""
            print(f"{start}docalign: {text}", file=sys.stderr, flush=True)  # noqa: T201


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes}:{rest:02} min"
