"""unstructured's elements: types to kinds, its HTML of tables to rows, its coordinates to boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from docalign.document import Document, Kind, Region
from docalign.ingest.readers.flow import FlowBuilder, Item, one_line
from docalign.ingest.readers.html import parse_html
from docalign.ingest.readers.html_table import table_item
from docalign.ingest.readers.html_walk import flat_text
from docalign.ingest.readers.places import LETTER, Sheet

__all__ = ["read_unstructured"]

_KINDS: Final[dict[str, Kind]] = {
    "Title": "heading",
    "ListItem": "list_item",
    "FigureCaption": "caption",
    "CodeSnippet": "code",
}
_FURNITURE: Final = ("Header", "Footer", "PageNumber", "PageBreak")


def read_unstructured(value: Sequence[Any], builder: FlowBuilder, source: str, sha256: str) -> Document:
    """A list of elements as a Document.

    Raises:
        EmptyInputError: it has no text. KeyError, TypeError and the like: a broken field.
    """
    sheets: dict[int, Sheet] = {}
    for element in value:
        metadata = element.get("metadata") or {}
        page = metadata.get("page_number")
        page = None if page is None else int(page)
        regions = _regions(metadata, page, sheets)
        kind, text = str(element["type"]), str(element.get("text") or "")
        if kind in _FURNITURE:
            builder.set_aside("furniture", text, page, regions[0].box if regions else None)
            continue
        depth = int(metadata.get("category_depth") or 0)
        confidence = metadata.get("detection_class_prob") if kind == "OCRText" else None
        item = _table(text, metadata) if kind == "Table" else None
        builder.add(
            Item(
                "table" if kind == "Table" else _KINDS.get(kind, "paragraph"),
                text,
                level=depth + 1,
                depth=depth + 1,
                rows=item.rows if item else (),
                header_rows=item.header_rows if item else 0,
                page=page,
                regions=regions,
                confidence=confidence,
            )
        )
    unknown = sorted({i.page for i in builder.items if i.page is not None} - set(sheets))
    if unknown:
        builder.warn("the elements do not say how large their pages are; they are taken for US letter.")
    pages = {**{n: Sheet(n, *LETTER) for n in unknown}, **sheets}
    return builder.build(source=source, sha256=sha256, pages=[sheet.page for _, sheet in sorted(pages.items())])


def _table(text: str, metadata: Any) -> Item | None:
    """The rows of the element's HTML, where they say what its text says."""
    html = metadata.get("text_as_html")
    if not isinstance(html, str):
        return None
    table = parse_html(html).css_first("table")
    if table is None or sorted("".join(flat_text(table).split())) != sorted("".join(text.split())):
        return None
    return table_item(table, lambda cell: one_line(flat_text(cell)))


def _regions(metadata: Any, page: int | None, sheets: dict[int, Sheet]) -> tuple[Region, ...]:
    places = metadata.get("coordinates")
    if page is None or not places or not places.get("points"):
        return ()
    width, height = places.get("layout_width"), places.get("layout_height")
    if not width or not height:
        return ()
    sheet = Sheet.of_pixels(page, float(width), float(height))
    if places.get("system") in ("PointSpace", "RelativeCoordinateSpace"):
        sheet = Sheet(page, float(width), float(height), upward=True)
    sheets.setdefault(page, sheet)
    box = sheet.polygon(places["points"])
    return (Region(page, box),) if box else ()
