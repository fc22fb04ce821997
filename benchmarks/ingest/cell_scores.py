"""Cell F1: how many cells of a known table stand where they should.

A cell is right when its text (white space folded) stands in the right row and column. Rows are aligned in order first,
so that one row too many or too few costs its own cells and not all below it; columns are not aligned: they count from
the left, empty columns left out on both sides (a reader cannot know of a column without text). Merged cells belong to
the top-left corner of what they take. Cells of further, invented tables count as wrong.

The adjacency F1 (Göbel et al., ICDAR 2013) is reported beside it: pairs of neighbouring texts, to the right and below.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence

from docalign.document import Document

__all__ = ["adjacency_counts", "cell_counts", "f1", "rows_of", "tables_of"]

Rows = Sequence[Sequence[str]]


def tables_of(document: Document) -> list[list[list[str]]]:
    """The cells of every table block that knows its rows."""
    return [
        [_cells(document.text[start:end]) for start, end in block.rows]
        for block in document.blocks
        if block.kind == "table"
    ]


def _cells(row: str) -> list[str]:
    return [" ".join(cell.split()) for cell in f" {row} ".split(" | ")]


def rows_of(cells: Mapping[tuple[int, int], str]) -> list[list[str]]:
    """Known cells as rows, rows and columns without text left out."""
    used = sorted({y for y, _ in cells}), sorted({x for _, x in cells})
    return [[" ".join(cells.get((y, x), "").split()) for x in used[1]] for y in used[0]]


def cell_counts(truth: Rows, found: Sequence[Rows]) -> tuple[int, int, int]:
    """(cells right, cells known, cells found); `found` are tables, joined one below the other."""
    rows = [row for table in found for row in table]
    right = _aligned(truth, rows)
    return right, sum(bool(c) for row in truth for c in row), sum(bool(c) for row in rows for c in row)


def _aligned(truth: Rows, rows: Rows) -> int:
    """Most cells that agree over all alignments of rows in order."""
    best = [0] * (len(rows) + 1)
    for known in truth:
        previous, best = best, [0] * (len(rows) + 1)
        for j, row in enumerate(rows, 1):
            same = sum(a == b != "" for a, b in zip(known, row, strict=False))
            best[j] = max(previous[j], best[j - 1], previous[j - 1] + same)
    return best[-1]


def adjacency_counts(truth: Rows, found: Sequence[Rows]) -> tuple[int, int, int]:
    """(pairs right, pairs known, pairs found)."""
    known = _pairs(truth)
    pairs = sum((_pairs(table) for table in found), Counter[tuple[str, str, str]]())
    return (known & pairs).total(), known.total(), pairs.total()


def _pairs(rows: Rows) -> Counter[tuple[str, str, str]]:
    pairs: Counter[tuple[str, str, str]] = Counter()
    width = max(map(len, rows), default=0)
    columns = [[row[x] for row in rows if x < len(row)] for x in range(width)]
    for way, runs in (("right", rows), ("below", columns)):
        for run in runs:
            texts = [text for text in run if text]
            pairs.update((way, a, b) for a, b in itertools.pairwise(texts))
    return pairs


def f1(right: int, known: int, found: int) -> float:
    """The harmonic mean of precision and recall; 1.0 where there is nothing to find and nothing was found."""
    return 2 * right / (known + found) if known + found else 1.0
