"""Drafts to a `Document`: the canonical text, its spans, and boxes back on the unrotated page.

The text: blocks joined by an empty line, lines of a block by a space (code and table rows by a line break), cells by
` | `. Spaces, line breaks and cell bars are the only characters added, a dropped line-end hyphen the only one removed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING

from docalign.document import Block, Box, Dropped, Line, Region
from docalign.ingest.layout.direction import has_rtl, is_rtl, joins_closely
from docalign.ingest.layout.frame import from_reading, to_reading, union
from docalign.ingest.layout.hyphens import Spellings, joint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from docalign.document import Direction
    from docalign.ingest.layout.blocks import Draft, Style
    from docalign.ingest.layout.rows import Row, Table
    from docalign.ingest.page import PageContent

__all__ = ["Assembly", "assemble"]


@dataclass(slots=True)
class Assembly:
    """The text so far and what stands in it."""

    text: str = ""
    blocks: list[Block] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One line of a block: `before` (space, line break or nothing), then `text`."""

    before: str
    text: str
    page: int
    box: Box
    column: int


def assemble(drafts: Sequence[Draft], style: Style, pages: Mapping[int, PageContent]) -> Assembly:
    """Write out the drafts in order. Pure: the drafts are not changed."""
    spellings = Spellings(row for draft in drafts for row in draft.rows)
    done = Assembly()
    parts: list[str] = []
    length = 0
    for draft in drafts:
        pieces = _table_pieces(draft, pages) if draft.table else _row_pieces(draft, spellings, done.dropped)
        if not pieces:
            continue
        if parts:
            parts.append("\n\n")
            length += 2
        lines, start = [], length
        for piece in pieces:
            parts.append(piece.before + piece.text)
            begin = length + len(piece.before)
            length = begin + len(piece.text)
            lines.append(Line(begin, length, piece.page, _home(piece.box, pages[piece.page])))
        block = _block(len(done.blocks), draft, start, length, tuple(lines), pieces, style)
        direction = _direction(draft, pages[lines[0].page])
        done.blocks.append(block if direction == "ltr" else replace(block, direction=direction))
    done.text = "".join(parts)
    return done


def _home(box: Box, page: PageContent) -> Box:
    """A box of the reading frame on the unrotated page, rounded to hundredths of a point."""
    x0, y0, x1, y1 = from_reading(box, page)
    return (round(x0, 2), round(y0, 2), round(x1, 2), round(y1, 2))


def _block(
    number: int,
    draft: Draft,
    start: int,
    end: int,
    lines: tuple[Line, ...],
    pieces: Sequence[_Piece],
    style: Style,
) -> Block:
    places: dict[tuple[int, int], list[Box]] = {}
    for piece, line in zip(pieces, lines, strict=True):
        places.setdefault((piece.page, piece.column), []).append(line.box)
    table = draft.table
    regions = tuple(Region(page, union(boxes)) for (page, _), boxes in places.items())
    if table:
        regions = tuple(Region(part.page, part.area.box) for part in (table, *draft.more))
    rows = tuple((line.start, line.end) for line in lines) if table else ()
    confidences = [w.confidence for row in draft.rows for w in row.words if w.confidence is not None]
    confidences += [t.area.confidence for t in (table, *draft.more) if t and t.area.confidence is not None]
    return Block(
        id=number,
        start=start,
        end=end,
        kind=draft.kind,
        level=draft.level if draft.kind == "heading" else None,
        page=lines[0].page,
        boxes=regions,
        font_scale=round(draft.size / style.body, 2) if draft.rows else 1.0,
        bold=style.bold_tells and bool(draft.rows) and all(r.bold for r in draft.rows),
        confidence=round(fmean(confidences), 4) if confidences else None,
        lines=lines,
        rows=rows,
        header_rows=_header_rows(table, len(rows)) if table else 0,
        depth=draft.depth if draft.kind == "list_item" else None,
    )


def _direction(draft: Draft, page: PageContent) -> Direction:
    if page.direction == "ttb":
        return "ttb"
    texts = [r.text for r in draft.rows]
    if draft.table:
        texts += [cell for cells in draft.table.area.rows for cell in cells]
    return "rtl" if any(map(has_rtl, texts)) and is_rtl(texts) else "ltr"


def _header_rows(table: Table, rows: int) -> int:
    """How many of the rows that are written are header rows: rows without text are not written."""
    return min(rows, sum(any(cells) for cells in table.area.rows[: table.area.header_rows]))


def _table_pieces(draft: Draft, pages: Mapping[int, PageContent]) -> list[_Piece]:
    pieces: list[_Piece] = []
    for table in (draft.table, *draft.more) if draft.table else ():
        page = pages[table.page]
        for cells, box in zip(table.area.rows, table.area.row_boxes, strict=True):
            if any(cells):
                text = " | ".join(cells).strip()
                turned = to_reading(box, page)
                pieces.append(_Piece("\n" if pieces else "", text, table.page, turned, draft.columns[0]))
    return pieces


def _row_pieces(draft: Draft, spellings: Spellings, dropped: list[Dropped]) -> list[_Piece]:
    code = draft.kind == "code"
    texts = _code_lines(draft.rows) if code else [r.text for r in draft.rows]
    befores = [""]
    for index in range(1, len(draft.rows)):
        above, below = draft.rows[index - 1], draft.rows[index]
        how = None if code else joint(above, below, spellings)
        if how is None and joins_closely(texts[index - 1], texts[index]):
            how = "keep"
        if how == "drop":
            dropped.append(Dropped(above.page, texts[index - 1][-1], "hyphen"))
            texts[index - 1] = texts[index - 1][:-1]
        befores.append("\n" if code else " " if how is None else "")
    return [
        _Piece(before, text, row.page, row.box, column)
        for before, text, row, column in zip(befores, texts, draft.rows, draft.columns, strict=True)
    ]


def _code_lines(rows: Sequence[Row]) -> list[str]:
    """Code with its indentation and inner spacing, measured in characters of its fixed width."""
    widths = sorted((w.box[2] - w.box[0]) / len(w.text) for r in rows for w in r.words)
    pitch = max(widths[len(widths) // 2], 0.1)
    left = min(r.box[0] for r in rows)
    return [" " * min(80, round((row.box[0] - left) / pitch)) + _spaced(row, pitch) for row in rows]


def _spaced(row: Row, pitch: float) -> str:
    parts = [row.words[0].text]
    for a, b in zip(row.words, row.words[1:], strict=False):
        parts.append(" " * min(80, max(1, round((b.box[0] - a.box[2]) / pitch))) + b.text)
    return "".join(parts)
