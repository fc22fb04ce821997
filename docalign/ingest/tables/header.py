"""Which rows of a table are its header: shaded, bold, set apart by a rule, or words above columns of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.rows import overlap
from docalign.ingest.tables.lines import is_numeric

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from docalign.document import Box
    from docalign.ingest.tables.drawing import Shade
    from docalign.ingest.tables.lines import Grid

__all__ = ["header_rows"]

_MAX_ROWS: Final = 4
_MOSTLY: Final = 0.7


def header_rows(grid: Grid, shades: Sequence[Shade]) -> int:
    """How many of the first rows are the header; 0 where nothing tells."""
    most = min(_MAX_ROWS, len(grid.cells) - 1, max(1, len(grid.cells) // 2))
    if grid.header_rows:
        return min(grid.header_rows, len(grid.cells) - 1)
    colours = [_colour(box, shades) for box in grid.boxes]
    if colours[0] is not None and any(colours[k] != colours[0] for k in range(1, most + 1)):
        shaded = _leading(lambda k: colours[k] == colours[0], most)
        # Stripes: the first row of a striped table is no header unless its colour is its own.
        if colours[shaded:].count(colours[0]) <= 0.2 * len(colours):
            return shaded
    bold = _leading(lambda k: _is_bold(grid, k), most)
    if bold and not _is_bold(grid, bold):
        return bold
    return 1 if _names_numbers(grid) else 0


def _leading(holds: Callable[[int], bool], most: int) -> int:
    count = 0
    while count < most and holds(count):
        count += 1
    return count


def _colour(box: Box, shades: Sequence[Shade]) -> int | None:
    """The colour that most of a row's box is filled with."""
    areas: dict[int, float] = {}
    for shade in shades:
        wide = overlap(box[0], box[2], shade.box[0], shade.box[2])
        high = overlap(box[1], box[3], shade.box[1], shade.box[3])
        if wide > 0 and high > 0:
            areas[shade.colour] = areas.get(shade.colour, 0.0) + wide * high
    if not areas:
        return None
    colour = max(areas, key=lambda c: (areas[c], c))
    return colour if areas[colour] >= 0.5 * (box[2] - box[0]) * (box[3] - box[1]) else None


def _is_bold(grid: Grid, k: int) -> bool:
    cells = [cell for cell in grid.cells[k] if cell]
    return len(cells) > (1 if k == 0 else 0) and all(w.bold for cell in cells for w in cell)


def _names_numbers(grid: Grid) -> bool:
    """Whether the first row has words where the rows below have numbers."""
    texts = grid.texts()
    if len(texts) < 3:
        return False
    named = 0
    for column in list(zip(*texts, strict=True))[1:]:
        below = [v for v in (is_numeric(t) for t in column[1:]) if v is not None]
        if len(below) >= 2 and sum(below) >= _MOSTLY * len(below):
            if is_numeric(column[0]):
                return False
            named += bool(column[0])
    return named > 0
