"""Text that stands in columns: lines, the gutters between their pieces, and rows of cells.

No decision is made here on whether something is a table; `tables.flat` and `tables.bare` make it. All boxes are in the
reading frame, points.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.frame import union
from docalign.ingest.layout.rows import merge_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from docalign.document import Box
    from docalign.ingest.layout.rows import Row
    from docalign.ingest.page import Word

__all__ = ["Grid", "Line", "Segment", "gutters", "is_numeric", "make_grid", "make_lines"]

_DASHES: Final = frozenset({"-", "–", "—", "−", "--", "...", "…", "n/a", "N/A", "NA", "n.a.", "*"})
_DIGIT: Final = re.compile(r"\d")
_BEGINS_WITH_DIGIT: Final = re.compile(r"[\W_]*\d")
_LETTER: Final = re.compile(r"[^\W\d_]")
_ROWS_DRAWN: Final = 4
"""With this many bands between rules every row is taken to be drawn."""
_SPAN_SLACK_PT: Final = 3.0
_MAX_CROSSING: Final = 0.2
"""At most this share of the lines may run across a gutter (section rows, headers over several columns)."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Words of a line with no wide gap between them."""

    words: tuple[Word, ...]
    x0: float
    x1: float

    @property
    def text(self) -> str:
        return " ".join(w.text for w in self.words)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """What stands on one baseline."""

    row: Row
    segments: tuple[Segment, ...]

    @property
    def top(self) -> float:
        return self.row.box[1]

    @property
    def bottom(self) -> float:
        return self.row.box[3]


@dataclass(slots=True)
class Grid:
    """Rows of cells, each the words in it in reading order; `boxes` has one box for each row."""

    cells: list[list[list[Word]]]
    boxes: list[Box]
    box: Box
    header_rows: int = 0
    edges: list[float] = field(default_factory=list)
    """Where one column ends and the next begins, one less than there are columns."""

    def texts(self) -> list[tuple[str, ...]]:
        """The rows as texts."""
        return [tuple(" ".join(w.text for w in cell) for cell in row) for row in self.cells]

    def trimmed(self) -> Grid | None:
        """Without rows and columns that hold no text; None where fewer than two of either are left."""
        columns = [k for k in range(len(self.cells[0])) if any(row[k] for row in self.cells)]
        rows = [k for k, row in enumerate(self.cells) if any(row)]
        if len(columns) < 2 or len(rows) < 2:
            return None
        header = sum(k < self.header_rows for k in rows)
        cells = [[self.cells[k][c] for c in columns] for k in rows]
        edges = self.edges if len(columns) == len(self.cells[0]) else []
        return Grid(cells, [self.boxes[k] for k in rows], self.box, header, edges)


def is_numeric(text: str) -> bool | None:
    """Whether a cell's text is a number, an amount, a date …; None for dashes and the like, which say nothing."""
    if text in _DASHES or not text:
        return None
    return bool(_BEGINS_WITH_DIGIT.match(text)) and len(_LETTER.findall(text)) <= min(len(_DIGIT.findall(text)), 4)


def make_lines(rows: Iterable[Row], gap_em: float) -> list[Line]:
    """Pieces of text as lines, top to bottom; a gap of `gap_em` between words parts segments."""
    return [Line(row, tuple(_segments(row, gap_em * max(row.size, 1.0)))) for row in merge_rows(rows)]


def _segments(row: Row, gap: float) -> Iterable[Segment]:
    words = sorted(row.words, key=lambda w: w.box[0])
    start, right = 0, words[0].box[2]
    for k in range(1, len(words)):
        if words[k].box[0] - right >= gap:
            yield Segment(tuple(words[start:k]), words[start].box[0], right)
            start, right = k, words[k].box[2]
        else:
            right = max(right, words[k].box[2])
    yield Segment(tuple(words[start:]), words[start].box[0], right)


def gutters(lines: Sequence[Line], least: float) -> list[float]:
    """Middles of the vertical strips at least `least` wide that (nearly) no line has text in, left to right."""
    events: list[tuple[float, int]] = []
    for line in lines:
        for segment in line.segments:
            events += [(segment.x0, 1), (segment.x1, -1)]
    events.sort()
    allowed = int(_MAX_CROSSING * len(lines))
    pieces: list[tuple[float, float, int]] = []  # stretches with the number of lines that have text in them
    count = 0
    for (x, step), (after, _) in pairwise(events):
        count += step
        if after > x:
            pieces.append((x, after, count))
    found: list[float] = []
    strip: list[tuple[float, float, int]] = []
    for piece in [*pieces, (0.0, 0.0, allowed + 1)]:
        if piece[2] <= allowed:
            strip.append(piece)
            continue
        inner = len(strip) > 0 and strip[0] is not pieces[0] and strip[-1] is not pieces[-1]
        if strip and strip[-1][1] - strip[0][0] >= least:
            found += _thinnest(strip, least, inner=inner)
        strip = []
    return found


def _thinnest(strip: Sequence[tuple[float, float, int]], least: float, *, inner: bool) -> list[float]:
    """Where to part a strip: at every free stretch that is wide enough, else (within the text) once where the fewest
    lines cross."""
    free = [(a + b) / 2 for a, b, n in strip if n == 0 and b - a >= least]
    if free or not inner:
        return free
    fewest = (
        min(n for a, b, n in strip if b - a >= 0.5 * least) if any(b - a >= 0.5 * least for a, b, _ in strip) else 0
    )
    wide = [(b - a, (a + b) / 2) for a, b, n in strip if n == fewest]
    return [max(wide)[1]] if wide else []


