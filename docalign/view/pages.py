"""The left side of the HTML view: every page with the regions of its chunks and, in grey, what was set aside.

Regions are SVG in page points over the picture; the turn that makes the page readable is applied to both. Each chunk
is a link to its text, so the page works without its script.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from docalign.chunk import Chunk
from docalign.document import Box, Document, Leftover, Page
from docalign.ingest.frame import frame_size, to_frame
from docalign.view.markup import colour, esc, number, share
from docalign.view.orientation import page_turns

__all__ = ["pages_html"]

_PAD: Final = 1.8
_BADGE_HEIGHT: Final = 11.0

_Shown = Callable[[Box], Box]
"""A box of the unrotated page, on the page as it is read."""


def pages_html(document: Document, chunks: Sequence[Chunk], images: Sequence[bytes | None]) -> str:
    """One `<figure>` for each page.

    Args:
        images: upright pictures in page order (PNG, JPEG or WebP); missing ones become empty sheets.
    """
    turns = page_turns(document)
    on_page: dict[int, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        for number_ in sorted({region.page for region in chunk.boxes}):
            on_page[number_].append(chunk)
    aside: dict[int, list[Leftover]] = defaultdict(list)
    for leftover in document.furniture:
        aside[leftover.page].append(leftover)
    return "".join(
        _figure(page, turns, on_page[page.number], aside[page.number], images[i] if i < len(images) else None)
        for i, page in enumerate(document.pages)
    )


def _figure(
    page: Page, turns: Mapping[int, int], chunks: Sequence[Chunk], aside: Sequence[Leftover], image: bytes | None
) -> str:
    turn = turns.get(page.number, 0)
    width, height = frame_size(page.width, page.height, turn)

    def shown(box: Box) -> Box:
        return to_frame(box, page.width, page.height, turn)

    regions = "".join(_chunk_regions(c, page.number, shown) for c in chunks)
    set_aside = "".join(_aside_region(a, shown) for a in aside)
    bare = "" if image else ' class="bare"'
    ocr = "" if not page.ocr else " · OCR" + ("" if page.confidence is None else f" {share(page.confidence)}")
    return (
        f'<figure class="page" id="page{page.number}"><div class="sheet">{_image(image, page.number, width, height)}'
        f'<svg viewBox="0 0 {number(width)} {number(height)}" width="{number(width)}" height="{number(height)}" '
        f'role="group" aria-label="Chunks on page {page.number}"'
        f"{bare}>{set_aside}{regions}</svg></div>"
        f"<figcaption>Page {page.number}{ocr}</figcaption></figure>\n"
    )


def _image(image: bytes | None, page: int, width: float, height: float) -> str:
    if image is None:
        return ""
    data = base64.b64encode(image).decode("ascii")
    return (
        f'<img alt="Page {page}" width="{round(width)}" height="{round(height)}" loading="lazy" decoding="async" '
        f'src="data:{_media_type(image)};base64,{data}">'
    )


def _media_type(image: bytes) -> str:
    if image.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if image[8:12] == b"WEBP" else "image/jpeg"


def _chunk_regions(chunk: Chunk, page: int, shown: _Shown) -> str:
    boxes = [shown(region.box) for region in chunk.boxes if region.page == page]
    rects = "".join(_rect(box) for box in boxes)
    first = page == min(region.page for region in chunk.boxes)
    badge = _badge(str(chunk.index + 1), boxes[0], continued=not first)
    title = " › ".join(chunk.headings) or chunk.text.strip()[:60]
    return (
        f'<a class="region {colour(chunk.index)}" href="#chunk{chunk.index + 1}" data-chunk="{chunk.index + 1}" '
        f'tabindex="-1"><title>Chunk {chunk.index + 1}: {esc(title)}</title>{rects}{badge}</a>'
    )


def _rect(box: Box) -> str:
    x0, y0, x1, y1 = box
    return (
        f'<rect x="{number(x0 - _PAD)}" y="{number(y0 - _PAD)}" width="{number(x1 - x0 + 2 * _PAD)}" '
        f'height="{number(y1 - y0 + 2 * _PAD)}" rx="2"/>'
    )


def _badge(text: str, box: Box, *, continued: bool) -> str:
    """The chunk's number in the margin left of its first region; hollow where the chunk began on an earlier page."""
    wide = 5.0 + 5.2 * len(text)
    kind = "badge continued" if continued else "badge"
    x, y = max(1.0, box[0] - _PAD - wide - 2), max(1.0, box[1] - _PAD)
    return (
        f'<g class="{kind}"><rect x="{number(x)}" y="{number(y)}" '
        f'width="{number(wide)}" height="{number(_BADGE_HEIGHT)}" rx="3"/>'
        f'<text x="{number(x + wide / 2)}" y="{number(y + 8.3)}">{text}</text></g>'
    )


def _aside_region(leftover: Leftover, shown: _Shown) -> str:
    return f'<g class="aside"><title>Set aside: {esc(leftover.text)}</title>{_rect(shown(leftover.box))}</g>'
