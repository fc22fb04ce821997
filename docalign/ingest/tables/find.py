"""Tables of a page: found by what is drawn or by how the words stand, taken out of its lines.

In this order, each on what the one before left: cells that crossing rules draw; cells that shades draw; rows between
horizontal rules or shaded stripes; and, only when sure, columns of short or numeric cells without any rule. Works on
a PDF's text layer and on OCR words alike. Every word stays: in one cell, or in its line.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

from docalign.ingest.layout.frame import from_frame, to_frame, union
from docalign.ingest.layout.rows import make_row
from docalign.ingest.page import TableArea, TextLine
from docalign.ingest.tables.bare import bare_tables
from docalign.ingest.tables.drawing import Drawing
from docalign.ingest.tables.flat import flat_tables
from docalign.ingest.tables.grid import drawn_tables
from docalign.ingest.tables.header import header_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docalign.document import Box
    from docalign.ingest.layout.rows import Row
    from docalign.ingest.page import PageContent, Word
    from docalign.ingest.tables.lines import Grid

__all__ = ["with_tables"]


def with_tables(page: PageContent, drawing: Drawing) -> PageContent:
    """The page with its tables taken out of the lines; `drawing` is in the frame of the page's words."""
    if not page.lines:
        return page
    words = _Words(page)
    turned = drawing.turned(page)
    tables = [_area(grid, page) for grid in _find(words, turned)]
    if not tables:
        return page
    return replace(page, lines=words.remaining(), tables=tuple(tables))


def _find(words: _Words, drawing: Drawing) -> Iterator[Grid]:
    shades = [s for s in drawing.shades if not words.is_background(s.box)]
    plain = Drawing(drawing.rules, tuple(shades))
    edges = [*drawing.rules, *(edge for shade in shades for edge in shade.edges())]

    def found() -> Iterator[Grid]:
        yield from drawn_tables(drawing.rules, words.inside)
        if shades:
            yield from drawn_tables(edges, words.inside, tiled=True)
        yield from flat_tables(plain, words.inside)
        yield from bare_tables(words.inside(None), plain)

    for grid in found():
        kept = grid.trimmed()
        if kept is not None and words.take(kept):
            kept.header_rows = header_rows(kept, shades)
            yield kept


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """A word of line `line`, with its box in the reading frame."""

    line: int
    word: Word
    turned: Word


class _Words:
    """The words of a page in its reading frame, and which of them stand in no table yet."""

    def __init__(self, page: PageContent) -> None:
        self._page = page
        placed = []
        for number, line in enumerate(page.lines):
            for word in line.words:
                box = to_frame(word.box, page.width, page.height, page.rotation)
                placed.append(_Placed(number, word, word if box == word.box else replace(word, box=box)))
        self._all = placed
        self._sorted = sorted(placed, key=lambda p: p.turned.box[1] + p.turned.box[3])
        self._middles = [(p.turned.box[1] + p.turned.box[3]) / 2 for p in self._sorted]
        self._free = {id(p.turned) for p in placed}

    def is_background(self, box: Box) -> bool:
        """Whether a shade lies under most of the page."""
        return (box[2] - box[0]) * (box[3] - box[1]) > 0.6 * self._page.width * self._page.height

    def inside(self, box: Box | None) -> list[Row]:
        """The free pieces of text whose middle is in a box (None: anywhere), in the order of the page's lines."""
        if box is None:
            found = self._all
        else:
            between = self._sorted[bisect_left(self._middles, box[1]) : bisect_right(self._middles, box[3])]
            found = [p for p in between if box[0] <= (p.turned.box[0] + p.turned.box[2]) / 2 <= box[2]]
        lines: defaultdict[int, list[Word]] = defaultdict(list)
        for p in found:
            if id(p.turned) in self._free and p.turned.text.strip():
                lines[p.line].append(p.turned)
        ocr = self._page.ocr
        if box is not None:  # found by height: back to the order in which the page has them
            for words in lines.values():
                words.sort(key=lambda w: w.box[0])
        return [make_row(self._page.number, words, line, ocr=ocr) for line, words in sorted(lines.items())]

    def take(self, grid: Grid) -> bool:
        """Mark the words of a table as taken; False where one of them is already."""
        ids = [id(w) for row in grid.cells for cell in row for w in cell]
        if not self._free.issuperset(ids):
            return False
        self._free.difference_update(ids)
        return True

    def remaining(self) -> tuple[TextLine, ...]:
        """The page's lines without the words that tables have taken."""
        lines: defaultdict[int, list[Word]] = defaultdict(list)
        for p in self._all:
            if id(p.turned) in self._free:
                lines[p.line].append(p.word)
        return tuple(
            self._page.lines[n]
            if len(words) == len(self._page.lines[n].words)
            else replace(self._page.lines[n], words=tuple(words), box=union(w.box for w in words))
            for n, words in lines.items()
        )


def _area(grid: Grid, page: PageContent) -> TableArea:
    def home(box: Box) -> Box:
        x0, y0, x1, y1 = from_frame(box, page.width, page.height, page.rotation)
        return (round(x0, 2), round(y0, 2), round(x1, 2), round(y1, 2))

    believed = [w.confidence for row in grid.cells for cell in row for w in cell if w.confidence is not None]
    return TableArea(
        home(grid.box),
        tuple(grid.texts()),
        tuple(map(home, grid.boxes)),
        grid.header_rows,
        round(fmean(believed), 4) if believed else None,
    )
