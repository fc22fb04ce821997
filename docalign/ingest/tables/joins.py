"""Tables that a page break cut in two are one table again.

The next page's part has the same columns, and often the header once more: that copy is furniture, as a running head
is. Parts with another header, or with anything between them, stay tables of their own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from docalign.document import Leftover
from docalign.ingest.layout.frame import union

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docalign.ingest.layout.blocks import Draft
    from docalign.ingest.layout.rows import Table
    from docalign.ingest.page import TableArea

__all__ = ["join_tables"]

_SAME_SIDE_PT: Final = 8.0


def join_tables(drafts: Iterable[Draft]) -> tuple[list[Draft], list[Leftover]]:
    """The drafts with continued tables joined, and the header rows that stood on their further pages."""
    joined: list[Draft] = []
    repeated: list[Leftover] = []
    for draft in drafts:
        first = joined[-1] if joined else None
        if first is None or first.table is None or draft.table is None:
            joined.append(draft)
            continue
        header = _header_again(first.table.area, draft.table.area)
        if header is None or not _goes_on((first.more or [first.table])[-1], draft.table, header):
            joined.append(draft)
            continue
        if header and not first.table.area.header_rows:
            first.table = replace(first.table, area=replace(first.table.area, header_rows=header))
        area = draft.table.area
        repeated += [
            Leftover(draft.table.page, " | ".join(cells).strip(), box)
            for cells, box in zip(area.rows[:header], area.row_boxes, strict=False)
            if any(cells)
        ]
        first.more.append(replace(draft.table, area=_without(area, header)))
    return joined, repeated


def _header_again(above: TableArea, below: TableArea) -> int | None:
    """How many of the first rows of `below` repeat the header of `above`; None where `below` has a header of its own,
    or nothing else."""
    known = above.header_rows or (1 if above.rows[0] == below.rows[0] and len(above.rows) > 1 else 0)
    if known and above.rows[:known] == below.rows[:known]:
        return known if any(map(any, below.rows[known:])) else None
    return None if below.header_rows else 0


def _goes_on(above: Table, below: Table, header: int) -> bool:
    if below.page != above.page + 1 or len(above.area.rows[0]) != len(below.area.rows[0]):
        return False
    sides = abs(above.box[0] - below.box[0]) <= _SAME_SIDE_PT and abs(above.box[2] - below.box[2]) <= _SAME_SIDE_PT
    return sides or header > 0


def _without(area: TableArea, header: int) -> TableArea:
    boxes = area.row_boxes[header:]
    box = union(boxes) if header else area.box
    return replace(area, box=box, rows=area.rows[header:], row_boxes=boxes, header_rows=0)
