"""What a page is before it is part of a document: positioned lines, rules and tables.

Extractors (the PDF text layer, an OCR engine) fill a `PageContent` inside a worker process; `layout` turns the
pages of a file into one `Document`. These values cross process borders, so they are plain and picklable.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from docalign.document import Box, Direction

__all__ = ["OutlineEntry", "PageContent", "TableArea", "TextLine", "Word"]


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters without white space. `size` in points; `confidence` 0–1 for OCR, None for digital text."""

    text: str
    box: Box
    size: float
    bold: bool = False
    italic: bool = False
    mono: bool = False
    confidence: float | None = None
    hyphen: bool = False
    """The source itself says the word's final hyphen is a line-end hyphen (PDFium's U+0002)."""
    tinted: bool = False
    """In colour: neither black nor grey nor white."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """Words that stand on one baseline of one column, left to right."""

    words: tuple[Word, ...]
    box: Box
    role: str | None = None
    """What a tagged PDF says the line is (`H1`–`H6`, `P`, `LI`, `TH`, `TD`, `Caption`, `Artifact`, …)."""

    @property
    def text(self) -> str:
        return " ".join(w.text for w in self.words)


@dataclass(frozen=True, slots=True)
class TableArea:
    """A table. `rows` hold cell texts, top to bottom; an empty cell is ''. The first `header_rows` are its header."""

    box: Box
    rows: tuple[tuple[str, ...], ...]
    row_boxes: tuple[Box, ...]
    header_rows: int = 0
    confidence: float | None = None
    """Mean confidence of its words (0–1), None for digital text."""


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """An entry of the file's own outline. `level` and `page` count from 1; `y` is where its target stands in the
    file's coordinates (points, upwards), a hint only."""

    title: str
    level: int
    page: int
    y: float | None = None


@dataclass(frozen=True, slots=True)
class PageContent:
    """One page as an extractor found it. `number` counts from 1; sizes and boxes in points, unrotated page."""

    number: int
    width: float
    height: float
    kind: str
    """`blank`, `text`, `scan`, `hidden` (a picture with an invisible layer), `hybrid` (text beside pictures of text) or
    `suspect` (a text layer in doubt); see `triage`."""
    lines: tuple[TextLine, ...] = ()
    tables: tuple[TableArea, ...] = ()
    invisible: tuple[TextLine, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    """(text, reason) of characters left out, e.g. duplicated glyphs."""
    ocr: bool = False
    confidence: float | None = None
    warnings: tuple[str, ...] = field(default=())
    skew: float = 0.0
    """Degrees by which the page's lines fall clockwise from straight, where a scan lies askew."""
    error: str | None = None
    """Why the page could not be read, when it could not."""
    direction: Direction = "ltr"
    """How most of the page's text runs."""
    rotation: int = 0
    """Degrees (0, 90, 180, 270) by which the page must be turned clockwise for its text to read upright."""
    engine: str | None = None
    """What read the page's picture, with its version and trained data; None where no OCR was used."""
    seconds: float | None = field(default=None, compare=False)
    """How long reading it took, for the report alone: never part of a Document."""
