"""Ruled tables: cells drawn by a page's lines, filled with the page's own words.

Only drawn tables: columns of words without rules stay lines (guessing invents tables). PDFium finds the edges,
pdfplumber's "lines" strategy turns them to cells, and each word goes to the one cell that holds its middle, so that
none is lost or doubled. Boxes round a text, page borders and chart grids are not tables.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from docalign.ingest.frame import from_frame, to_frame, union
from docalign.ingest.page import TableArea, TextLine
from docalign.ingest.rows import Row, make_row, merge_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from docalign.document import Box
    from docalign.ingest.page import PageContent, Word

__all__ = ["with_tables"]

_SNAP_PT: Final = 3.0
_CROSS_PT: Final = 3.0
_MAX_CROSSINGS: Final = 250_000
_MIN_FILLED: Final = 0.3
_MAX_CELL_SHARE: Final = 0.6
_MAX_CELL_WORDS: Final = 60


def with_tables(page: PageContent, rules: Sequence[tuple[Box, bool]]) -> PageContent:
    """The page with its ruled tables taken out of the lines.

    `rules` are the page's straight edges as (box, horizontal), in the frame of the page's words.
    """
    if not page.lines or not _worth_a_look(rules):
        return page
    turned = [(to_frame(box, page.width, page.height, page.rotation), flat) for box, flat in rules]
    if page.rotation % 180:
        turned = [(box, not flat) for box, flat in turned]
    words = [
        _Placed(n, w, to_frame(w.box, page.width, page.height, page.rotation))
        for n, line in enumerate(page.lines)
        for w in line.words
    ]
    tables: list[TableArea] = []
    taken: set[int] = set()
    for cells in _cell_groups(turned):
        inside = [p for p in words if id(p) not in taken and _holds(union(cells), p.middle)]
        table = _table(cells, inside, page)
        if table is not None:
            tables.append(table)
            taken.update(map(id, inside))
    if not tables:
        return page
    return replace(page, lines=_remaining(page.lines, words, taken), tables=tuple(tables))


def _worth_a_look(rules: Sequence[tuple[Box, bool]]) -> bool:
    flat = sum(1 for _, horizontal in rules if horizontal)
    return flat >= 3 and len(rules) - flat >= 3 and flat * (len(rules) - flat) <= 100 * _MAX_CROSSINGS


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """A word of line `line`, with its box in the reading frame."""

    line: int
    word: Word
    box: Box

    @property
    def middle(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


def _holds(box: Box, point: tuple[float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _cell_groups(rules: Iterable[tuple[Box, bool]]) -> list[list[Box]]:
    """pdfplumber's way from edges to touching cells, without its page objects."""
    from pdfplumber import table as plumber

    edges: list[dict[str, Any]] = []
    for (x0, top, x1, bottom), horizontal in rules:
        edge: dict[str, Any] = {
            "x0": x0,
            "x1": x1,
            "top": top,
            "bottom": bottom,
            "width": x1 - x0,
            "height": bottom - top,
        }
        edge["orientation"] = "h" if horizontal else "v"
        edges.append(edge)
    merged = plumber.merge_edges(edges, _SNAP_PT, _SNAP_PT, _SNAP_PT, _SNAP_PT)
    merged = [e for e in merged if max(e["x1"] - e["x0"], e["bottom"] - e["top"]) >= _SNAP_PT]
    flat = sum(e["orientation"] == "h" for e in merged)
    if flat * (len(merged) - flat) > _MAX_CROSSINGS:
        return []
    crossings = plumber.edges_to_intersections(merged, _CROSS_PT, _CROSS_PT)
    if len(crossings) ** 2 > 16 * _MAX_CROSSINGS:
        return []
    cells = plumber.intersections_to_cells(crossings)
    return [list(group) for group in plumber.cells_to_tables(cells)]


def _table(cells: Sequence[Box], words: Sequence[_Placed], page: PageContent) -> TableArea | None:
    """The table of `cells`, or None where it is only a frame, a grid or a box."""
    tops = sorted({c[1] for c in cells})
    lefts = sorted({c[0] for c in cells})
    if len(tops) < 2 or len(lefts) < 2 or not words:
        return None
    held: defaultdict[Box, list[_Placed]] = defaultdict(list)
    for placed in words:
        held[_cell_of(placed, cells)].append(placed)
    if not _is_filled(cells, held, len(words)):
        return None
    grid = [[""] * len(lefts) for _ in tops]
    for cell, content in held.items():
        grid[tops.index(cell[1])][lefts.index(cell[0])] = _cell_text(content, page.number)
    used = [k for k in range(len(lefts)) if any(row[k] for row in grid)]
    rows = [tuple(row[k] for k in used) for row in grid]
    boxes = [union(c for c in cells if c[1] == top) for top in tops]
    kept = [(row, box) for row, box in zip(rows, boxes, strict=True) if any(row)]
    if len(kept) < 2 or len(used) < 2:
        return None

    def home(box: Box) -> Box:
        x0, y0, x1, y1 = from_frame(box, page.width, page.height, page.rotation)
        return (round(x0, 2), round(y0, 2), round(x1, 2), round(y1, 2))

    return TableArea(home(union(cells)), tuple(r for r, _ in kept), tuple(home(b) for _, b in kept))


def _cell_of(placed: _Placed, cells: Sequence[Box]) -> Box:
    """The smallest cell around the word's middle, else the nearest one."""
    x, y = placed.middle
    around = [c for c in cells if _holds(c, (x, y))]
    if around:
        return min(around, key=lambda c: (c[2] - c[0]) * (c[3] - c[1]))

    def distance(cell: Box) -> float:
        return max(cell[0] - x, 0.0, x - cell[2]) + 4 * max(cell[1] - y, 0.0, y - cell[3])

    return min(cells, key=distance)


def _is_filled(cells: Sequence[Box], held: dict[Box, list[_Placed]], total: int) -> bool:
    largest = max(map(len, held.values()))
    if largest > _MAX_CELL_WORDS and largest > _MAX_CELL_SHARE * total:
        return False
    return len(held) >= 3 and len(held) >= _MIN_FILLED * len(cells)


def _cell_text(content: Sequence[_Placed], page: int) -> str:
    pieces: defaultdict[int, list[Word]] = defaultdict(list)
    for placed in content:
        pieces[placed.line].append(replace(placed.word, box=placed.box))
    rows: list[Row] = merge_rows(make_row(page, words, line) for line, words in pieces.items())
    return " ".join(row.text for row in rows)


def _remaining(page: Sequence[TextLine], words: Sequence[_Placed], taken: set[int]) -> tuple[TextLine, ...]:
    lines: defaultdict[int, list[Word]] = defaultdict(list)
    for placed in words:
        if id(placed) not in taken:
            lines[placed.line].append(placed.word)
    return tuple(replace(page[n], words=tuple(left), box=union(w.box for w in left)) for n, left in lines.items())
