"""`docalign.document/1`: a Document to JSON and back.

Documents also come from other programs, so reading is strict where a mistake would show far from its cause: in a chunk
whose boxes lie on another page, in a view that draws nothing. What may be left out is left out freely: pages, boxes,
lines, and every field with a default. The invariants of text and blocks are `Document.check`'s.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Final, TypeVar, cast

from docalign.document import DIRECTIONS, Block, Box, Direction, Document, Dropped, Leftover, Line, Page, Region
from docalign.errors import InvalidDocumentError

__all__ = ["SCHEMA", "document_json", "read_document"]

SCHEMA: Final = "docalign.document/1"

_Made = TypeVar("_Made")


class _BrokenRuleError(Exception):
    """A rule that a value breaks, in words; whoever knows where the value stands says so in front."""


def document_json(document: Document) -> dict[str, Any]:
    """The fixed `docalign.document/1` object."""
    return {
        "schema": SCHEMA,
        "source": document.source,
        "sha256": document.sha256,
        "text": document.text,
        "pages": [_page_json(p) for p in document.pages],
        "blocks": [_block_json(b) for b in document.blocks],
        "furniture": [_leftover_json(f) for f in document.furniture],
        "invisible": [_leftover_json(f) for f in document.invisible],
        "dropped": [{"page": d.page, "text": d.text, "reason": d.reason} for d in document.dropped],
        "warnings": list(document.warnings),
    }


def read_document(value: Any, *, source: str | None = None) -> Document:
    """The document in a `docalign.document/1` object, checked; errors are about `source` where it is given.

    Raises:
        InvalidDocumentError: wrong schema, a field that is missing or ill-typed, or one that contradicts another. The
            block (or page, …) and the rule are named.
    """
    given = value.get("source") if isinstance(value, Mapping) else None
    name = source or (given if isinstance(given, str) else None) or "document"
    if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
        raise InvalidDocumentError(
            f"this JSON is not a {SCHEMA} object.", source=name, remedy=f'Set "schema" to "{SCHEMA}".'
        )
    try:
        return _document(value, name).check()
    except InvalidDocumentError as broken:
        raise InvalidDocumentError(broken.what, source=name, remedy=broken.remedy) from broken
    except _BrokenRuleError as broken:
        raise InvalidDocumentError(f"{broken}.", source=name, remedy=f"Mend the {SCHEMA} object.") from broken


def _document(value: Mapping[str, Any], name: str) -> Document:
    text = _text(_field(value, "text"), "text")
    pages = _each(value.get("pages"), "pages", "page", _read_page)
    known = _numbers(pages)

    def leftover(one: Mapping[str, Any]) -> Leftover:
        box = one.get("box")
        return Leftover(
            _maybe_on_page(one, known), _text(_field(one, "text"), "text"), None if box is None else _box(box)
        )

    def dropped(one: Mapping[str, Any]) -> Dropped:
        words = _text(_field(one, "text"), "text"), _text(_field(one, "reason"), "reason")
        return Dropped(_maybe_on_page(one, known), *words)

    return Document(
        source=_text(value.get("source") or name, "source"),
        sha256=_text(value.get("sha256") or _hash(text), "sha256"),
        text=text,
        blocks=_each(_field(value, "blocks"), "blocks", "block", lambda one: _read_block(one, known)),
        pages=pages,
        furniture=_each(value.get("furniture"), "furniture", "furniture", leftover),
        invisible=_each(value.get("invisible"), "invisible", "invisible", leftover),
        dropped=_each(value.get("dropped"), "dropped", "dropped", dropped),
        warnings=tuple(_text(w, "a warning") for w in _list(value.get("warnings"), "warnings")),
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _numbers(pages: Sequence[Page]) -> Set[int] | None:
    """The numbers of the pages; None where the document lists none, so that any page may be named."""
    known: set[int] = set()
    for index, page in enumerate(pages):
        if page.number in known:
            raise _BrokenRuleError(f"page {index}: there is a page {page.number} already")
        known.add(page.number)
    return known or None


def _read_page(value: Mapping[str, Any]) -> Page:
    confidence, rotation = value.get("confidence"), value.get("rotation")
    turn = 0 if rotation is None else _integer(rotation, "rotation")
    if turn not in (0, 90, 180, 270):
        raise _BrokenRuleError(f"its rotation is {turn}, not 0, 90, 180 or 270")
    kind, engine = value.get("kind"), value.get("engine")
    return Page(
        _integer(_field(value, "number"), "number", least=1),
        _above_zero(_field(value, "width"), "width"),
        _above_zero(_field(value, "height"), "height"),
        _flag(value.get("ocr"), "ocr"),
        None if confidence is None else _share(confidence),
        None if kind is None else _text(kind, "kind"),
        None if engine is None else _text(engine, "engine"),
        turn,
    )


def _read_block(value: Mapping[str, Any], known: Set[int] | None) -> Block:
    scale, level, depth = (value.get(name) for name in ("font_scale", "level", "depth"))
    confidence, caption_of = value.get("confidence"), value.get("caption_of")
    start = _integer(_field(value, "start"), "start", least=0)
    end = _integer(_field(value, "end"), "end", least=0)

    def line(one: Mapping[str, Any]) -> Line:
        first, after = _integer(_field(one, "start"), "start"), _integer(_field(one, "end"), "end")
        if not start <= first <= after <= end:
            raise _BrokenRuleError(f"it spans {first}–{after}, outside the block's {start}–{end}")
        return Line(first, after, _on_page(one, known), _box(_field(one, "box")))

    return Block(
        id=_integer(_field(value, "id"), "id"),
        start=start,
        end=end,
        kind=_field(value, "kind"),
        level=None if level is None else _integer(level, "level", least=1, most=6),
        page=_maybe_on_page(value, known),
        boxes=_each(
            value.get("boxes"), "boxes", "box", lambda one: Region(_on_page(one, known), _box(_field(one, "box")))
        ),
        font_scale=1.0 if scale is None else _above_zero(scale, "font_scale"),
        bold=_flag(value.get("bold"), "bold"),
        confidence=None if confidence is None else _share(confidence),
        lines=_each(value.get("lines"), "lines", "line", line),
        rows=tuple(_row(row) for row in _list(value.get("rows"), "rows")),
        header_rows=_integer(value.get("header_rows") or 0, "header_rows", least=0),
        depth=None if depth is None else _integer(depth, "depth", least=1),
        caption_of=None if caption_of is None else _integer(caption_of, "caption_of", least=0),
        direction=_direction(value.get("direction")),
    )


def _direction(value: Any) -> Direction:
    if value is None:
        return "ltr"
    if not isinstance(value, str) or value not in DIRECTIONS:
        raise _BrokenRuleError(f"its direction is {value!r}, none of {', '.join(sorted(DIRECTIONS))}")
    return cast("Direction", value)


def _row(value: Any) -> tuple[int, int]:
    edges = _list(value, "a row")
    if len(edges) != 2:
        raise _BrokenRuleError(f"a row has {len(edges)} numbers, not start and end")
    return (_integer(edges[0], "a row's start"), _integer(edges[1], "a row's end"))


def _each(values: Any, name: str, one: str, read: Callable[[Mapping[str, Any]], _Made]) -> tuple[_Made, ...]:
    """What `read` makes of every object of a list; what one of them breaks is told with its index."""
    made = []
    for index, value in enumerate(_list(values, name)):
        try:
            if not isinstance(value, Mapping):
                raise _BrokenRuleError(f"it must be an object, not {type(value).__name__}")
            made.append(read(value))
        except _BrokenRuleError as broken:
            raise _BrokenRuleError(f"{one} {index}: {broken}") from broken
    return tuple(made)


def _field(value: Mapping[str, Any], name: str) -> Any:
    if name not in value:
        raise _BrokenRuleError(f"the field {name!r} is missing")
    return value[name]


def _list(value: Any, name: str) -> Sequence[Any]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise _BrokenRuleError(f"{name} must be a list, not {type(value).__name__}")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _BrokenRuleError(f"{name} must be a string, not {type(value).__name__}")
    return value


def _flag(value: Any, name: str) -> bool:
    if value is not None and not isinstance(value, bool):
        raise _BrokenRuleError(f"{name} must be true or false, not {value!r}")
    return bool(value)


def _integer(value: Any, name: str, *, least: int | None = None, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _BrokenRuleError(f"{name} must be a whole number, not {value!r}")
    if (least is not None and value < least) or (most is not None and value > most):
        raise _BrokenRuleError(
            f"{name} is {value}, not {least} or more" if most is None else f"{name} is {value}, not {least}–{most}"
        )
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _BrokenRuleError(f"{name} must be a number, not {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _BrokenRuleError(f"{name} is {number}, which is no finite number")
    return number


def _above_zero(value: Any, name: str) -> float:
    number = _number(value, name)
    if number <= 0:
        raise _BrokenRuleError(f"{name} is {number:g}, not above 0")
    return number


def _share(value: Any) -> float:
    number = _number(value, "confidence")
    if not 0 <= number <= 1:
        raise _BrokenRuleError(f"confidence is {number:g}, not between 0 and 1")
    return number


def _box(value: Any) -> Box:
    edges = _list(value, "box")
    if len(edges) != 4:
        raise _BrokenRuleError(f"box has {len(edges)} numbers, not x0, y0, x1, y1")
    x0, y0, x1, y1 = (_number(edge, "an edge of box") for edge in edges)
    if x0 > x1 or y0 > y1:
        raise _BrokenRuleError(f"its box is reversed: {x0:g}, {y0:g}, {x1:g}, {y1:g} must be x0 ≤ x1 and y0 ≤ y1")
    return (x0, y0, x1, y1)


def _on_page(value: Mapping[str, Any], known: Set[int] | None) -> int:
    number = _integer(_field(value, "page"), "page")
    if known is not None and number not in known:
        raise _BrokenRuleError(f"it is on page {number}, and the document has no such page")
    if number < 1:
        raise _BrokenRuleError(f"page is {number}, not 1 or more")
    return number


def _maybe_on_page(value: Mapping[str, Any], known: Set[int] | None) -> int | None:
    return None if value.get("page") is None else _on_page(value, known)


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
    """Rows, depth, the link of a caption and another direction than left to right: each only where there is one."""
    value: dict[str, Any] = {}
    if block.rows:
        value |= {"rows": [list(row) for row in block.rows], "header_rows": block.header_rows}
    if block.depth is not None:
        value["depth"] = block.depth
    if block.caption_of is not None:
        value["caption_of"] = block.caption_of
    if block.direction != "ltr":
        value["direction"] = block.direction
    return value


def _leftover_json(leftover: Leftover) -> dict[str, Any]:
    box = None if leftover.box is None else list(leftover.box)
    return {"page": leftover.page, "text": leftover.text, "box": box}
