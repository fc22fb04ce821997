"""Spans to chunks: the bookkeeping that makes every chunk point back (headings, pages, boxes, confidence, id)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from docalign.chunk import Chunk
from docalign.chunker.headings import heading_paths
from docalign.chunker.segment import Segment
from docalign.document import Box, Document, Region

__all__ = ["describe"]


def describe(
    document: Document,
    segments: Sequence[Segment],
    *,
    settings: str,
    embed: Callable[[Segment, tuple[str, ...]], str] | None = None,
) -> list[Chunk]:
    """The chunks of the segments, in order.

    Args:
        settings: all that the chunks' ids depend on beside their spans: document, model, sizes.
        embed: a segment and its heading path → `embed_text`; None for none.
    """
    paths = heading_paths(document)
    chunks = []
    for index, part in enumerate(segments):
        headings = _headings_of(document, part, paths)
        chunks.append(
            Chunk(
                id=hashlib.sha256(f"{settings} {part.start} {part.end}".encode()).hexdigest()[:16],
                doc=document.source,
                index=index,
                text=document.text[part.start : part.end],
                start=part.start,
                end=part.end,
                tokens=part.tokens,
                headings=headings,
                **_place(document, part),
                blocks=part.blocks,
                boundary=round(part.boundary, 4),
                embed_text=embed(part, headings) if embed else None,
            )
        )
    return chunks


def _headings_of(document: Document, part: Segment, paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The path at the chunk's first block that is no heading; with headings only, that of its last."""
    for block in part.blocks:
        if document.blocks[block].kind != "heading":
            return paths[block]
    return paths[part.blocks[-1]] if part.blocks else ()


def _place(document: Document, part: Segment) -> dict[str, Any]:
    """Pages, boxes and confidence of a chunk; a block that is only partly in it gives the boxes of its own lines."""
    regions: list[Region] = []
    weights = confidence = 0.0
    for block_id in part.blocks:
        block = document.blocks[block_id]
        low, high = max(block.start, part.start), min(block.end, part.end)
        if block.confidence is not None and high > low:
            weights += high - low
            confidence += block.confidence * (high - low)
        if (low, high) == (block.start, block.end) or not block.lines:
            regions += block.boxes
        else:
            regions += _regions_of_lines(document, block_id, low, high)
    unboxed = {b.page for b in (document.blocks[i] for i in part.blocks) if b.page is not None and not b.boxes}
    pages = sorted({r.page for r in regions} | unboxed)
    return {
        "pages": tuple(pages),
        "boxes": tuple(regions),
        "confidence": round(confidence / weights, 4) if weights else None,
    }


def _regions_of_lines(document: Document, block_id: int, low: int, high: int) -> list[Region]:
    """The lines of a block that reach into `low..high`, joined while they follow one another down a column."""
    found: list[Region] = []
    for line in document.blocks[block_id].lines:
        if line.start >= high or line.end <= low:
            continue
        last = found[-1] if found else None
        if last is not None and last.page == line.page and line.box[1] >= last.box[1]:
            found[-1] = Region(line.page, _union(last.box, line.box))
        else:
            found.append(Region(line.page, line.box))
    return found


def _union(a: Box, b: Box) -> Box:
    return (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
