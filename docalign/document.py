"""Document: one canonical text and the blocks, pages and boxes that are spans of it.

This is the bottom of the import graph: everything else speaks in these values. A document never
changes; readers in `ingest/` build it, `check` proves its invariants:

* blocks are in reading order, do not overlap, and have exact spans: `text[b.start:b.end]`;
* what lies between two blocks is white space, so no character belongs to nobody;
* a block's id is its index.

It does not read files and knows no tokenizer; its JSON is `_document_json`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from docalign.errors import InvalidDocumentError

__all__ = [
    "DIRECTIONS",
    "KINDS",
    "Block",
    "Box",
    "Direction",
    "Document",
    "Dropped",
    "Kind",
    "Leftover",
    "Line",
    "Page",
    "Region",
]

Kind = Literal["heading", "paragraph", "list_item", "table", "caption", "code"]
KINDS: Final[frozenset[str]] = frozenset(get_args(Kind))

Direction = Literal["ltr", "rtl", "ttb"]
"""How a text runs: left to right, right to left, or from top to bottom in columns from the right."""
DIRECTIONS: Final[frozenset[str]] = frozenset(get_args(Direction))

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in PDF points (1/72 inch) from the top-left corner of the unrotated page."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle on a page (`page` counts from 1)."""

    page: int
    box: Box


@dataclass(frozen=True, slots=True)
class Page:
    """A page: size in points, whether its text came from OCR, and the mean word confidence (0–1).

    `kind` is what the page turned out to be (None: not known, such as a page that could not be read). `engine` is the
    OCR engine with its version and data. `rotation` is by how many degrees (0, 90, 180, 270) the unrotated page must
    be turned clockwise for its text to read upright.
    """

    number: int
    width: float
    height: float
    ocr: bool = False
    confidence: float | None = None
    kind: str | None = None
    engine: str | None = None
    rotation: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A printed line inside a block: its span of the document text and where it stands.

    Lines let a block that had to be split report the boxes of its own part only.
    """

    start: int
    end: int
    page: int
    box: Box


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph, list item, table, caption or piece of code: `text[start:end]`.

    `level` is 1–6 for headings and None otherwise. `font_scale` is the size relative to the
    document's body text. `confidence` is the mean OCR word confidence (0–1), None for digital text.

    A table whose rows are known has their spans of the document text in `rows`, top to bottom; the first `header_rows`
    of them are its header (0: none known). A list item has its nesting `depth`, from 1. A caption that stands by its
    figure or table has the id of that block, where it is one, in `caption_of`. `direction` says how its text runs; the
    text itself is in logical order, the one in which it is read aloud.
    """

    id: int
    start: int
    end: int
    kind: Kind
    level: int | None = None
    page: int | None = None
    boxes: tuple[Region, ...] = ()
    font_scale: float = 1.0
    bold: bool = False
    confidence: float | None = None
    lines: tuple[Line, ...] = ()
    rows: tuple[tuple[int, int], ...] = ()
    header_rows: int = 0
    depth: int | None = None
    caption_of: int | None = None
    direction: Direction = "ltr"


@dataclass(frozen=True, slots=True)
class Leftover:
    """Text that is kept beside the document text: furniture or invisible text.

    `page` is None where the input has no pages, `box` where its place on the page is not known.
    """

    page: int | None
    text: str
    box: Box | None


@dataclass(frozen=True, slots=True)
class Dropped:
    """Characters that stand nowhere else, and why (`hyphen`, `duplicate`, …); `page` as for `Leftover`."""

    page: int | None
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """One input after ingestion. `sha256` is the hash of the input's bytes, in hex."""

    source: str
    sha256: str
    text: str
    blocks: tuple[Block, ...] = ()
    pages: tuple[Page, ...] = ()
    furniture: tuple[Leftover, ...] = ()
    invisible: tuple[Leftover, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()

    def block_text(self, block: Block) -> str:
        return self.text[block.start : block.end]

    def check(self) -> Document:
        """Prove the invariants; returns itself.

        Raises:
            InvalidDocumentError: names the first block that breaks a rule.
        """
        end = 0
        for index, block in enumerate(self.blocks):
            where = f"block {index}"
            if block.id != index:
                raise self._invalid(f"{where} has id {block.id}; a block's id is its index.")
            if not isinstance(block.kind, str) or block.kind not in KINDS:
                raise self._invalid(f"{where} has the unknown kind {block.kind!r}; known: {', '.join(sorted(KINDS))}.")
            if not (end <= block.start < block.end <= len(self.text)):
                raise self._invalid(
                    f"{where} spans {block.start}–{block.end}, but must be non-empty, start at or after {end} "
                    f"and end within the {len(self.text)} characters of the text."
                )
            self._check_gap(end, block.start, where)
            self._check_rows(block, where)
            if block.caption_of is not None and not 0 <= block.caption_of < len(self.blocks):
                raise self._invalid(f"{where} is the caption of block {block.caption_of}, and there is none.")
            end = block.end
        self._check_gap(end, len(self.text), "the end of the text")
        return self

    def _check_rows(self, block: Block, where: str) -> None:
        end = block.start
        for number, (start, after) in enumerate(block.rows):
            if not end <= start < after <= block.end:
                raise self._invalid(
                    f"row {number} of {where} spans {start}–{after}, but must be non-empty, start at or after {end} "
                    f"and end within the block ({block.end})."
                )
            end = after
        if not 0 <= block.header_rows <= len(block.rows):
            raise self._invalid(f"{where} has {block.header_rows} header rows among {len(block.rows)} rows.")

    def _check_gap(self, start: int, end: int, before: str) -> None:
        gap = self.text[start:end]
        if gap and not gap.isspace():
            raise self._invalid(f"the text before {before} ({gap.strip()[:40]!r} at {start}) belongs to no block.")

    def _invalid(self, what: str) -> InvalidDocumentError:
        return InvalidDocumentError(what, source=self.source, remedy="Mend the docalign.document/1 object.")

    def to_json(self) -> dict[str, Any]:
        """The fixed `docalign.document/1` object."""
        from docalign._document_json import document_json

        return document_json(self)

    @classmethod
    def from_json(cls, value: Any, *, source: str | None = None) -> Document:
        """Read and check a `docalign.document/1` object.

        Raises:
            InvalidDocumentError: wrong schema, missing or ill-typed field, broken invariant, a box on a page that does
                not exist, …; the block and the rule are named.
        """
        from docalign._document_json import read_document

        return read_document(value, source=source)
