"""The left side of the view of chunks: every page with the regions of its chunks and, in grey, what was set aside.

Each chunk is a link to its text, so the page works without its script.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from docalign.chunk import Chunk
from docalign.document import Document, Leftover
from docalign.view.markup import colour, esc
from docalign.view.orientation import page_turns
from docalign.view.sheet import Sheet, badge, rect

__all__ = ["pages_html"]


def pages_html(document: Document, chunks: Sequence[Chunk], images: Sequence[bytes | None]) -> str:
    """One `<figure>` for each page.

    Args:
        images: upright pictures in page order (PNG, JPEG or WebP); missing ones become empty sheets.
    """
    turns = page_turns(document)
    on_page: dict[int, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        for number in sorted({region.page for region in chunk.boxes}):
            on_page[number].append(chunk)
    aside: dict[int, list[Leftover]] = defaultdict(list)
    for leftover in document.furniture:
        if leftover.page is not None and leftover.box is not None:
            aside[leftover.page].append(leftover)
    figures = []
    for i, page in enumerate(document.pages):
        sheet = Sheet(page, turns.get(page.number, 0), images[i] if i < len(images) else None)
        overlay = "".join(_aside_region(a, sheet) for a in aside[page.number])
        overlay += "".join(_chunk_regions(c, sheet) for c in on_page[page.number])
        figures.append(sheet.figure(overlay, label=f"Chunks on page {page.number}"))
    return "".join(figures)


def _chunk_regions(chunk: Chunk, sheet: Sheet) -> str:
    page = sheet.page.number
    boxes = [sheet.shown(region.box) for region in chunk.boxes if region.page == page]
    first = page == min(region.page for region in chunk.boxes)
    mark = badge(str(chunk.index + 1), boxes[0], continued=not first)
    title = " › ".join(chunk.headings) or chunk.text.strip()[:60]
    return (
        f'<a class="region {colour(chunk.index)}" href="#chunk{chunk.index + 1}" data-item="{chunk.index + 1}" '
        f'tabindex="-1"><title>Chunk {chunk.index + 1}: {esc(title)}</title>{"".join(map(rect, boxes))}{mark}</a>'
    )


def _aside_region(leftover: Leftover, sheet: Sheet) -> str:
    place = "" if leftover.box is None else rect(sheet.shown(leftover.box))
    return f'<g class="aside"><title>Set aside: {esc(leftover.text)}</title>{place}</g>'