def make_grid(
    lines: Sequence[Line], edges: Sequence[float], *, bounds: Sequence[float] = (), spans: Sequence[Box] = ()
) -> Grid:
    """Lines as rows of cells.

    Args:
        edges: where one column ends and the next begins.
        bounds: heights of the rules that part rows; where they do not part every row, white space and content do.
        spans: rules over part of the table: a text above one belongs to the first column it covers.
    """
    placed = [_in_columns(line, edges, spans) for line in lines]
    bands = _bands(lines, [*bounds, *(box[1] for box in spans)])
    drawn = len(_bands(lines, bounds)) >= _ROWS_DRAWN
    rows: list[list[int]] = []
    for band in bands:
        whole = drawn or bool(bounds and lines[band[0]].row.middle < bounds[0])
        own = [placed[k] for k in band]
        starts = _stacked(own) if whole else _starts([lines[k] for k in band], own)
        for k, start in zip(band, starts, strict=True):
            if start or k == band[0]:
                rows.append([])
            rows[-1].append(k)
    cells = [[[w for k in row for w in placed[k][c]] for c in range(len(edges) + 1)] for row in rows]
    boxes = [union(lines[k].row.box for k in row) for row in rows]
    return Grid(cells, boxes, union(boxes), edges=list(edges))


def _bands(lines: Sequence[Line], bounds: Sequence[float]) -> list[list[int]]:
    bands: list[list[int]] = [[0]]
    for k in range(1, len(lines)):
        if any(lines[k - 1].row.middle < y <= lines[k].row.middle for y in bounds):
            bands.append([])
        bands[-1].append(k)
    return bands


def _in_columns(line: Line, edges: Sequence[float], spans: Sequence[Box]) -> list[list[Word]]:
    """The words of a line by column; a segment over several columns stands in the first of them."""
    cells: list[list[Word]] = [[] for _ in range(len(edges) + 1)]
    for segment in line.segments:
        span = next((box for box in spans if _stands_on(segment, line, box)), None)
        if span is not None:
            column = sum(edge < span[0] + _SPAN_SLACK_PT for edge in edges)
        elif any(segment.x0 < edge < segment.x1 for edge in edges):
            column = sum(edge <= segment.x0 for edge in edges)
        else:
            column = sum(edge < (segment.x0 + segment.x1) / 2 for edge in edges)
        cells[column].extend(segment.words)
    return cells


def _stands_on(segment: Segment, line: Line, span: Box) -> bool:
    inside = span[0] - _SPAN_SLACK_PT <= segment.x0 and segment.x1 <= span[2] + _SPAN_SLACK_PT
    return inside and -1.0 <= span[1] - line.row.middle <= 1.2 * line.row.size


def _starts(lines: Sequence[Line], placed: Sequence[list[list[Word]]]) -> list[bool]:
    """Which lines begin a row, where no rule says it."""
    gaps, bottom = [0.0], lines[0].bottom
    for line in lines[1:]:
        gaps.append(line.top - bottom)
        bottom = max(bottom, line.bottom)
    threshold = _threshold(gaps[1:], lines, placed)
    starts, first = [True], 0
    for k in range(1, len(lines)):
        if gaps[k] < -0.2 * lines[k].row.size:
            start = False  # lines of neighbouring cells that stand at different heights
        elif _is_number_below(placed, first, k):
            start = True
        elif threshold is not None:
            start = gaps[k] > threshold
        else:
            start = not _goes_on(placed, k)
        starts.append(start)
        first = k if start else first
    return starts


def _stacked(placed: Sequence[list[list[Word]]]) -> list[bool]:
    """Which lines of a drawn row begin one nevertheless: a number below a number."""
    starts, first = [True], 0
    for k in range(1, len(placed)):
        starts.append(_is_number_below(placed, first, k))
        first = k if starts[-1] else first
    return starts


def _threshold(gaps: Sequence[float], lines: Sequence[Line], placed: Sequence[list[list[Word]]]) -> float | None:
    """The white space that parts rows rather than lines of a cell, where there are clearly two kinds of it."""
    if not gaps:
        return None
    small, big = min(gaps), max(gaps)
    if big - small < 0.35 * median(line.row.size for line in lines):
        return None
    middle = (small + big) / 2
    joined = [k for k, gap in enumerate(gaps, 1) if gap <= middle]
    # Lines that fill every column one after the other are rows in groups, not lines of a cell.
    full = sum(_filled(placed[k - 1]) == _filled(placed[k]) and len(_filled(placed[k])) > 1 for k in joined)
    return None if full > 0.5 * len(joined) else middle


def _filled(cells: list[list[Word]]) -> list[int]:
    return [c for c, words in enumerate(cells) if words]


def _text(words: Sequence[Word]) -> str:
    return " ".join(w.text for w in words)


def _is_number_below(placed: Sequence[list[list[Word]]], first: int, k: int) -> bool:
    """Whether line k has a number (or a dash) under a number of the row that begins with line `first`."""
    for c in _filled(placed[k]):
        above = [_text(placed[j][c]) for j in range(first, k) if placed[j][c]]
        pair = {is_numeric(above[-1]), is_numeric(_text(placed[k][c]))} if above else {False}
        if True in pair and False not in pair:
            return True
    return False


def _goes_on(placed: Sequence[list[list[Word]]], k: int) -> bool:
    """Whether a line only continues texts of the line above."""
    filled, above = _filled(placed[k]), _filled(placed[k - 1])
    texts = [_text(placed[k][c]) for c in filled]
    if any(is_numeric(t) is not False for t in texts) or not set(filled) <= set(above):
        return False
    if filled == [0]:
        return texts[0][:1].islower()
    return 0 not in filled and len(filled) < len(above)
