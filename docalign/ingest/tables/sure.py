"""How sure it is that texts in columns are a table: short or numeric cells, aligned columns, no running text.

Guessing invents tables, so doubt means no. Lists, contents, forms, displayed formulas, code and columns of prose all
stand in columns too; each has a mark of its own that is looked for here.
"""

from __future__ import annotations

import itertools
import re
from statistics import median
from typing import TYPE_CHECKING, Final

from docalign.ingest.tables.lines import is_numeric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docalign.ingest.page import Word
    from docalign.ingest.tables.lines import Grid, Line

__all__ = ["is_running_text", "looks_tabular"]

_MARKER: Final = re.compile(
    r"[•◦▪▫‣⁃∙●○■□◆◇➢➤►▶✓✔❖⇒→·\uf0b7\uf0a7\uf0d8\uf076\uf0a8\uf0fc*–—-]|\(?[0-9a-zA-Z]{1,4}[.)]|\[\d{1,3}\]"
)
_FORMULA_NUMBER: Final = re.compile(r"\(\d+(?:\.\d+)*[a-z]?\)|\([A-Z]\.\d+\)")
_LEADERS: Final = re.compile(r"(?:[.…·_]\s?){4,}")
_PAGE_NUMBER: Final = re.compile(r"\d{1,4}|[ivxlcdm]{1,7}|[A-Z]-\d{1,3}")
_MATHS: Final = re.compile(r"[=∑∫∏√∂∇≡∈∀∃∞⟨⟩∥⊗⊕→↦≤≥]")
_LONG_WORDS: Final = 10


def is_running_text(lines: Sequence[Line], edges: Sequence[float]) -> bool:
    """Whether the columns are filled with lines of prose from edge to edge."""
    if len(edges) > 2 or len(lines) < 5:
        return False
    bounds = [min(s.x0 for line in lines for s in line.segments), *edges]
    bounds.append(max(s.x1 for line in lines for s in line.segments))
    prose = 0
    for k in range(len(edges) + 1):
        inside = [s for line in lines for s in line.segments if bounds[k] - 1 <= s.x0 and s.x1 <= bounds[k + 1] + 1]
        if len(inside) < 4:
            continue
        width = max(s.x1 for s in inside) - min(s.x0 for s in inside)
        full = sum(s.x1 - s.x0 > 0.8 * width and len(s.words) >= 4 for s in inside)
        prose += full > 0.6 * len(inside)
    return prose == len(edges) + 1


def looks_tabular(grid: Grid, *, ruled: bool = False) -> bool:
    """Whether the cells of a grid look like those of a table.

    Args:
        ruled: horizontal rules speak for it already.
    """
    texts = grid.texts()
    columns = len(texts[0])
    filled = [sum(map(bool, row)) for row in texts]
    if len(texts) < (2 if ruled else 3) or sum(filled) < (0.35 if ruled else 0.5) * columns * len(texts):
        return False
    if sum(n > 1 for n in filled) < 0.7 * len(texts):
        return False
    if _is_list(texts) or _is_contents(texts) or _is_form(texts) or _is_formula(texts):
        return False
    if ruled:
        return True
    return _is_short(texts) and _is_aligned(grid) and _says_enough(grid, texts)


def _column(texts: Sequence[tuple[str, ...]], k: int) -> list[str]:
    return [row[k] for row in texts if row[k]]


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def _is_list(texts: Sequence[tuple[str, ...]]) -> bool:
    """Two columns, the first of them bullets or numbers."""
    marks = _column(texts, 0)
    return len(texts[0]) == 2 and _share([bool(_MARKER.fullmatch(t)) or t.isdigit() for t in marks]) > 0.5


