"""The left side of the view of a document: blocks over the pages in reading order, and what was set aside.

Every block is coloured by its kind and numbered; a line with arrowheads leads from each part of a block to what is
read next. A table shows its rows. Furniture and invisible text are outlined in grey and red.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from docalign.document import Block, Box, Document, Leftover
from docalign.ingest.layout.frame import union
from docalign.view.markup import esc, number
from docalign.view.orientation import page_turns
from docalign.view.sheet import BADGE_HEIGHT, Sheet, badge, badge_place, rect

__all__ = ["KIND_COLOURS", "block_pages_html", "tag"]

KIND_COLOURS: Final = {
    "heading": "k0",
    "paragraph": "k5",
    "list_item": "k2",
    "table": "k3",
    "caption": "k4",
    "code": "k1",
}
"""Kind of block → one of the style sheet's colours."""

_HEAD_PT: Final = 4.2
_HEAD_HALF_PT: Final = 1.9


@dataclass(frozen=True, slots=True)
class _Stop:
    """A part of a block on one page, as the page is read; `continued`: not its first."""

    block: Block
    box: Box
    continued: bool


def block_pages_html(document: Document, images: Sequence[bytes | None]) -> str:
    """One `<figure>` for each page.

    Args:
        images: upright pictures in page order (PNG, JPEG or WebP); missing ones become empty sheets.
    """
    turns, stops = page_turns(document), defaultdict(list)
    for block in document.blocks:
        for i, region in enumerate(block.boxes):
            stops[region.page].append((block, region.box, i > 0))
    figures = []
    for i, page in enumerate(document.pages):
        sheet = Sheet(page, turns.get(page.number, 0), images[i] if i < len(images) else None)
        here = [_Stop(block, sheet.shown(box), continued) for block, box, continued in stops[page.number]]
        overlay = "".join(_aside(document.furniture, sheet, "furniture"))
        overlay += "".join(_aside(document.invisible, sheet, "unseen"))
        overlay += "".join(_region(document, stop, sheet) for stop in here)
        overlay += f'<g class="order" aria-hidden="true">{"".join(_arrows(here))}</g>'
        overlay += "".join(_mark(stop) for stop in here)
        about = f" · {esc(page.kind)}" if page.kind else ""
        figures.append(sheet.figure(overlay, label=f"Blocks on page {page.number}", below=about))
    return "".join(figures)


def tag(block: Block) -> str:
    """The kind in two or three letters with what is known of its place: `H2` a heading, `L1` a list item, …"""
    if block.kind == "heading":
        return f"H{block.level}" if block.level else "H"
    if block.kind == "list_item":
        return f"L{block.depth}" if block.depth else "L"
    return {"paragraph": "P", "table": "T", "caption": "Cap", "code": "Code"}[block.kind]


def _label(stop: _Stop) -> str:
    """Paragraphs are the rule and go by their number alone."""
    kind = tag(stop.block)
    return f"{stop.block.id + 1}" if kind == "P" or stop.continued else f"{stop.block.id + 1} {kind}"


def _region(document: Document, stop: _Stop, sheet: Sheet) -> str:
    block, number_ = stop.block, stop.block.id + 1
    rows = "".join(_rows(block, sheet)) if block.rows and not stop.continued else ""
    title = f"{number_} {block.kind.replace('_', ' ')}: {document.block_text(block)[:80]}"
    return (
        f'<a class="region {KIND_COLOURS[block.kind]}" href="#block{number_}" data-item="{number_}" tabindex="-1">'
        f"<title>{esc(title)}</title>{rect(stop.box)}{rows}</a>"
    )


def _rows(block: Block, sheet: Sheet) -> Iterator[str]:
    """The rows of a table on this page, the header's filled."""
    for index, (start, end) in enumerate(block.rows):
        boxes = [n.box for n in block.lines if n.page == sheet.page.number and n.start < end and n.end > start]
        if boxes:
            yield rect(sheet.shown(union(boxes)), "head-row" if index < block.header_rows else "row")


def _mark(stop: _Stop) -> str:
    block = stop.block
    mark = badge(_label(stop), stop.box, continued=stop.continued)
    return f'<g class="mark {KIND_COLOURS[block.kind]}" data-item="{block.id + 1}">{mark}</g>'


def _arrows(stops: Sequence[_Stop]) -> Iterator[str]:
    """From each badge to the next, through the margin or over to the next column."""
    for before, after in pairwise(stops):
        x0, y0, wide0 = badge_place(_label(before), before.box)
        x1, y1, wide1 = badge_place(_label(after), after.box)
        start = (x0 + wide0 / 2, y0 + BADGE_HEIGHT / 2)
        yield _arrow(start, (x1 + wide1 / 2, y1 + BADGE_HEIGHT / 2), wide1 / 2 + 1)


def _arrow(start: tuple[float, float], end: tuple[float, float], half_wide: float) -> str:
    """A line from `start` to the edge of the badge around `end`, and a head on it; nothing where they nearly touch."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    if length < 1:
        return ""
    ux, uy = dx / length, dy / length
    # To the edge of the badge, a box of half_wide × half its height around its middle.
    reach = min(half_wide / abs(ux) if ux else math.inf, (BADGE_HEIGHT / 2 + 0.5) / abs(uy) if uy else math.inf)
    if reach + _HEAD_PT >= length:
        return ""
    tip = (end[0] - ux * reach, end[1] - uy * reach)
    back = (tip[0] - ux * _HEAD_PT, tip[1] - uy * _HEAD_PT)
    left = (back[0] - uy * _HEAD_HALF_PT, back[1] + ux * _HEAD_HALF_PT)
    right = (back[0] + uy * _HEAD_HALF_PT, back[1] - ux * _HEAD_HALF_PT)
    points = " ".join(f"{number(x)},{number(y)}" for x, y in (tip, left, right))
    return (
        f'<line x1="{number(start[0])}" y1="{number(start[1])}" x2="{number(back[0])}" y2="{number(back[1])}"/>'
        f'<polygon points="{points}"/>'
    )


def _aside(things: Sequence[Leftover], sheet: Sheet, name: str) -> Iterator[str]:
    said = {"furniture": "Furniture", "unseen": "Invisible"}[name]
    for thing in things:
        if thing.page == sheet.page.number:
            box = "" if thing.box is None else rect(sheet.shown(thing.box))
            yield f'<g class="aside {name}"><title>{said}: {esc(thing.text[:200])}</title>{box}</g>'
