"""HTML tables: rows of cells with spans, and which tables are none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from docalign.ingest.readers.flow import Item

__all__ = ["is_layout", "table_item"]

_MAX_SPAN: Final = 200
_STRUCTURE: Final = frozenset("table h1 h2 h3 h4 h5 h6 ul ol pre article section form".split())  # noqa: SIM905


def is_layout(table: Any) -> bool:
    """Whether the table lays out a page: it says so, has one column, or has structure in its cells."""
    if (table.attributes.get("role") or "").lower() in ("presentation", "none"):
        return True
    widest = 0
    for row, _ in _rows(table):
        cells = [cell for cell in _children(row) if cell.tag in ("td", "th")]
        widest = max(widest, len(cells))
        if any(at.tag in _STRUCTURE for cell in cells for at in _below(cell)):
            return True
    return widest < 2


def table_item(table: Any, cell_text: Callable[[Any], str]) -> Item:
    """The table's rows; a spanned cell has its text where it begins and '' elsewhere. The header is `thead`, or the
    leading rows that are all `th`."""
    rows: list[list[str]] = []
    header_rows, leading = 0, True
    covered: dict[int, int] = {}  # column → rows below that a tall cell still covers
    for row, in_head in _rows(table):
        cells = [cell for cell in _children(row) if cell.tag in ("td", "th")]
        leading = leading and (in_head or (bool(cells) and all(cell.tag == "th" for cell in cells)))
        header_rows += leading
        rows.append(_laid_out(cells, covered, cell_text))
    return Item("table", rows=rows, header_rows=header_rows if header_rows < len(rows) else 0)


def _laid_out(cells: list[Any], covered: dict[int, int], cell_text: Callable[[Any], str]) -> list[str]:
    texts: list[str] = []
    for cell in cells:
        _skip(texts, covered)
        wide, tall = (_span(cell.attributes.get(name)) for name in ("colspan", "rowspan"))
        for column in range(len(texts), len(texts) + wide):
            if tall > 1:
                covered[column] = tall - 1
        texts += [cell_text(cell), *[""] * (wide - 1)]
    _skip(texts, covered)
    return texts


def _skip(texts: list[str], covered: dict[int, int]) -> None:
    """Columns that a cell of an earlier row reaches into."""
    while covered.get(len(texts), 0) > 0:
        covered[len(texts)] -= 1
        texts.append("")


def _rows(table: Any) -> Iterator[tuple[Any, bool]]:
    """Rows of this table, not of tables inside it, and whether each is in its `thead`."""
    for child in _children(table):
        if child.tag == "tr":
            yield child, False
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from ((row, child.tag == "thead") for row in _children(child) if row.tag == "tr")


def _span(value: str | None) -> int:
    return min(max(int(value), 1), _MAX_SPAN) if value and re.fullmatch(r"\s*\d{1,6}\s*", value) else 1


def _children(node: Any) -> Iterator[Any]:
    child = node.first_child
    while child is not None:
        yield child
        child = child.next


def _below(node: Any) -> Iterator[Any]:
    stack = list(_children(node))
    while stack:
        at = stack.pop()
        yield at
        stack.extend(_children(at))
