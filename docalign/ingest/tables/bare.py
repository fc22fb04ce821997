"""Tables without any rule: columns that stay clear over at least three lines, taken only when sure."""

from __future__ import annotations

import itertools
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.rows import overlap
from docalign.ingest.tables.drawing import rows_of_rules
from docalign.ingest.tables.lines import Grid, Line, gutters, make_grid, make_lines
from docalign.ingest.tables.sure import looks_tabular

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from docalign.ingest.layout.rows import Row
    from docalign.ingest.tables.drawing import Drawing

__all__ = ["bare_tables"]

_GAP_EM: Final = 0.95
_MIN_LINES: Final = 3
_MAX_LINES: Final = 400
_STEP_EM: Final = 2.2
"""White space between two lines of a table, at most."""
_NEARER_EM: Final = 0.35
_MAX_DEPTH: Final = 2


def bare_tables(rows: Sequence[Row], drawing: Drawing, depth: int = 0) -> Iterator[Grid]:
    """The tables among pieces of text that stand outside of drawn ones."""
    if len(rows) > _MAX_LINES or not _has_columns(rows):
        return
    lines = make_lines(rows, _GAP_EM)
    for run in _runs(lines):
        grid = _table(run)
        if grid is not None and not _has_boxes(grid, drawing):
            yield grid
        elif depth < _MAX_DEPTH:
            yield from _beside(run, rows, drawing, depth)


def _has_columns(rows: Sequence[Row]) -> bool:
    """A quick look: at least three pieces have a neighbour on their baseline, or a wide gap inside."""
    ordered = sorted(rows, key=lambda r: r.middle)
    beside = sum(overlap(a.box[1], a.box[3], b.box[1], b.box[3]) > 0.5 * min(a.height, b.height)
                 for a, b in itertools.pairwise(ordered))  # fmt: skip
    return beside >= _MIN_LINES


def _runs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines one below the other with at least one gutter that stays clear in all of them."""
    k = 0
    while k < len(lines):
        if len(lines[k].segments) < 2:
            k += 1
            continue
        free = _gaps(lines[k])
        end = k + 1
        while end < len(lines) and lines[end].top - lines[end - 1].bottom <= _STEP_EM * lines[end].row.size:
            left = _clear(free, lines[end])
            if not left:
                break
            free, end = left, end + 1
        run = _without_tail(lines[k:end])
        if sum(len(line.segments) > 1 for line in run) >= _MIN_LINES:
            yield run
        k = end


def _without_tail(lines: Sequence[Line]) -> list[Line]:
    """The lines up to the last that has columns, and those that only go on with its texts: nearer than rows are."""
    last = max(k for k, line in enumerate(lines) if len(line.segments) > 1)
    gaps = [b.top - a.bottom for a, b in pairwise(lines[: last + 1])]
    while last + 1 < len(lines) and gaps:
        row = lines[last + 1]
        if row.top - lines[last].bottom > max(gaps) - _NEARER_EM * row.row.size:
            break
        last += 1
    return list(lines[: last + 1])


Strips = list[tuple[float, float]]


def _gaps(line: Line) -> Strips:
    segments = line.segments
    return [(a.x1, b.x0) for a, b in itertools.pairwise(segments)]


def _clear(free: Strips, line: Line) -> Strips:
    """What of the strips is clear in `line` too."""
    least = _GAP_EM * line.row.size
    for segment in line.segments:
        parts = []
        for a, b in free:
            parts += (
                [(a, min(b, segment.x0)), (max(a, segment.x1), b)] if segment.x0 < b and segment.x1 > a else [(a, b)]
            )
        free = [(a, b) for a, b in parts if b - a >= least]
    return free


def _table(run: Sequence[Line]) -> Grid | None:
    size = median(line.row.size for line in run)
    edges = gutters(run, _GAP_EM * size)
    if not edges:
        return None
    grid = make_grid(run, edges)
    while len(grid.cells) > _MIN_LINES and sum(map(bool, grid.cells[0])) < 2:
        grid.cells, grid.boxes = grid.cells[1:], grid.boxes[1:]
    return grid if looks_tabular(grid) else None


def _has_boxes(grid: Grid, drawing: Drawing) -> bool:
    """Whether boxes or upright rules stand among the texts: they belong to a chart or a diagram."""
    x0, y0, x1, y1 = grid.box
    edges = [edge for shade in drawing.shades for edge in shade.edges()]
    inside = [
        r
        for r in (*drawing.rules, *edges)
        if r.box[0] < x1 - 1 and r.box[2] > x0 + 1 and r.box[1] < y1 - 1 and r.box[3] > y0 + 1
    ]
    if any(not r.horizontal and x0 + 3 < r.box[0] < x1 - 3 for r in inside):
        return True
    return any(b[2] - b[0] < 0.6 * (x1 - x0) for b in rows_of_rules(inside))


def _beside(run: Sequence[Line], rows: Sequence[Row], drawing: Drawing, depth: int) -> Iterator[Grid]:
    """Tables in one of the page's columns: both sides of the clearest gutter by themselves."""
    edges = gutters(run, _GAP_EM * median(line.row.size for line in run))
    top, bottom = run[0].top, max(line.bottom for line in run)
    inside = [r for r in rows if top <= r.middle <= bottom]
    left, right = min(r.box[0] for r in inside), max(r.box[2] for r in inside)
    if not edges:
        return
    edge = min(edges, key=lambda e: abs(e - (left + right) / 2))
    for side in ([r for r in inside if r.box[2] <= edge], [r for r in inside if r.box[0] >= edge]):
        if len(side) < len(inside):
            yield from bare_tables(side, drawing, depth + 1)
