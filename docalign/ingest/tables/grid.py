"""Drawn cells: tables whose rows and columns are parted by crossing rules.

pdfplumber's "lines" strategy turns edges to cells, without its page objects, and each word goes to the one cell that
holds its middle, so that none is lost or doubled. Boxes round a text, page borders and chart grids are not tables.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from docalign.ingest.layout.frame import union
from docalign.ingest.layout.rows import make_row, merge_rows
from docalign.ingest.tables.drawing import Rule, rows_of_rules
from docalign.ingest.tables.lines import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from docalign.document import Box
    from docalign.ingest.layout.rows import Row
    from docalign.ingest.page import Word

__all__ = ["drawn_tables"]

_SNAP_PT: Final = 3.0
_CROSS_PT: Final = 3.0
_MAX_CROSSINGS: Final = 250_000
_MIN_FILLED: Final = 0.3
_MAX_CELL_SHARE: Final = 0.6
_MAX_CELL_WORDS: Final = 60
_ENOUGH_CELLS: Final = 6
_TILED: Final = 0.9
_STRIPE_ROWS: Final = 2
_SAME_EXTENT_PT: Final = 4.0


def drawn_tables(rules: Sequence[Rule], rows_in: Callable[[Box], list[Row]], *, tiled: bool = False) -> Iterator[Grid]:
    """The tables that `rules` draw; `rows_in` gives the pieces of text in a box that no table has yet.

    With `tiled`, only those whose cells leave no hole: the shades of striped rows make cells of every other row.
    """
    if not _worth_a_look(rules):
        return
    for cells in _cell_groups([*rules, *_missing_sides(rules)]):
        if tiled and not _is_tiled(cells, rules):
            continue
        grid = _table(cells, rows_in(union(cells)))
        if grid is not None:
            yield grid


def _is_tiled(cells: Sequence[Box], rules: Sequence[Rule]) -> bool:
    """Whether the cells leave no hole, and are no stripe: with an edge as wide as they are a row further up or down."""
    x0, y0, x1, y1 = union(cells)
    if sum(map(_area, cells)) < _TILED * (x1 - x0) * (y1 - y0):
        return False
    if len({c[1] for c in cells}) > _STRIPE_ROWS:
        return True
    further = 2 * max(c[3] - c[1] for c in cells)
    return not any(
        (y0 - further < r[1] < y0 - _SNAP_PT or y1 + _SNAP_PT < r[1] < y1 + further)
        and abs(r[0] - x0) + abs(r[2] - x1) < 2 * _SAME_EXTENT_PT
        for r in rows_of_rules(rules)
    )


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _worth_a_look(rules: Sequence[Rule]) -> bool:
    flat = sum(rule.horizontal for rule in rules)
    return flat >= 3 and len(rules) > flat and flat * (len(rules) - flat) <= 100 * _MAX_CROSSINGS


def _missing_sides(rules: Sequence[Rule]) -> Iterator[Rule]:
    """The outer sides of tables that have rules between their columns and none around."""
    flat = rows_of_rules(rules)
    uprights = sorted((r.box for r in rules if not r.horizontal), key=lambda b: b[0])
    lefts = [b[0] for b in uprights]
    if len(flat) * len(uprights) > _MAX_CROSSINGS:
        return
    for group in _same_extent(flat):
        x0, x1 = group[0][0], group[0][2]
        inner = uprights[bisect_right(lefts, x0 + _CROSS_PT) : bisect_left(lefts, x1 - _CROSS_PT)]
        sides = [*uprights[bisect_left(lefts, x0 - _CROSS_PT) : bisect_right(lefts, x0 + _CROSS_PT)],
                 *uprights[bisect_left(lefts, x1 - _CROSS_PT) : bisect_right(lefts, x1 + _CROSS_PT)]]  # fmt: skip
        for above, below in pairwise(group):
            middle = (above[1] + below[1]) / 2
            if any(b[1] < middle < b[3] for b in inner) and not any(b[1] < middle < b[3] for b in sides):
                yield Rule((x0, above[1], x0, below[1]), False)
                yield Rule((x1, above[1], x1, below[1]), False)


def _same_extent(flat: Iterable[Box]) -> list[list[Box]]:
    groups: dict[tuple[int, int], list[Box]] = {}
    for box in flat:
        key = (round(box[0] / _SAME_EXTENT_PT), round(box[2] / _SAME_EXTENT_PT))
        groups.setdefault(key, []).append(box)
    return [group for group in groups.values() if len(group) >= 2]


def _cell_groups(rules: Iterable[Rule]) -> list[list[Box]]:
    """pdfplumber's way from edges to touching cells."""
    from pdfplumber import table as plumber

    edges: list[dict[str, Any]] = []
    for rule in rules:
        x0, top, x1, bottom = rule.box
        edge: dict[str, Any] = {"x0": x0, "x1": x1, "top": top, "bottom": bottom}
        edge |= {"width": x1 - x0, "height": bottom - top, "orientation": "h" if rule.horizontal else "v"}
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


