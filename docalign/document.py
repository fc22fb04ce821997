"""Document: one canonical text and the blocks, pages and boxes that are spans of it.

This is the bottom of the import graph: everything else speaks in these values. A document never
changes; readers in `ingest/` build it, `check` proves its invariants:

* blocks are in reading order, do not overlap, and have exact spans: `text[b.start:b.end]`;
* what lies between two blocks is white space, so no character belongs to nobody;
* a block's id is its index.

It does not read files and knows no tokenizer.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from docalign.errors import InvalidDocumentError

__all__ = ["KINDS", "Block", "Box", "Document", "Dropped", "Kind", "Leftover", "Line", "Page", "Region"]

SCHEMA: Final = "docalign.document/1"

Kind = Literal["heading", "paragraph", "list_item", "table", "caption", "code"]
KINDS: Final[frozenset[str]] = frozenset(get_args(Kind))

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
    figure or table has the id of that block, where it is one, in `caption_of`.
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
        return InvalidDocumentError(what, source=self.source, remedy=f"Mend the {SCHEMA} object.")

    def to_json(self) -> dict[str, Any]:
        """The fixed `docalign.document/1` object."""
        return {
            "schema": SCHEMA,
            "source": self.source,
            "sha256": self.sha256,
            "text": self.text,
            "pages": [_page_json(p) for p in self.pages],
            "blocks": [_block_json(b) for b in self.blocks],
            "furniture": [_leftover_json(f) for f in self.furniture],
            "invisible": [_leftover_json(f) for f in self.invisible],
            "dropped": [{"page": d.page, "text": d.text, "reason": d.reason} for d in self.dropped],
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, value: Any, *, source: str | None = None) -> Document:
        """Read and check a `docalign.document/1` object.

        Raises:
            InvalidDocumentError: wrong schema, missing or ill-typed field, broken invariant.
        """
        name = source or (value.get("source") if isinstance(value, Mapping) else None) or "document"
        if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
            raise InvalidDocumentError(
                f"this JSON is not a {SCHEMA} object.", source=str(name), remedy=f'Set "schema" to "{SCHEMA}".'
            )
        try:
            text = _typed(value["text"], str, "text")
            document = cls(
                source=str(value.get("source") or name),
                sha256=str(value.get("sha256") or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()),
                text=text,
                blocks=tuple(_read_block(b) for b in value["blocks"]),
                pages=tuple(_read_page(p) for p in value.get("pages") or ()),
                furniture=tuple(_read_leftovers(value.get("furniture"))),
                invisible=tuple(_read_leftovers(value.get("invisible"))),
                dropped=tuple(
                    Dropped(_page(d["page"]), str(d["text"]), str(d["reason"])) for d in value.get("dropped") or ()
                ),
                warnings=tuple(str(w) for w in value.get("warnings") or ()),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            what = (
                f"the field {error} is missing." if isinstance(error, KeyError) else f"a field is ill-typed ({error})."
            )
            raise InvalidDocumentError(what, source=str(name), remedy=f"Mend the {SCHEMA} object.") from error
        return document.check()


def _typed(value: Any, kind: type, name: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{name} must be {kind.__name__}, not {type(value).__name__}")
    return value


def _box(value: Iterable[Any]) -> Box:
    x0, y0, x1, y1 = (_finite(v) for v in value)
    return (x0, y0, x1, y1)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no finite number")
    return number


def _confidence(value: Any) -> float | None:
    if value is None:
        return None
    number = _finite(value)
    if not 0 <= number <= 1:
        raise ValueError(f"a confidence of {number} is not between 0 and 1")
    return number


def _level(value: Any) -> int | None:
    if value is None:
        return None
    if not 1 <= int(value) <= 6:
        raise ValueError(f"a level of {value} is not between 1 and 6")
    return int(value)


def _page_json(page: Page) -> dict[str, Any]:
    """Kind, engine and rotation only where there is one."""
    value: dict[str, Any] = {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "ocr": page.ocr,
        "confidence": page.confidence,
    }
    known = {"kind": page.kind, "engine": page.engine, "rotation": page.rotation}
    return value | {name: what for name, what in known.items() if what}


def _block_json(block: Block) -> dict[str, Any]:
    return {
        "id": block.id,
        "start": block.start,
        "end": block.end,
        "kind": block.kind,
        "level": block.level,
        "page": block.page,
        "boxes": [{"page": r.page, "box": list(r.box)} for r in block.boxes],
        "font_scale": block.font_scale,
        "bold": block.bold,
        "confidence": block.confidence,
        "lines": [{"start": n.start, "end": n.end, "page": n.page, "box": list(n.box)} for n in block.lines],
        **_structure_json(block),
    }


def _structure_json(block: Block) -> dict[str, Any]:
    """Rows, depth and the link of a caption: each only where there is one."""
    value: dict[str, Any] = {}
    if block.rows:
        value |= {"rows": [list(row) for row in block.rows], "header_rows": block.header_rows}
    if block.depth is not None:
        value["depth"] = block.depth
    if block.caption_of is not None:
        value["caption_of"] = block.caption_of
    return value


def _leftover_json(leftover: Leftover) -> dict[str, Any]:
    box = None if leftover.box is None else list(leftover.box)
    return {"page": leftover.page, "text": leftover.text, "box": box}


def _read_leftovers(values: Any) -> Iterable[Leftover]:
    for value in values or ():
        box = value["box"]
        yield Leftover(_page(value["page"]), str(value["text"]), None if box is None else _box(box))


def _page(value: Any) -> int | None:
    return None if value is None else int(value)


def _read_page(value: Mapping[str, Any]) -> Page:
    return Page(
        int(value["number"]),
        _finite(value["width"]),
        _finite(value["height"]),
        bool(value.get("ocr")),
        _confidence(value.get("confidence")),
        _word(value.get("kind"), "a page's kind"),
        _word(value.get("engine"), "a page's engine"),
        _rotation(value.get("rotation")),
    )


def _word(value: Any, name: str) -> str | None:
    return None if value is None else str(_typed(value, str, name))


def _rotation(value: Any) -> int:
    turn = _typed(0 if value is None else value, int, "rotation")
    if turn not in (0, 90, 180, 270):
        raise ValueError(f"a rotation of {turn} is not 0, 90, 180 or 270")
    return int(turn)


def _read_block(value: Mapping[str, Any]) -> Block:
    page, scale = value.get("page"), value.get("font_scale")
    return Block(
        id=_typed(value["id"], int, "id"),
        start=_typed(value["start"], int, "start"),
        end=_typed(value["end"], int, "end"),
        kind=value["kind"],
        level=_level(value.get("level")),
        page=None if page is None else int(page),
        boxes=tuple(Region(int(r["page"]), _box(r["box"])) for r in value.get("boxes") or ()),
        font_scale=1.0 if scale is None else _finite(scale),
        bold=bool(value.get("bold")),
        confidence=_confidence(value.get("confidence")),
        lines=tuple(
            Line(int(n["start"]), int(n["end"]), int(n["page"]), _box(n["box"])) for n in value.get("lines") or ()
        ),
        rows=tuple(_row(row) for row in value.get("rows") or ()),
        header_rows=_typed(value.get("header_rows") or 0, int, "header_rows"),
        depth=_count(value.get("depth"), "depth", least=1),
        caption_of=_count(value.get("caption_of"), "caption_of", least=0),
    )


def _row(value: Iterable[Any]) -> tuple[int, int]:
    start, end = (_typed(v, int, "the edge of a row") for v in value)
    return (start, end)


def _count(value: Any, name: str, *, least: int) -> int | None:
    if value is None:
        return None
    if _typed(value, int, name) < least:
        raise ValueError(f"{name} is {value}, less than {least}")
    return int(value)
