"""Gold and preference lines as windows to align on.

A window is what the policy reads at once. A line that is longer is cut: its document, its chunkings and its pairs
alike, so that a reward sees exactly the text whose chunks the policy chose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from docalign.chunker.prompt import Renderer
from docalign.document import Document
from docalign.preference import Pair, PreferenceLine, Starts, graded, pairs_of
from docalign.train.gold import GoldLine
from docalign.train.windows import window_of

__all__ = ["Example", "gold_examples", "preference_examples", "shortened", "stacked"]


@dataclass(frozen=True)
class Example:
    """One window: the line cut to it, its rendering, and, where it comes from preferences, the chunkings compared.

    `pairs` and `grades` (candidate → desirable) speak of `candidates` by index.
    """

    id: str
    line: GoldLine
    window: Mapping[str, Any]
    candidates: tuple[Starts, ...] = ()
    pairs: tuple[Pair, ...] = ()
    grades: Mapping[int, bool] = field(default_factory=dict)
    weight: float = 1.0

    @cached_property
    def key(self) -> str:
        """What the policy reads, as a hash: windows of the same key have the same log-odds."""
        return hashlib.sha256(repr(self.window["input_ids"]).encode()).hexdigest()[:32]

    @property
    def blocks(self) -> int:
        return len(self.window["slots"])


def gold_examples(lines: Iterable[GoldLine], renderer: Renderer, *, max_tokens: int) -> list[Example]:
    """The windows of gold lines; a line of which not two blocks fit `max_tokens` of prompt is left out."""
    found = []
    for line in lines:
        window = window_of(line, renderer, outline=True, max_tokens=max_tokens)
        if window is not None:
            found.append(Example(line.id, _cut(line, len(window["slots"])), window))
    return found


def preference_examples(lines: Iterable[PreferenceLine], renderer: Renderer, *, max_tokens: int) -> list[Example]:
    """The windows of preference lines that still order two different chunkings when cut to `max_tokens` of prompt."""
    found = []
    for line in lines:
        best = line.candidates[line.ranking[0][0]]
        as_gold = GoldLine(
            line.id, None, line.document, best, line.counter, line.target_tokens, line.max_tokens, source=line.source
        )
        window = window_of(as_gold, renderer, outline=True, max_tokens=max_tokens, others=line.candidates)
        if window is None:
            continue
        kept = len(window["slots"])
        candidates = tuple(tuple(s for s in c if s < kept) for c in line.candidates)
        cut = replace(line, candidates=candidates)
        pairs = [p for p in pairs_of(cut) if candidates[p.chosen] != candidates[p.rejected]]
        if pairs:
            grades = graded(cut)
            found.append(Example(line.id, _cut(as_gold, kept), window, candidates, tuple(pairs), grades, line.weight))
    return found


def shortened(document: Document, blocks: int) -> Document:
    """The document's first `blocks` blocks, with the text up to the end of the last."""
    if blocks >= len(document.blocks):
        return document
    kept = document.blocks[:blocks]
    return replace(document, text=document.text[: kept[-1].end], blocks=kept)


def stacked(chunkings: Sequence[Sequence[Sequence[int]]], blocks: int) -> Tensor:
    """Chunkings of several windows as 0/1 starts, `(windows, most chunkings, blocks)`; missing ones are one chunk."""
    most = max(len(c) for c in chunkings)
    starts = torch.zeros((len(chunkings), most, blocks), dtype=torch.bool)
    starts[:, :, 0] = True
    for w, found in enumerate(chunkings):
        for k, chunking in enumerate(found):
            starts[w, k, list(chunking)] = True
    return starts


def _cut(line: GoldLine, kept: int) -> GoldLine:
    return replace(line, document=shortened(line.document, kept), starts=tuple(s for s in line.starts if s < kept))
