"""A table's text as an HTML table. Cells stand between ` | `, rows are lines, or the spans the block knows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from docalign.view.markup import esc

__all__ = ["table_html"]

_RULE: Final = re.compile(r"\s*\|?[\s:|-]+\|?\s*")


def table_html(text: str, rows: Sequence[str] | None = None, header_rows: int | None = None) -> str:
    """The table in `text`.

    Args:
        rows: texts of its rows, where they are known; else its lines.
        header_rows: how many of them are its header; None shows the first as one where it may be.
    """
    cells = [_cells(row) for row in (text.split("\n") if rows is None else rows)]
    # Rows of different widths are no table to the eye: the lines are shown as they are.
    if rows is None and (len({len(row) for row in cells}) != 1 or len(cells[0]) < 2):
        return f'<div class="table">{esc(text)}</div>'
    tag = "td" if header_rows is None else "th"
    head = header_rows or 0
    body = "".join(_row(row, tag if i < head else "td") for i, row in enumerate(cells))
    guess = ' class="first"' if header_rows is None else ""
    return f'<div class="table"><table{guess}>{body}</table></div>'


def _cells(row: str) -> list[str]:
    """The cells of a row; Markdown's own bars around it and the line under a header are no cells."""
    first, *more = row.strip().split("\n")
    if all(_RULE.fullmatch(line) for line in more) and first.startswith("|") and first.endswith("|") and len(first) > 1:
        return [cell.strip() for cell in first[1:-1].split("|")]
    return row.split(" | ")


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{esc(cell)}</{tag}>" for cell in cells) + "</tr>"
