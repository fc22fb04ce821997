"""One form of the policy: what the experiments vary, and how it is rendered, trained on and run.

The default is the shipped form. Everything here is built from the parts that ship (renderer, windows, solver),
changed in one place at a time; what wins is moved into `docalign/`, what does not stays here as a record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from benchmarks.train.inline import InlineEngine, with_labels
from docalign.chunker.context import Window, windows_of
from docalign.chunker.prompt import HEAD_TOKENS, TAIL_TOKENS, Renderer, hints_for
from docalign.chunker.segment import segment
from docalign.counting import counter
from docalign.evaluate.boundaries import boundary_f1
from docalign.evaluate.spans import starts_of
from docalign.train.engine import TorchEngine
from docalign.train.gold import GoldLine
from docalign.train.windows import RAW_CAP, training_windows

__all__ = ["Form", "Scored", "form_renderer", "form_windows", "lift_mask", "score_line"]


@dataclass(frozen=True, slots=True)
class Form:
    """`layers` kept; `head` and `tail` tokens of a block in view; `window` tokens in training and at run time.

    `late_slot`: the decision about a block is read at the slot after the next block. `target_in_prompt`: False leaves
    the size to the solver alone. `lifted`: the last layers that see the whole window. `distil`: the weight (0–1) of a
    deeper teacher's probabilities in the loss. `inline`: labels are written behind their slots and read (`inline.py`).
    """

    layers: int = 16
    head: int = HEAD_TOKENS
    tail: int = TAIL_TOKENS
    window: int = 1024
    late_slot: bool = False
    loss: str = "likelihood"
    target_in_prompt: bool = True
    lifted: int = 0
    distil: float = 0.0
    inline: bool = False

    @property
    def name(self) -> str:
        """What differs from the default, as a folder name."""
        parts = [f"{f.name}-{getattr(self, f.name)}" for f in fields(self) if getattr(self, f.name) != f.default]
        return "+".join(parts) or "default"


class _Viewer(Renderer):
    """The renderer with another view of each block."""

    def __init__(self, encode: Any, slot_id: int, head: int, tail: int) -> None:
        super().__init__(encode, slot_id)
        self._head_tokens, self._tail_tokens = head, tail

    def _shorten(self, head: list[int], tail: list[int] | None) -> list[int]:
        if tail is None:
            if len(head) <= self._head_tokens + self._tail_tokens:
                return head
            tail = head
        end = tail[-self._tail_tokens :] if self._tail_tokens else []
        return [*head[: self._head_tokens], *self._gap, *end]


def form_renderer(form: Form, tokenizer: Any, slot_id: int) -> Renderer:
    def encode(texts: list[str]) -> list[list[int]]:
        return tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []

    return _Viewer(encode, slot_id, form.head, form.tail)


def form_windows(
    form: Form, lines: Sequence[GoldLine], renderer: Renderer, label_ids: tuple[int, int]
) -> Iterator[dict[str, Any]]:
    """Training windows of the lines, in order; which of them hide the outline hint depends on the line alone."""
    for number, line in enumerate(lines):
        shown = line if form.target_in_prompt else replace(line, target_tokens=None, max_tokens=None)
        for window in training_windows([shown], renderer, seed=number, max_tokens=form.window):
            if line.target_tokens and line.max_tokens:
                longest = sum(window["sizes"])
                window |= {
                    "target": float(line.target_tokens),
                    "cap": window["cap"] if form.target_in_prompt else float(max(RAW_CAP * line.max_tokens, longest)),
                }
            if form.late_slot:
                window["slots"] = [*window["slots"][1:], window["slots"][-1]]
            yield with_labels(window, label_ids) if form.inline else window


def lift_mask(model: nn.Module, layers: int) -> None:
    """Let the last `layers` layers of a Llama-style model see the whole window (windows must then not be padded)."""
    trunk: Any = model.base_model  # type: ignore[attr-defined]
    for layer in list(trunk.layers)[len(trunk.layers) - layers :]:
        layer.self_attn.is_causal = False


@dataclass(frozen=True, slots=True)
class Scored:
    """Boundary F1 on a line, and the prompt tokens and seconds that the LLM took for it."""

    id: str
    document: str
    f1: float
    tokens: int
    seconds: float


def score_line(
    form: Form, engine: TorchEngine | InlineEngine, renderer: Renderer, prior: Any, line: GoldLine
) -> Scored:
    """Chunk a line as run time does, in this form, with the sizes the line states."""
    document, count = line.document, counter(line.counter)
    target, limit = (None, None) if line.is_transcript else line.sizes
    sizes = [max(1, count(document.block_text(b))) for b in document.blocks]
    shown = (target, limit) if form.target_in_prompt else (None, None)
    hints = hints_for(document, sizes, *shown)
    windows = list(windows_of(document, hints, renderer, window_tokens=form.window, overlap_tokens=form.window // 4))
    began = perf_counter()
    values: npt.NDArray[np.float64] = np.zeros(len(sizes))
    for window, s in zip(windows, engine.log_odds([_seen(form, w) for w in windows]), strict=True):
        values[list(window.blocks)] = s
    seconds = perf_counter() - began
    parts = segment(document, values, count=count, max_tokens=limit, target=target, prior=prior)
    starts = starts_of(document, [(p.start, p.end) for p in parts])
    tokens = sum(len(w.ids) for w in windows)
    return Scored(line.id, document.source, boundary_f1(starts, line.starts), tokens, seconds)


def _seen(form: Form, window: Window) -> Window:
    return replace(window, slots=np.append(window.slots[1:], window.slots[-1])) if form.late_slot else window


def on_device(batch: dict[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    return {name: tensor.to(device) for name, tensor in batch.items()}
