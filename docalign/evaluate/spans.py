"""Between the two ways to write a chunking: block ids that start a chunk, and character spans of the text.

Chunkers answer spans (they may cut inside a block); gold and the boundary metrics speak of blocks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise

from docalign.document import Document
from docalign.rewards.reward import Span

__all__ = ["spans_of", "starts_of"]


def spans_of(document: Document, starts: Iterable[int]) -> list[Span]:
    """Spans that tile the text and begin at the given blocks; the first begins at 0 whatever it says."""
    offsets = sorted({document.blocks[s].start for s in starts if s > 0} - {0})
    return list(pairwise([0, *offsets, len(document.text)]))


def starts_of(document: Document, spans: Iterable[Span]) -> list[int]:
    """Ids of the blocks a span begins with, the first 0.

    A span begins with a block when it starts after the end of the block before it and no later than the block. A
    start inside a block is a cut the limit forced; it is no boundary between blocks and is left out.
    """
    begins = [b.start for b in document.blocks]
    starts = {0}
    for offset, _ in spans:
        i = bisect_left(begins, offset)
        if 0 < i < len(begins) and document.blocks[i - 1].end <= offset:
            starts.add(i)
    return sorted(starts)
