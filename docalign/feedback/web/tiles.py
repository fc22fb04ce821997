"""Where the blocks of a stretch stand on its pages, as tiles that meet without gaps.

The boxes of blocks leave gaps between them, and every line is as wide as its words. Regions of a chunk read as one area
only if its blocks meet, so blocks that follow one another down a column become tiles as wide as the column, and a
tile ends where the next begins. Then a cut is where two tiles of different colours touch. Pure geometry, in points of
the page as it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from docalign.document import Block, Box
from docalign.view.sheet import Sheet

__all__ = ["Tile", "tiles_on"]

_PAD_PT: Final = 2.0
_OVERLAP: Final = 0.5
_TOUCH_PT: Final = 1.0
"""Boxes that share less than this do not overlap: OCR's boxes are not exact."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a block on a page. `first`: the block begins here; `opens`: nothing stands above it in its column."""

    block: int
    box: Box
    first: bool
    opens: bool


@dataclass(frozen=True, slots=True)
class _Part:
    block: int
    box: Box
    first: bool


def tiles_on(sheet: Sheet, blocks: Sequence[Block]) -> list[Tile]:
    """The tiles of `blocks` on a page, in reading order."""
    parts = [
        _Part(block.id, sheet.shown(region.box), i == 0)
        for block in blocks
        for i, region in enumerate(block.boxes)
        if region.page == sheet.page.number
    ]
    tiles: list[Tile] = []
    for column in _columns(parts):
        tiles += _fill(column)
    return tiles


def _columns(parts: Sequence[_Part]) -> list[list[_Part]]:
    """Runs of parts that stand one below the other, such that nothing else stands in the area they take."""
    columns: list[list[_Part]] = []
    for part in parts:
        if columns and _follows(columns[-1], part, parts):
            columns[-1].append(part)
        else:
            columns.append([part])
    return columns


def _follows(column: Sequence[_Part], part: _Part, parts: Sequence[_Part]) -> bool:
    above = column[-1].box
    narrower = min(above[2] - above[0], part.box[2] - part.box[0])
    beside = min(above[2], part.box[2]) - max(above[0], part.box[0]) < _OVERLAP * narrower
    if beside or part.box[1] < above[1] or part.box[3] < above[3]:
        return False
    area = _around([*column, part])
    own = {id(p) for p in (*column, part)}
    return not any(_overlap(area, p.box) for p in parts if id(p) not in own)


def _fill(column: Sequence[_Part]) -> list[Tile]:
    """Every part as wide as the column, and down to where the next begins."""
    x0, y0, x1, y1 = _around(column)
    edges = [y0 - _PAD_PT]
    for above, below in pairwise(column):
        edges.append(max(edges[-1] + 0.1, (above.box[3] + below.box[1]) / 2))
    edges.append(max(edges[-1] + 0.1, y1 + _PAD_PT))
    made = [
        Tile(part.block, (x0 - _PAD_PT, edges[i], x1 + _PAD_PT, edges[i + 1]), part.first, opens=False)
        for i, part in enumerate(column)
    ]
    return [replace(made[0], opens=True), *made[1:]]


def _around(parts: Sequence[_Part]) -> Box:
    boxes = [p.box for p in parts]
    return (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))


def _overlap(a: Box, b: Box) -> bool:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    return wide > _TOUCH_PT and high > _TOUCH_PT
