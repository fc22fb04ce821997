"""Straight boxes for layout, true boxes for the document.

On a scan that lies a few degrees askew, the upright boxes of neighbouring lines overlap and columns seem to touch.
Before layout the boxes of such a page are turned straight about its centre; afterwards those of the document are
turned back. Pages without skew pass untouched. Pixels are none of this module's business.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from docalign.document import Box, Document, Region
from docalign.ingest.layout.frame import union
from docalign.ingest.page import PageContent, TextLine

__all__ = ["askew", "straight", "straight_page", "turn_back"]

_THINNEST_PT: Final = 0.5


def straight(box: Box, skew: float, width: float, height: float) -> Box:
    """The box that, turned by `skew` degrees clockwise about the page's centre, is bounded by `box`.

    The bounding box of a w × h rectangle turned by a is (w·cos a + h·sin a) × (w·sin a + h·cos a): solved for w and h.
    """
    cos, sin = math.cos(math.radians(skew)), math.sin(math.radians(skew))
    across, down = box[2] - box[0], box[3] - box[1]
    scale = cos * cos - sin * sin
    w = (across * cos - down * abs(sin)) / scale
    h = (down * cos - across * abs(sin)) / scale
    # A box that was never turned (a rounding, a speck) has no such origin: keep it from vanishing.
    w, h = max(w, _THINNEST_PT), max(h, _THINNEST_PT)
    x, y = (box[0] + box[2] - width) / 2, (box[1] + box[3] - height) / 2
    x, y = x * cos + y * sin + width / 2, y * cos - x * sin + height / 2
    return (x - w / 2, y - h / 2, x + w / 2, y + h / 2)


def askew(box: Box, skew: float, width: float, height: float) -> Box:
    """The smallest box around `box` turned by `skew` degrees clockwise about the page's centre, within the page."""
    cos, sin = math.cos(math.radians(skew)), math.sin(math.radians(skew))
    corners = [(x - width / 2, y - height / 2) for x in (box[0], box[2]) for y in (box[1], box[3])]
    xs = [min(max(x * cos - y * sin + width / 2, 0.0), width) for x, y in corners]
    ys = [min(max(x * sin + y * cos + height / 2, 0.0), height) for x, y in corners]
    return (min(xs), min(ys), max(xs), max(ys))


def straight_page(page: PageContent) -> PageContent:
    """The page with the boxes of its visible lines turned straight."""
    if not page.skew:
        return page

    def line(of: TextLine) -> TextLine:
        words = tuple(replace(w, box=straight(w.box, page.skew, page.width, page.height)) for w in of.words)
        return replace(of, words=words, box=union(w.box for w in words))

    return replace(page, lines=tuple(line(of) for of in page.lines))


def turn_back(document: Document, pages: Iterable[PageContent]) -> Document:
    """The document with the boxes of pages that were straightened as they stand on paper."""
    turned: dict[int, Callable[[Box], Box]] = {p.number: _turn(p) for p in pages if p.skew}
    if not turned:
        return document
    blocks = tuple(
        replace(
            block,
            boxes=_regions(block.boxes, turned),
            lines=tuple(replace(n, box=turned[n.page](n.box)) if n.page in turned else n for n in block.lines),
        )
        for block in document.blocks
    )
    furniture = tuple(
        replace(f, box=turned[f.page](f.box)) if f.page in turned and f.box else f for f in document.furniture
    )
    return replace(document, blocks=blocks, furniture=furniture)


def _turn(page: PageContent) -> Callable[[Box], Box]:
    return lambda box: askew(box, page.skew, page.width, page.height)


def _regions(regions: Sequence[Region], turned: Mapping[int, Callable[[Box], Box]]) -> tuple[Region, ...]:
    return tuple(Region(r.page, turned[r.page](r.box)) if r.page in turned else r for r in regions)
