"""How deep list items are nested: by their indent, and by kinds of enumerator at one indent.

Lists go on over column and page breaks, so indents are measured from the left edge of the column they stand in.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docalign.ingest.layout.blocks import Draft

__all__ = ["set_depths"]

_NESTED_EM: Final = 0.7
_STYLES: Final = (
    ("digit", re.compile(r"\(?\d{1,3}[.)]|\[\d{1,3}\]")),
    ("roman", re.compile(r"\(?[ivx]{2,6}[.)]")),
    ("Roman", re.compile(r"\(?[IVX]{2,6}[.)]")),
    ("letter", re.compile(r"\(?[a-z][.)]")),
    ("Letter", re.compile(r"\(?[A-Z][.)]")),
)
_FIRST: Final = re.compile(r"\(?(?:1|a|A|i|I)[.)]")
_MAX_DEPTH: Final = 9


def set_depths(drafts: Sequence[Draft]) -> None:
    """Give every list item its depth, from 1. Items of one list may have tables, notes and indented text between."""
    lefts: defaultdict[int, float] = defaultdict(lambda: float("inf"))
    for draft in drafts:
        for row, column in zip(draft.rows, draft.columns, strict=False):
            lefts[column] = min(lefts[column], row.box[0])
    open_items: list[tuple[float, str]] = []  # indent and style of the items that the next one may be within
    for draft in drafts:
        if not draft.rows:
            continue
        indent, em = draft.rows[0].box[0] - lefts[draft.columns[0]], max(draft.rows[0].size, 1.0)
        if draft.kind != "list_item":
            text = draft.kind in ("paragraph", "code")
            if draft.kind == "heading" or (text and open_items and indent <= open_items[0][0] + 0.3 * em):
                open_items.clear()
            continue
        marker = draft.rows[0].words[0].text
        style = next((name for name, pattern in _STYLES if pattern.fullmatch(marker)), "mark")
        while open_items and indent < open_items[-1][0] - _NESTED_EM * em:
            open_items.pop()
        _place(open_items, indent, style, em, first=bool(_FIRST.fullmatch(marker)))
        draft.depth = min(_MAX_DEPTH, len(open_items))


def _place(open_items: list[tuple[float, str]], indent: float, style: str, em: float, *, first: bool) -> None:
    """Put an item among the open ones: beside the last, within it, or beside an earlier one of its style."""
    if not open_items or indent > open_items[-1][0] + _NESTED_EM * em:
        open_items.append((indent, style))
        return
    level = [k for k, (other, _) in enumerate(open_items) if abs(other - indent) <= _NESTED_EM * em]
    same = [k for k in level if open_items[k][1] == style]
    if same:
        del open_items[same[-1] + 1 :]
    elif first and style != "mark" and level:
        open_items.append((indent, style))  # 1. … (a) … at one indent
    else:
        open_items[-1] = (indent, style)
