"""A stretch of a Document as a Document of its own: gold on what ingestion finds, window by window."""

from __future__ import annotations

from dataclasses import replace

from docalign.document import Block, Document

__all__ = ["stretch_of"]


def stretch_of(document: Document, first: int, end: int) -> Document:
    """Blocks `first` to `end` (not included) with the text under them; pages keep their numbers and boxes."""
    blocks = document.blocks[first:end]
    start, stop = blocks[0].start, blocks[-1].end
    moved = tuple(_moved(block, number, start, range(first, end)) for number, block in enumerate(blocks))
    numbers = {r.page for b in moved for r in b.boxes} | {b.page for b in moved if b.page is not None}
    return replace(
        document,
        text=document.text[start:stop],
        blocks=moved,
        pages=tuple(p for p in document.pages if p.number in numbers),
        furniture=(),
        invisible=(),
        dropped=(),
        warnings=(),
    ).check()


def _moved(block: Block, number: int, start: int, kept: range) -> Block:
    caption = block.caption_of
    return replace(
        block,
        id=number,
        start=block.start - start,
        end=block.end - start,
        lines=tuple(replace(line, start=line.start - start, end=line.end - start) for line in block.lines),
        rows=tuple((a - start, b - start) for a, b in block.rows),
        caption_of=caption - kept.start if caption is not None and caption in kept else None,
    )
