"""Documents made from texts: the shortest way from `[("heading", "A"), ("paragraph", "b c")]` to a Document."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import cast

from docalign.document import Block, Document, Kind, Line, Page, Region

__all__ = ["document_of", "paged_document"]


def document_of(
    parts: Sequence[tuple[str, str]], *, separators: Sequence[str] | str = "\n\n", before: str = "", after: str = ""
) -> Document:
    """Blocks of these kinds and texts. A kind may carry a heading level (`heading2`)."""
    text, blocks = before, []
    gaps = [separators] * (len(parts) - 1) if isinstance(separators, str) else list(separators)
    for index, (kind, body) in enumerate(parts):
        level = int(kind[7:] or 1) if kind.startswith("heading") else None
        name = cast(Kind, "heading" if level else kind)
        blocks.append(Block(index, len(text), len(text) + len(body), name, level))
        text += body + (gaps[index] if index < len(gaps) else "")
    text += after
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Document("made.json", digest, text, tuple(blocks)).check()


def paged_document(
    parts: Sequence[tuple[str, str]], *, blocks_per_page: int = 3, line_chars: int = 40, confidence: float | None = None
) -> Document:
    """The same with pages: every block has lines of `line_chars` characters, each 10 points below the last; a block's
    boxes are its lines' boxes joined by page. The middle line of a block turns the page where a page is full."""
    plain = document_of(parts)
    blocks, line_number = [], 0
    lines_per_page = blocks_per_page * 4
    for block in plain.blocks:
        lines = []
        for start in range(block.start, block.end, line_chars):
            page, row = divmod(line_number, lines_per_page)
            box = (50.0, 50.0 + 10 * row, 300.0, 59.0 + 10 * row)
            lines.append(Line(start, min(block.end, start + line_chars), page + 1, box))
            line_number += 1
        pages = sorted({n.page for n in lines})
        boxes = tuple(
            Region(
                p,
                (50.0, min(n.box[1] for n in lines if n.page == p), 300.0, max(n.box[3] for n in lines if n.page == p)),
            )
            for p in pages
        )
        blocks.append(
            Block(
                block.id,
                block.start,
                block.end,
                block.kind,
                block.level,
                pages[0],
                boxes,
                1.0,
                False,
                confidence,
                tuple(lines),
            )
        )
    count = max(n.page for b in blocks for n in b.lines) if blocks else 0
    pages_ = tuple(Page(n + 1, 400.0, 1000.0) for n in range(count))
    return Document(plain.source, plain.sha256, plain.text, tuple(blocks), pages_).check()
