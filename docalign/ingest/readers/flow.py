"""Items of a format that has a structure of its own to a `Document`: the text and the exact spans of its blocks.

A reader says what it finds, in order: headings, paragraphs, list items, tables. The builder writes the text as
`assemble` does for pages (blocks joined by an empty line, table rows by a line break, cells by ` | `) and keeps what a
reader sets aside:

* furniture: headers, footers, navigation, page numbers;
* invisible: what the finished page does not show (speaker notes, comments, hidden sheets and text, alternative texts);
* dropped: text the author took away (deleted revisions), with the reason.

Program text (scripts, style sheets, field codes, macros) is not text and is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from docalign.document import Block, Box, Document, Dropped, Kind, Leftover, Line, Page, Region
from docalign.errors import EmptyInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CELL_BAR", "FlowBuilder", "Item", "one_line"]

CELL_BAR: Final = " | "
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MAX_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class Item:
    """One block to be. A table has `rows` of cell texts instead of `text`; an empty cell, or one that a wider or taller
    neighbour covers, is ''.

    `regions` are where it stands, where the format knows. `caption_of` says which neighbour a caption belongs to.
    `origin` is what the input calls it.
    """

    kind: Kind
    text: str = ""
    level: int | None = None
    depth: int | None = None
    rows: Sequence[Sequence[str]] = ()
    header_rows: int = 0
    page: int | None = None
    regions: tuple[Region, ...] = ()
    confidence: float | None = None
    bold: bool = False
    caption_of: Literal["previous", "next"] | None = None
    origin: str | None = None


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


@dataclass(slots=True)
class FlowBuilder:
    """Collects the items of one file; `build` makes the document, and `origins`, one for each of its blocks."""

    items: list[Item] = field(default_factory=list)
    furniture: list[Leftover] = field(default_factory=list)
    invisible: list[Leftover] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    origins: list[str | None] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """The next item; one without visible text vanishes."""
        if item.kind == "table" or _clean(item.text).strip():
            self.items.append(item)

    def set_aside(
        self, where: Literal["furniture", "invisible"], text: str, page: int | None = None, box: Box | None = None
    ) -> None:
        """Text that is kept beside the document text."""
        kept = _clean(text).strip()
        if kept:
            (self.furniture if where == "furniture" else self.invisible).append(Leftover(page, kept, box))

    def drop(self, text: str, reason: str, page: int | None = None) -> None:
        """Text the author took away."""
        if text.strip():
            self.dropped.append(Dropped(page, _clean(text), reason))

    def warn(self, text: str) -> None:
        """Once, however often it is said."""
        if text not in self.warnings:
            self.warnings.append(text)

    def build(self, *, source: str, sha256: str, pages: Sequence[Page] = ()) -> Document:
        """The document.

        Raises:
            EmptyInputError: no item has text.
        """
        parts: list[str] = []
        blocks: list[Block] = []
        captions: list[tuple[int, int]] = []
        self.origins = []
        length = 0
        for item in self.items:
            text, rows, header_rows = _written(item)
            if not text:
                continue
            if parts:
                parts.append("\n\n")
                length += 2
            if item.caption_of:
                captions.append((len(blocks), len(blocks) + (1 if item.caption_of == "next" else -1)))
            spans = tuple((length + a, length + b) for a, b in rows)
            blocks.append(_block(item, len(blocks), length, length + len(text), spans, header_rows))
            parts.append(text)
            self.origins.append(item.origin)
            length += len(text)
        for caption, target in captions:
            if 0 <= target < len(blocks) and blocks[target].kind in ("table", "code"):
                blocks[caption] = replace(blocks[caption], caption_of=target)
        if not blocks:
            raise self._empty()
        return Document(
            source=source,
            sha256=sha256,
            text="".join(parts),
            blocks=tuple(blocks),
            pages=tuple(pages),
            furniture=tuple(self.furniture),
            invisible=tuple(self.invisible),
            dropped=tuple(self.dropped),
            warnings=tuple(self.warnings),
        ).check()

    def _empty(self) -> EmptyInputError:
        kept = len(self.furniture) + len(self.invisible) + len(self.dropped)
        aside = f"; {kept} pieces of hidden, repeated or deleted text were found" if kept else ""
        notes = "".join(f" ({warning})" for warning in self.warnings[:3])
        return EmptyInputError(f"the file has no visible text{aside}.{notes}", remedy="Check how it was made.")


def _clean(text: str) -> str:
    """Without what no text may hold: half surrogates become U+FFFD, control characters spaces."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")))


def _written(item: Item) -> tuple[str, list[tuple[int, int]], int]:
    """The item's text, the spans of its rows in it, and how many of those are the header."""
    if item.kind != "table" or not item.rows:
        text = _clean(item.text)
        return (text.strip("\n").rstrip() if item.kind == "code" else text.strip()), [], 0
    lines: list[str] = []
    header_rows = 0
    for number, row in enumerate(item.rows):
        cells = [one_line(_clean(cell)) for cell in row]
        if any(cells):
            lines.append(CELL_BAR.join(cells).strip())
            header_rows += number < item.header_rows
    spans, at = [], 0
    for line in lines:
        spans.append((at, at + len(line)))
        at += len(line) + 1
    return "\n".join(lines), spans, header_rows


def _block(item: Item, number: int, start: int, end: int, rows: tuple[tuple[int, int], ...], header_rows: int) -> Block:
    boxes = tuple(Region(r.page, _rounded(r.box)) for r in item.regions)
    first = boxes[0] if boxes else None
    return Block(
        id=number,
        start=start,
        end=end,
        kind=item.kind,
        level=min(max(item.level or 1, 1), _MAX_LEVEL) if item.kind == "heading" else None,
        page=item.page if item.page is not None or first is None else first.page,
        boxes=boxes,
        bold=item.bold,
        confidence=None if item.confidence is None else round(min(max(item.confidence, 0.0), 1.0), 4),
        # Lines are the printed lines; a block of which only the place is known counts as one.
        lines=(Line(start, end, first.page, first.box),) if first is not None and len(boxes) == 1 else (),
        rows=rows,
        header_rows=header_rows,
        depth=item.depth if item.kind == "list_item" else None,
    )


def _rounded(box: Box) -> Box:
    x0, y0, x1, y1 = box
    return (round(x0, 2), round(y0, 2), round(x1, 2), round(y1, 2))