def _table(cells: Sequence[Box], rows: Sequence[Row]) -> Grid | None:
    """The table of `cells`, or None where it is only a frame, a grid or a box."""
    tops = sorted({c[1] for c in cells})
    lefts = sorted({c[0] for c in cells})
    if len(tops) < 2 or len(lefts) < 2 or not rows:
        return None
    held: defaultdict[Box, list[list[Word]]] = defaultdict(list)
    around = _Cells(cells)
    for row in rows:
        parts: defaultdict[Box, list[Word]] = defaultdict(list)
        for word in row.words:
            parts[around.of(word)].append(word)
        for cell, words in parts.items():
            held[cell].append(words)
    if not _is_filled(cells, held):
        return None
    grid: list[list[list[Word]]] = [[[] for _ in lefts] for _ in tops]
    for cell, pieces in held.items():
        grid[tops.index(cell[1])][lefts.index(cell[0])] = _in_order(pieces)
    boxes = [union(c for c in cells if c[1] == top) for top in tops]
    return Grid(grid, boxes, union(cells), edges=lefts[1:])


class _Cells:
    """Finds the cell of a word: the smallest around its middle, else the nearest."""

    def __init__(self, cells: Sequence[Box]) -> None:
        self._cells = sorted(cells, key=lambda c: c[1])
        self._tops = [c[1] for c in self._cells]
        self._tallest = max(c[3] - c[1] for c in cells)

    def of(self, word: Word) -> Box:
        x, y = (word.box[0] + word.box[2]) / 2, (word.box[1] + word.box[3]) / 2
        near = self._cells[bisect_left(self._tops, y - self._tallest) : bisect_right(self._tops, y)]
        around = [c for c in near if c[0] <= x <= c[2] and c[1] <= y <= c[3]]
        if around:
            return min(around, key=lambda c: (c[2] - c[0]) * (c[3] - c[1]))

        def distance(cell: Box) -> float:
            return max(cell[0] - x, 0.0, x - cell[2]) + 4 * max(cell[1] - y, 0.0, y - cell[3])

        return min(self._cells, key=distance)


def _is_filled(cells: Sequence[Box], held: Mapping[Box, Sequence[Sequence[Word]]]) -> bool:
    counts = [sum(map(len, pieces)) for pieces in held.values()]
    largest = max(counts)
    if largest > _MAX_CELL_WORDS and largest > _MAX_CELL_SHARE * sum(counts) and len(held) < _ENOUGH_CELLS:
        return False
    return len(held) >= 3 and len(held) >= _MIN_FILLED * len(cells)


def _in_order(pieces: Sequence[Sequence[Word]]) -> list[Word]:
    """The words of a cell, line by line."""
    if len(pieces) == 1:
        return list(pieces[0])
    rows = merge_rows(make_row(0, words, rank) for rank, words in enumerate(pieces))
    return [word for row in rows for word in row.words]
