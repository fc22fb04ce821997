"""Tables drawn with horizontal rules or shaded rows only: booktabs, ledgers, striped rows.

Rules of one extent, one above the other, with text in columns between them. What only looks like that is refused:
head and foot rules around columns of prose, the grid lines of a chart, lines to write on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

from docalign.ingest.tables.drawing import rows_of_rules
from docalign.ingest.tables.lines import Grid, Line, gutters, make_grid, make_lines
from docalign.ingest.tables.sure import is_running_text, looks_tabular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from docalign.document import Box
    from docalign.ingest.layout.rows import Row
    from docalign.ingest.tables.drawing import Drawing, Shade

__all__ = ["flat_tables"]

_SAME_EXTENT_PT: Final = 5.0
_SAME_HEIGHT_PT: Final = 2.5
_GAP_EM: Final = 0.7
_LEAST_GUTTER_EM: Final = 0.7
_SHORTEST_PT: Final = 40.0
_MAX_RULES: Final = 400
_HEADER_LINES: Final = 5
_FURTHER_PT: Final = 150.0
_DARK: Final = 110
_APART_EM: Final = 0.9
_CAPTION: Final = re.compile(r"(?:table|tab\.|figure|fig\.|exhibit|chart)\s+[A-Z]?\d", re.I)


def flat_tables(drawing: Drawing, rows_in: Callable[[Box], list[Row]]) -> Iterator[Grid]:
    """The tables between horizontal rules; `rows_in` gives the pieces of text in a box that no table has yet."""
    edges = [e for s in drawing.shades for e in s.edges()]
    rules = rows_of_rules([*drawing.rules, *edges])
    if len(rules) > _MAX_RULES:
        return
    for group in _groups(rules):
        for stack in _stacks(group, rows_in):
            for part in _at_headers(stack, drawing.shades):
                grid = _table(part, rules, drawing.shades, rows_in)
                if grid is not None:
                    yield grid


def _groups(rules: Sequence[Box]) -> list[list[Box]]:
    """Rules of one extent, from top to bottom; doubled ones once."""
    groups: list[list[Box]] = []
    for rule in rules:
        if rule[2] - rule[0] < _SHORTEST_PT:
            continue
        for group in groups:
            same = abs(group[0][0] - rule[0]) + abs(group[0][2] - rule[2]) <= 2 * _SAME_EXTENT_PT
            if same:
                if rule[1] - group[-1][1] > _SAME_HEIGHT_PT:
                    group.append(rule)
                break
        else:
            groups.append([rule])
    return [group for group in groups if len(group) >= 3]


@dataclass(frozen=True, slots=True)
class _Band:
    """The rules above and below, and the lines between."""

    above: Box
    below: Box
    lines: list[Line]

    @property
    def middle(self) -> float:
        return (self.above[1] + self.below[1]) / 2

    @property
    def in_columns(self) -> bool:
        return any(len(line.segments) > 1 for line in self.lines)


def _stacks(group: Sequence[Box], rows_in: Callable[[Box], list[Row]]) -> Iterator[list[_Band]]:
    """Bands one below the other that all may belong to one table."""
    if _is_chart(group, rows_in):
        return
    stack: list[_Band] = []
    for above, below in pairwise(group):
        x0, x1 = min(above[0], below[0]) - 2, max(above[2], below[2]) + 2
        rows = rows_in((x0, above[1], x1, below[1]))
        lines = make_lines(rows, _GAP_EM) if rows else []
        if not lines:
            continue
        band = _Band(above, below, lines)
        if band.in_columns or _is_section_row(band, stack):
            stack.append(band)
        else:
            yield stack
            stack = []
    yield stack


def _at_headers(stack: Sequence[_Band], shades: Sequence[Shade]) -> Iterator[list[_Band]]:
    """A stack cut above every dark band behind the first: it is the header of a further table."""
    part: list[_Band] = []
    for k, band in enumerate(stack):
        dark = any(_is_dark(s) and s.box[1] < band.middle < s.box[3] for s in shades)
        if dark and part and k + 1 < len(stack):
            yield part
            part = []
        part.append(band)
    yield part


def _is_dark(shade: Shade) -> bool:
    return max(shade.colour >> 16, shade.colour >> 8 & 255, shade.colour & 255) < _DARK


def _is_section_row(band: _Band, stack: Sequence[_Band]) -> bool:
    """One short line between rows, no larger than they are; a larger one is the heading of what follows."""
    row = band.lines[0].row
    if len(band.lines) > 1 or row.box[2] - row.box[0] > 0.7 * (band.above[2] - band.above[0]):
        return False
    return not stack or row.size <= 1.1 * median(line.row.size for b in stack for line in b.lines)


def _is_chart(group: Sequence[Box], rows_in: Callable[[Box], list[Row]]) -> bool:
    """Rules with a number beside most of them, at their height, are the grid of a chart."""
    beside = 0
    for rule in group:
        left = rows_in((rule[0] - 45, rule[1] - 6, rule[0] - 0.5, rule[1] + 6))
        right = rows_in((rule[2] + 0.5, rule[1] - 6, rule[2] + 45, rule[1] + 6))
        beside += any(abs(r.middle - rule[1]) < 0.35 * r.size and len(r.text) < 9 for r in (*left, *right))
    return beside >= 0.5 * len(group)


def _table(
    stack: list[_Band], rules: Sequence[Box], shades: Sequence[Shade], rows_in: Callable[[Box], list[Row]]
) -> Grid | None:
    while stack and not stack[-1].in_columns:
        stack = stack[:-1]
    while stack and not stack[0].in_columns:
        stack = stack[1:]
    if len(stack) < 2:
        return None
    x0, top, x1, _ = stack[0].above
    bottom = stack[-1].below[1]
    lines = [line for band in stack for line in band.lines]
    edges = gutters(lines, _LEAST_GUTTER_EM * median(line.row.size for line in lines))
    if not edges or is_running_text(lines, edges):
        return None
    kept = _without_notes(lines, edges, len(stack[-1].lines))
    if len(kept) < len(lines):
        lines, bottom = kept, kept[-1].bottom
    elif any(abs(s.box[3] - bottom) < _SAME_HEIGHT_PT for s in shades):
        lines = [*lines, *_unshaded(lines, edges, rows_in((x0, bottom, x1, bottom + _FURTHER_PT)))]
        bottom = max(bottom, lines[-1].bottom)
    bounds = [band.above[1] for band in stack[1:]]
    if bottom > stack[-1].below[1]:
        bounds.append(stack[-1].below[1])
    grid = make_grid(lines, edges, bounds=bounds, spans=_partial((x0, top, x1, bottom), rules))
    grid.box = (x0, top, x1, bottom)
    if len(stack) <= 3 and len(stack[0].lines) <= _HEADER_LINES:
        grid.header_rows = sum(box[3] < bounds[0] + 1 for box in grid.boxes)
    several = sum(sum(map(bool, row)) > 1 for row in grid.cells)
    if several < max(2, 0.5 * len(grid.cells)):
        return None
    return grid if len(stack) >= 4 or looks_tabular(grid, ruled=True) else None


def _crosses(line: Line, edges: Sequence[float]) -> bool:
    return any(s.x0 < edge < s.x1 for s in line.segments for edge in edges)


def _without_notes(lines: Sequence[Line], edges: Sequence[float], last: int) -> list[Line]:
    """The lines without what follows the last row: notes across the columns, captions, text behind white space.

    `last`: how many lines the last band has; its first one stays.
    """
    kept = list(lines)
    for k in range(len(lines) - last + 1, len(lines)):
        apart = lines[k].top - max(line.bottom for line in lines[:k]) > _APART_EM * lines[k].row.size
        if apart and all(len(line.segments) == 1 for line in lines[k:]):
            kept = kept[:k]
            break
    while len(kept) > len(lines) - last + 1 and len(kept[-1].segments) == 1:
        if not (_crosses(kept[-1], edges) or _CAPTION.match(kept[-1].row.text)):
            break
        kept.pop()
    return kept


def _unshaded(lines: Sequence[Line], edges: Sequence[float], rows: Sequence[Row]) -> list[Line]:
    """The last row of a striped table where it has no shade: what stands in the columns right below."""
    found: list[Line] = []
    bottom = lines[-1].bottom
    for line in make_lines(rows, _GAP_EM) if rows else []:
        near = line.top - bottom <= (1.5 if not found else 0.8) * line.row.size
        if not near or _crosses(line, edges) or (not found and len(line.segments) < 2):
            break
        found.append(line)
        bottom = line.bottom
    return found


def _partial(box: Box, rules: Sequence[Box]) -> list[Box]:
    """Rules over part of a table only, as under a header of several columns."""
    return [
        r
        for r in rules
        if box[1] + 1 < r[1] < box[3] - 1
        and r[2] - r[0] < 0.9 * (box[2] - box[0])
        and r[0] >= box[0] - 3
        and r[2] <= box[2] + 3
    ]
