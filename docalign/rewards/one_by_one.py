"""A reward that cannot prepare itself for a document, asked once for each distinct chunking of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from docalign.document import Document
from docalign.rewards.pieces import block_spans
from docalign.rewards.reward import Reward, Score, Sizes

__all__ = ["OneByOne"]


class OneByOne:
    """Any reward as a `Prepared`; answers are kept, and so are the counts of texts."""

    def __init__(self, reward: Reward, document: Document, sizes: Sizes) -> None:
        self._reward = reward
        self._document = document
        self._sizes = replace(sizes, count=lru_cache(maxsize=4096)(sizes.count))
        self._known: dict[tuple[int, ...], Score] = {}

    def applies(self) -> bool:
        """Whether the document holds something to judge, asked of the simplest chunking."""
        return self._score((0,)).applies

    def values(self, chunkings: Sequence[Sequence[int]]) -> list[float]:
        return [self._score(tuple(starts)).value for starts in chunkings]

    def _score(self, starts: tuple[int, ...]) -> Score:
        if starts not in self._known:
            spans = block_spans(self._document, starts)
            self._known[starts] = self._reward(self._document, spans, self._sizes)
        return self._known[starts]
