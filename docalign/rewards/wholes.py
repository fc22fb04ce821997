"""Wholes: lists and tables that fit a chunk stay in one.

A list is a run of list items with the paragraph that introduces it, where that ends in a colon. A table has its
captions with it. Only wholes that fit the limit are judged, because the others cannot be kept; where no limit was asked
for, all are. A whole in a chunk over the limit has not been kept.
They cannot see lists and tables that ingestion took for paragraphs, and say nothing about where a long list is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from docalign.document import Document
from docalign.rewards.pieces import Piece, pieces_of, words_of
from docalign.rewards.reward import NOT_JUDGED, Loss, Score, Sizes, Span, lose

__all__ = ["Whole", "kept_whole", "list_wholes", "lists_whole", "table_wholes", "tables_whole"]


@dataclass(frozen=True, slots=True)
class Whole:
    """Blocks `first` to `last`, both included, that belong together."""

    first: int
    last: int


def lists_whole(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of lists (of at least two blocks, with their introduction) that stand in one chunk."""
    return kept_whole("list", list_wholes(document, sizes), document, pieces_of(document, spans, sizes))


def tables_whole(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of tables that stand in one chunk with their captions; of captions with what they belong to."""
    return kept_whole("table", table_wholes(document, sizes), document, pieces_of(document, spans, sizes))


def kept_whole(name: str, wholes: Sequence[Whole], document: Document, pieces: Sequence[Piece]) -> Score:
    """Share of `wholes` no chunk starts inside of, and that lie in a chunk within the limit."""
    if not wholes:
        return NOT_JUDGED
    losses = []
    for whole in wholes:
        start, end = document.blocks[whole.first].start, document.blocks[whole.last].end
        piece = next((p for p in reversed(pieces) if p.start <= start), None)
        if piece is None:
            continue
        what = f"the {name} that begins {words_of(document, document.blocks[whole.first])!r} (block {whole.first})"
        if piece.end < end:
            losses.append(Loss(piece.index, 1.0, f"{what} goes on in the next chunk."))
        elif piece.over:
            losses.append(Loss(piece.index, 1.0, f"{what} is in a chunk over the limit."))
    return lose(losses, len(wholes))


def list_wholes(document: Document, sizes: Sizes) -> list[Whole]:
    """The lists that fit the limit. A table row or code after a colon is no list."""
    blocks, wholes = document.blocks, []
    first = None
    for block in (*blocks, None):
        if block is not None and block.kind == "list_item":
            first = block.id if first is None else first
            continue
        if first is not None:
            last = (block.id if block is not None else len(blocks)) - 1
            if first > 0 and blocks[first - 1].kind == "paragraph" and _ends_in_colon(document, first - 1):
                first -= 1
            if last > first and fits(document, first, last, sizes):
                wholes.append(Whole(first, last))
        first = None
    return wholes


def table_wholes(document: Document, sizes: Sizes) -> list[Whole]:
    """Tables with their captions, and captions with the block they belong to; each that fits the limit.

    A caption belongs to the block it names, else to a table beside it (above before below).
    """
    blocks = document.blocks
    ends: list[tuple[int, int]] = [(b.id, b.id) for b in blocks if b.kind == "table"]
    for block in blocks:
        if block.kind != "caption":
            continue
        beside = [i for i in (block.id + 1, block.id - 1) if 0 <= i < len(blocks) and blocks[i].kind == "table"]
        owner = block.caption_of if block.caption_of is not None else (beside[0] if beside else None)
        if owner is not None and owner != block.id:
            ends.append((min(owner, block.id), max(owner, block.id)))
    joined: list[list[int]] = []
    for first, last in sorted(ends):
        if joined and first <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return [Whole(a, b) for a, b in joined if fits(document, a, b, sizes)]


def fits(document: Document, first: int, last: int, sizes: Sizes) -> bool:
    """Whether the blocks `first` to `last` are within the limit together."""
    text = document.text[document.blocks[first].start : document.blocks[last].end]
    return not sizes.over(sizes.count(text))


def _ends_in_colon(document: Document, block: int) -> bool:
    return document.text[document.blocks[block].end - 1] == ":"
