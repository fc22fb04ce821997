"""A stretch of a document as a document of its own: the same text and places, block ids from 0.

Page pictures, boxes and the file's hash stay what they were, so that a stretch can be drawn on its pages and a set of
stretches be split by document.
"""

from __future__ import annotations

from dataclasses import replace

from docalign.document import Block, Document

__all__ = ["excerpt"]


def excerpt(document: Document, first_block: int, after_block: int) -> Document:
    """Blocks `first_block` … `after_block - 1` of `document`; the whole document is returned as it is.

    Furniture, invisible text and what was dropped come along where they are of the stretch's pages.
    """
    if first_block == 0 and after_block == len(document.blocks):
        return document
    blocks = document.blocks[first_block:after_block]
    start, end = blocks[0].start, blocks[-1].end
    moved = tuple(_moved(block, first_block, start, len(blocks)) for block in blocks)
    touched = (
        {r.page for b in blocks for r in b.boxes} | {b.page for b in blocks} | {n.page for b in blocks for n in b.lines}
    )
    return Document(
        source=document.source,
        sha256=document.sha256,
        text=document.text[start:end],
        blocks=moved,
        pages=tuple(p for p in document.pages if p.number in touched),
        furniture=tuple(f for f in document.furniture if f.page in touched and f.page is not None),
        invisible=tuple(f for f in document.invisible if f.page in touched and f.page is not None),
        dropped=tuple(d for d in document.dropped if d.page in touched and d.page is not None),
    ).check()


def _moved(block: Block, first_block: int, start: int, blocks: int) -> Block:
    caption_of = None if block.caption_of is None else block.caption_of - first_block
    return replace(
        block,
        id=block.id - first_block,
        start=block.start - start,
        end=block.end - start,
        lines=tuple(replace(line, start=line.start - start, end=line.end - start) for line in block.lines),
        rows=tuple((a - start, b - start) for a, b in block.rows),
        caption_of=caption_of if caption_of is not None and 0 <= caption_of < blocks else None,
    )
