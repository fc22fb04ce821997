"""Pieces: the spans of a chunking, seen as blocks. What every rule reward needs to know of a chunk, worked out once.

A chunk may begin inside a block, where a limit forced the cut; then `opens` is False and the block counts for both
chunks. Counting is the caller's: `sizes.count` of the chunk's own text, so the limit that is judged is the one that
was promised.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from docalign.document import Block, Document
from docalign.rewards.reward import Sizes, Span

__all__ = ["Piece", "block_spans", "calls_for", "pieces_of", "words_of"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Chunk number `index`: `text[start:end]`, its tokens, and the ids of the blocks it touches, `first` to `end_block`
    (exclusive). `opens`: whether it starts with the beginning of a block. `over`: whether it is over the limit."""

    index: int
    start: int
    end: int
    tokens: int
    first: int
    end_block: int
    opens: bool
    over: bool


def pieces_of(document: Document, spans: Sequence[Span], sizes: Sizes) -> list[Piece]:
    """The chunks of a chunking, in order."""
    ends = [b.end for b in document.blocks]
    begins = [b.start for b in document.blocks]
    pieces = []
    for index, (start, end) in enumerate(spans):
        first = bisect_right(ends, start)
        opens = first == len(begins) or start <= begins[first]
        tokens = sizes.count(document.text[start:end])
        end_block = max(first, bisect_left(begins, end))
        pieces.append(Piece(index, start, end, tokens, first, end_block, opens, sizes.over(tokens)))
    return pieces


def block_spans(document: Document, starts: Sequence[int]) -> list[Span]:
    """The spans of chunks that start with the blocks `starts` (ids, in order, the first 0); they tile the text."""
    if not document.blocks:
        return [(0, len(document.text))] if document.text else []
    edges = [0, *(document.blocks[s].start for s in starts if s), len(document.text)]
    return list(pairwise(edges))


def calls_for(total_tokens: int, sizes: Sizes) -> float:
    """How many chunks of the target make up so many tokens, at least 1.

    Rules that count bad cuts measure them against this, and not against the number of chunks there are: a chunking
    cannot dilute its bad cuts with more cuts.
    """
    return max(1.0, total_tokens / sizes.target_tokens) if sizes.target_tokens else 1.0


def words_of(document: Document, block: Block) -> str:
    """The beginning of a block, short enough for a reason."""
    text = " ".join(document.text[block.start : block.start + 80].split())
    return text if len(text) <= 60 else f"{text[:59]}…"
