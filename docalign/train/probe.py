"""How long a training step takes on this machine: two steps of a copy of the policy, timed; nothing is kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from docalign.document import Block, Document
from docalign.train.gold import GoldLine
from docalign.train.methods.examples import gold_examples
from docalign.train.methods.joint import sft_loss
from docalign.train.methods.lab import Lab, bf16_helps
from docalign.train.slot_model import load_policy

__all__ = ["step_seconds"]

_WINDOW_TOKENS: Final = 1000
_STEPS: Final = 2


def step_seconds(policy: Path, lines: Sequence[GoldLine], *, windows: int) -> float:
    """Seconds of a step over `windows` windows of the gold, or of made-up text where there is too little.

    Raises:
        ModelError: the policy cannot be loaded.
    """
    lab = Lab(*load_policy(policy), bf16=bf16_helps())
    lab.model.train()
    given = [*lines, *map(_made, range(windows))][:windows]
    examples = gold_examples(given, lab.renderer, max_tokens=_WINDOW_TOKENS)
    taken = []
    for _ in range(_STEPS + 1):
        began = time.perf_counter()
        lab.model.zero_grad(set_to_none=True)
        sft_loss(lab, examples).backward()  # type: ignore[no-untyped-call]
        taken.append(time.perf_counter() - began)
    return min(taken[1:])  # the first also warms up


def _made(number: int) -> GoldLine:
    texts = [f"Line {i} of page {number} was drawn from each of the regions. " * 3 for i in range(36)]
    blocks: list[Block] = []
    text = ""
    for body in map(str.strip, texts):
        blocks.append(Block(len(blocks), len(text), len(text) + len(body), "paragraph"))
        text += body + "\n\n"
    document = Document("made", str(number), text.rstrip(), tuple(blocks)).check()
    return GoldLine(f"made/{number}", None, document, tuple(range(0, 36, 4)), target_tokens=150, max_tokens=256)