def _is_contents(texts: Sequence[tuple[str, ...]]) -> bool:
    """The last column is page numbers that never fall, and no other column is of numbers; or there are leaders."""
    if sum(bool(_LEADERS.search(cell)) for row in texts for cell in row) >= 0.3 * len(texts):
        return True
    last = _column(texts, len(texts[0]) - 1)
    pages = [t for t in last if _PAGE_NUMBER.fullmatch(t)]
    if len(pages) < 0.8 * len(last) or len(pages) < 3:
        return False
    values = [int(t) for t in pages if t.isdigit()]
    rising = all(a <= b for a, b in itertools.pairwise(values))
    return rising and not any(_numbers(texts, k) >= 0.5 for k in range(1, len(texts[0]) - 1))


def _is_form(texts: Sequence[tuple[str, ...]]) -> bool:
    """Labels that end in a colon, with their values beside them."""
    for k in range(len(texts[0])):
        column = _column(texts, k)
        if len(column) >= 2 and _share([t.endswith(":") for t in column]) >= 0.5:
            return True
    return False


def _is_formula(texts: Sequence[tuple[str, ...]]) -> bool:
    """Displayed formulas: a number in parentheses at the right, or signs of relation all over."""
    last = _column(texts, len(texts[0]) - 1)
    if _share([bool(_FORMULA_NUMBER.fullmatch(t)) for t in last]) >= 0.5:
        return True
    return _share([bool(_MATHS.search(" ".join(row))) for row in texts]) > 0.4


def _is_short(texts: Sequence[tuple[str, ...]]) -> bool:
    lengths = [len(cell.split()) for row in texts for cell in row[1:] if cell]
    return bool(lengths) and median(lengths) <= 4 and _share([n > _LONG_WORDS for n in lengths]) < 0.1


def _numbers(texts: Sequence[tuple[str, ...]], k: int) -> float:
    """The share of numbers among the cells of a column that say something, headers aside."""
    known = [is_numeric(t) for t in _column(texts, k)]
    said = [v for v in known if v is not None]
    while said and not said[0]:
        said = said[1:]  # the header
    return sum(said) / max(len(said), 2) if len(said) >= 0.5 * len(known) else 0.0


def _is_aligned(grid: Grid) -> bool:
    """Whether the cells of every column share their left edge, their right edge or their middle."""
    good = known = 0
    for k in range(len(grid.cells[0])):
        ends = [(row[k][0].box[0], max(w.box[2] for w in row[k]), row[k][0].size) for row in grid.cells if row[k]]
        if len(ends) < 3:
            continue
        slack = 0.35 * ends[0][2] * (2 if _is_ocr(grid) else 1)
        ways = ([a for a, _, _ in ends], [b for _, b, _ in ends], [(a + b) / 2 for a, b, _ in ends])
        best = max(_share([abs(v - median(way)) <= slack for v in way]) for way in ways)
        known += 1
        good += best >= (0.6 if k == 0 else 0.7)
    return known >= 1 and good >= 0.8 * known


def _is_ocr(grid: Grid) -> bool:
    return any(w.confidence is not None for row in grid.cells for cell in row for w in cell)


def _says_enough(grid: Grid, texts: Sequence[tuple[str, ...]]) -> bool:
    """Columns of numbers; or a header set apart above at least three columns of words."""
    words = [w for row in grid.cells for cell in row for w in cell]
    if _share([w.mono for w in words]) > 0.5:
        return False
    columns = len(texts[0])
    numeric = [k for k in range(1, columns) if _numbers(texts, k) >= 0.7]
    if columns == 2:
        return bool(numeric) and len(texts) >= 4 and _numbers(texts, 1) >= 0.9 and _letters(texts, 0)
    if numeric:
        return True
    return len(texts) >= 4 and _has_bold_header(grid) and not _is_ocr(grid)


def _letters(texts: Sequence[tuple[str, ...]], k: int) -> bool:
    return _share([any(c.isalpha() for c in t) for t in _column(texts, k)]) > 0.7


def _has_bold_header(grid: Grid) -> bool:
    first, rest = grid.cells[0], grid.cells[1:]
    return all(_is_bold(cell) for cell in first) and not any(all(map(_is_bold, row[1:])) for row in rest)


def _is_bold(cell: Sequence[Word]) -> bool:
    return bool(cell) and all(w.bold for w in cell)
