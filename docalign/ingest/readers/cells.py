"""Table cells by row and column, as other parsers write them, to rows of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from docalign.errors import LimitExceededError

__all__ = ["Cell", "table_rows"]

_MAX_PLACES: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell; `row` and `column` count from 0, where it begins."""

    row: int
    column: int
    text: str
    header: bool = False


def table_rows(cells: Sequence[Cell]) -> tuple[list[list[str]], int]:
    """The rows, '' where no cell begins, and how many leading rows are header cells alone.

    Raises:
        LimitExceededError: the cells lie too far apart. ValueError: a place below 0.
    """
    height = max((cell.row for cell in cells), default=-1) + 1
    width = max((cell.column for cell in cells), default=-1) + 1
    if height * width > _MAX_PLACES:
        raise LimitExceededError(f"a table spans {height} × {width} cells.", remedy="Split it, or leave it out.")
    if any(cell.row < 0 or cell.column < 0 for cell in cells):
        raise ValueError("a table cell lies at a negative place")
    rows = [[""] * width for _ in range(height)]
    header: set[int] = set()
    plain: set[int] = set()
    for cell in cells:
        before = rows[cell.row][cell.column]
        rows[cell.row][cell.column] = f"{before} {cell.text}".strip()
        if cell.text.strip():
            (header if cell.header else plain).add(cell.row)
    count = 0
    while count in header and count not in plain:
        count += 1
    return rows, count if count < height else 0
