"""Gold lines as training windows: token ids, slots, starts and sizes, and the collator that pads them.

A window is one gold line, rendered exactly as at run time (`chunker/prompt.py`). Right-padded: with a causal mask
what stands behind a window cannot change it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import torch
from torch import Tensor

from docalign.chunker.prompt import Renderer, hints_for
from docalign.counting import counter
from docalign.train.gold import GoldLine

__all__ = ["RAW_CAP", "collate", "training_windows", "window_of"]

RAW_CAP: Final = 4
"""Chunks of the raw distribution are capped at this many times the limit, only to bound the work."""

_HIDE_OUTLINE: Final = 0.15
"""Share of the windows that are shown without the outline hint, so that the model also learns to read without it."""


def training_windows(
    lines: Iterable[GoldLine], renderer: Renderer, *, seed: int, max_tokens: int
) -> Iterator[dict[str, Any]]:
    """Windows of gold lines; a line over `max_tokens` of prompt is cut at its end, at a gold start where there is one.

    Yields:
        `input_ids`, `slots` (position of each block's slot), `starts` (0/1 by block), `sizes` (tokens by block),
        `target` and `cap` (tokens; infinity for none).
    """
    rng = random.Random(seed)
    for line in lines:
        window = window_of(line, renderer, outline=rng.random() >= _HIDE_OUTLINE, max_tokens=max_tokens)
        if window is not None:
            yield window


def window_of(
    line: GoldLine, renderer: Renderer, *, outline: bool, max_tokens: int, others: Sequence[Sequence[int]] = ()
) -> dict[str, Any] | None:
    """The window of one line, as `training_windows` yields them; None where not two blocks fit.

    Args:
        outline: whether the prompt shows the outline hint.
        others: further chunkings of the line that must be possible, like gold.
    """
    document, count = line.document, counter(line.counter)
    sizes = [max(1, count(document.block_text(b))) for b in document.blocks]
    hints = hints_for(document, sizes, line.target_tokens, line.max_tokens, outline=outline)
    rendered = renderer.render(document, hints, document.blocks)
    kept, total = 0, 0
    while kept < len(rendered) and total + len(rendered[kept]) <= max_tokens:
        total += len(rendered[kept])
        kept += 1
    if kept < len(rendered):
        kept = max((s for s in line.starts if s <= kept), default=0) or kept
    gold = {s for s in line.starts if s < kept}
    if kept < 2:
        return None
    ids: list[int] = []
    slots = []
    for tokens in rendered[:kept]:
        ids += tokens
        slots.append(len(ids) - 1)
    chunkings = [gold, *({s for s in other if s < kept} for other in others)]
    return {
        "input_ids": ids,
        "slots": slots,
        "starts": [int(i in gold) for i in range(kept)],
        "sizes": sizes[:kept],
        "target": float(line.target_tokens) if line.target_tokens else float("inf"),
        "cap": max(_cap(line, sizes[:kept], starts) for starts in chunkings),
    }


def _cap(line: GoldLine, sizes: Sequence[int], starts: set[int]) -> float:
    """The raw distribution's cap, raised where a gold chunk is larger: gold must never be impossible."""
    if not line.max_tokens:
        return float("inf")
    edges = [*sorted(starts | {0}), len(sizes)]
    return float(max(RAW_CAP * line.max_tokens, *(sum(sizes[a:b]) for a, b in pairwise(edges))))


def collate(windows: Sequence[Mapping[str, Any]], *, pad_id: int) -> dict[str, Tensor]:
    """Right-padded batch.

    Returns:
        `input_ids`, `attention_mask` `(windows, tokens)` int64; `slots`, `starts` `(windows, blocks)` int64; `sizes`
        `(windows, blocks)` float64 (padding 1); `lengths` `(windows,)` blocks; `target`, `cap` `(windows,)` float64.
    """
    tokens = max(len(w["input_ids"]) for w in windows)
    blocks = max(len(w["slots"]) for w in windows)

    def padded(name: str, width: int, fill: float, dtype: torch.dtype) -> Tensor:
        return torch.tensor([[*w[name], *[fill] * (width - len(w[name]))] for w in windows], dtype=dtype)

    mask = [[1] * len(w["input_ids"]) + [0] * (tokens - len(w["input_ids"])) for w in windows]
    return {
        "input_ids": padded("input_ids", tokens, pad_id, torch.int64),
        "attention_mask": torch.tensor(mask, dtype=torch.int64),
        "slots": padded("slots", blocks, 0, torch.int64),
        "starts": padded("starts", blocks, 0, torch.int64),
        "sizes": padded("sizes", blocks, 1.0, torch.float64),
        "lengths": torch.tensor([len(w["slots"]) for w in windows]),
        "target": torch.tensor([w["target"] for w in windows], dtype=torch.float64),
        "cap": torch.tensor([w["cap"] for w in windows], dtype=torch.float64),
    }
