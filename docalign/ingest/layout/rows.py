"""Rows: the lines of a page as layout works on them, in the reading frame, with their prevailing style.

A `Row` is what stands on one baseline of one column. Extractors cut lines at wide gaps; `merge_rows` puts pieces back
together once columns are known. Pure values; no decision about blocks is made here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.direction import has_rtl, is_rtl, logical_order
from docalign.ingest.layout.frame import reading_size, to_reading, union
from docalign.ingest.pdf.spacing import close_up, weld

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from docalign.document import Box
    from docalign.ingest.page import PageContent, TableArea, Word

__all__ = ["Item", "Row", "Sheet", "Table", "make_row", "make_sheet", "merge_rows", "overlap", "widest_gap"]

_LETTER: Final = re.compile(r"[^\W_]")


_OCR_GAP_EM: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Words on one baseline. `box` is in the reading frame, points; `bold`, `mono` hold for (nearly) all of it."""

    page: int
    words: tuple[Word, ...]
    box: Box
    text: str
    size: float
    bold: bool
    italic: bool
    mono: bool
    rank: int
    """Where the extractor delivered it: the order of the file, a hint for reading order."""
    ocr: bool = False
    role: str | None = None
    """See `TextLine.role`."""
    tinted: bool = False
    mirrored: bool = False
    """Whether the reading frame is mirrored, because the page runs from right to left."""

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> float:
        return (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A ruled table in the reading frame; `area` keeps the cells."""

    page: int
    box: Box
    area: TableArea
    rank: int = 0


Item = Row | Table


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page turned so that its text reads upright."""

    page: PageContent
    width: float
    height: float
    rows: tuple[Row, ...]
    tables: tuple[Table, ...]


def make_sheet(page: PageContent) -> Sheet:
    """Turn a page into its reading frame."""
    width, height = reading_size(page)

    def turn(box: Box) -> Box:
        return to_reading(box, page)

    rows = []
    for rank, line in enumerate(page.lines):
        words = [w for w in line.words if w.text.strip()]
        if page.rotation or page.direction != "ltr":
            words = [replace(w, box=turn(w.box)) for w in words]
        for piece in _pieces(words) if page.ocr else [words] if words else []:
            row = make_row(page.number, piece, rank, ocr=page.ocr, role=line.role)
            rows.append(replace(row, mirrored=True) if page.direction == "rtl" else row)
    tables = tuple(Table(page.number, turn(t.box), t) for t in page.tables if any(map(any, t.rows)))
    return Sheet(page, width, height, tuple(rows), tables)


def _pieces(words: Sequence[Word]) -> list[list[Word]]:
    """A line of an OCR engine cut at wide gaps, as the text of digital pages is: engines read across narrow gutters."""
    pieces: list[list[Word]] = []
    for word in words:
        if not pieces or word.box[0] - pieces[-1][-1].box[2] > _OCR_GAP_EM * max(word.size, 1.0):
            pieces.append([])
        pieces[-1].append(word)
    return pieces


def make_row(page: int, words: Sequence[Word], rank: int, *, ocr: bool = False, role: str | None = None) -> Row:
    """A row of `words` (at least one), in their order; letterspaced words are closed up."""
    words = close_up(words)
    weights = [len(_LETTER.findall(w.text)) for w in words]
    if not any(weights):
        weights = [len(w.text) for w in words]
    total = sum(weights)

    def share(flags: Iterable[bool]) -> float:
        return sum(n for n, flag in zip(weights, flags, strict=True) if flag) / total

    sizes: dict[float, int] = {}
    for word, weight in zip(words, weights, strict=True):
        sizes[round(word.size, 1)] = sizes.get(round(word.size, 1), 0) + weight
    return Row(
        page=page,
        words=tuple(words),
        box=union(w.box for w in words),
        text=" ".join(w.text for w in words),
        size=_weighted_median(sizes) if ocr else max(sizes, key=lambda s: (sizes[s], s)),
        bold=share(w.bold for w in words) > 0.9,
        italic=share(w.italic for w in words) > 0.9,
        mono=share(w.mono for w in words) > 0.75,
        rank=rank,
        ocr=ocr,
        role=role,
        tinted=share(w.tinted for w in words) > 0.9,
    )


def _weighted_median(sizes: dict[float, int]) -> float:
    half, seen = sum(sizes.values()) / 2, 0
    for size in sorted(sizes):
        seen += sizes[size]
        if seen >= half:
            return size
    return max(sizes)


def overlap(a0: float, a1: float, b0: float, b1: float) -> float:
    """Length shared by the intervals a and b; negative is the gap between them."""
    return min(a1, b1) - max(a0, b0)


def merge_rows(rows: Iterable[Row]) -> list[Row]:
    """Pieces of one column that stand on one baseline become one row; rows come back from top to bottom."""
    lines: list[list[Row]] = []
    for row in sorted(_whole_lines(rows), key=lambda r: (r.middle, r.box[0])):
        # Only the few lines just above can share a baseline with this piece.
        for line in reversed(lines[-3:]):
            main = max(line, key=lambda r: r.box[2] - r.box[0])
            shared = overlap(main.box[1], main.box[3], row.box[1], row.box[3])
            if shared > 0.5 * min(main.height, row.height) and _fits_beside(line, row):
                line.append(row)
                break
        else:
            lines.append([row])
    merged = [line[0] if len(line) == 1 else _join(line) for line in lines]
    return sorted(merged, key=lambda r: (r.middle, r.box[0]))


def _whole_lines(rows: Iterable[Row]) -> Iterator[Row]:
    """Pieces that an OCR engine read as one line are one again: on a page that lies askew geometry cannot tell."""
    pieces: dict[int, list[Row]] = {}
    for row in rows:
        if row.ocr:
            pieces.setdefault(row.rank, []).append(row)
        else:
            yield row
    for line in pieces.values():
        if len(line) > 1 and all(_fits_beside(line[:k], r) for k, r in enumerate(line)):
            yield _join(line)
        else:
            yield from line


def _fits_beside(line: Sequence[Row], row: Row) -> bool:
    return all(overlap(r.box[0], r.box[2], row.box[0], row.box[2]) <= 0.4 * min(r.size, row.size) for r in line)


def _join(line: Sequence[Row]) -> Row:
    pieces = sorted(line, key=lambda r: r.box[0])
    ocr, mirrored = pieces[0].ocr, pieces[0].mirrored
    if mirrored or any(map(has_rtl, (r.text for r in pieces))):
        rtl = is_rtl(r.text for r in pieces)
        words = sorted((w for r in pieces for w in r.words), key=lambda w: w.box[0] if rtl == mirrored else -w.box[2])
        words = logical_order(words, rtl=rtl)
    else:
        words = [w for r in pieces for w in r.words] if ocr else weld([r.words for r in pieces])
    roles = {r.role for r in pieces}
    role = roles.pop() if len(roles) == 1 else None
    row = make_row(pieces[0].page, words, min(r.rank for r in pieces), ocr=ocr, role=role)
    return replace(row, mirrored=True) if mirrored else row


def widest_gap(row: Row) -> float:
    """The widest white space between neighbouring words, points."""
    return max((b.box[0] - a.box[2] for a, b in pairwise(row.words)), default=0.0)
