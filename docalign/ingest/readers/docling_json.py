"""docling's `DoclingDocument`: its reading order, labels, levels, tables and places, whose origin is mostly the bottom.

Its furniture layer stays furniture, its invisible and notes layers are invisible; what its body does not reach is
appended, so that nothing is lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from docalign.document import Document, Kind, Region
from docalign.ingest.readers.cells import Cell, table_rows
from docalign.ingest.readers.flow import FlowBuilder, Item
from docalign.ingest.readers.places import LETTER, Sheet

__all__ = ["read_docling", "read_docling_items"]

_KINDS: Final[dict[str, Kind]] = {
    "title": "heading",
    "section_header": "heading",
    "list_item": "list_item",
    "caption": "caption",
    "code": "code",
}
_FURNITURE: Final = ("page_header", "page_footer")
_LISTS: Final = ("list", "ordered_list")
_MAX_DEPTH: Final = 100
_COLLECTIONS: Final = ("texts", "tables", "pictures", "groups", "key_value_items", "form_items")


def read_docling(value: Any, source: str, sha256: str) -> Document:
    """A docling document as a Document.

    Raises:
        EmptyInputError: it has no text. KeyError, TypeError and the like: a broken field.
    """
    return _Docling(value).read(source, sha256)


def read_docling_items(value: Any, source: str, sha256: str) -> tuple[Document, tuple[str, ...]]:
    """As `read_docling`, with the reference (`#/texts/0`) of the item that each block was made of.

    Raises:
        EmptyInputError: it has no text. KeyError, TypeError and the like: a broken field.
    """
    reader = _Docling(value)
    document = reader.read(source, sha256)
    return document, tuple(origin or "" for origin in reader.origins)


class _Docling:
    def __init__(self, value: Any) -> None:
        self._value = value
        self._builder = FlowBuilder()
        self._seen: set[str] = set()
        self._sheets = {int(p["page_no"]): _sheet(p) for p in (value.get("pages") or {}).values()}
        self._titled = any(text.get("label") == "title" for text in value.get("texts") or ())

    @property
    def origins(self) -> list[str | None]:
        return self._builder.origins

    def read(self, source: str, sha256: str) -> Document:
        for child in (self._value.get("body") or {}).get("children") or ():
            self._visit(child["$ref"], 0, 0)
        for child in (self._value.get("furniture") or {}).get("children") or ():
            self._visit(child["$ref"], 0, 0, layer="furniture")
        for collection in ("texts", "tables"):
            for number in range(len(self._value.get(collection) or ())):
                self._visit(f"#/{collection}/{number}", 0, 0)
        pages = [sheet.page for _, sheet in sorted(self._sheets.items())]
        return self._builder.build(source=source, sha256=sha256, pages=pages)

    def _visit(self, ref: str, lists: int, nesting: int, layer: str | None = None) -> None:
        """An item and what it holds; each once, however often it is referred to."""
        if ref in self._seen or nesting > _MAX_DEPTH:
            return
        self._seen.add(ref)
        _, collection, number = ref.split("/", 2)
        if collection not in _COLLECTIONS:
            return
        item = self._value[collection][int(number)]
        layer = layer or item.get("content_layer") or "body"
        if collection == "texts":
            self._text(item, lists, layer, ref)
        elif collection in ("tables", "pictures"):
            for caption in item.get("captions") or ():
                self._visit(caption["$ref"], lists, nesting + 1, layer)
                if collection == "tables" and self._builder.items and self._builder.items[-1].kind == "caption":
                    self._builder.items[-1] = _pointing(self._builder.items[-1])
            if collection == "tables":
                self._table(item, layer, ref)
        deeper = lists + (collection == "groups" and item.get("label") in _LISTS)
        for child in item.get("children") or ():
            self._visit(child["$ref"], deeper, nesting + 1, None if layer == "body" else layer)

    def _text(self, item: Any, lists: int, layer: str, ref: str) -> None:
        label, text, regions = str(item.get("label")), str(item["text"]), self._regions(item)
        if layer != "body" or label in _FURNITURE:
            box = regions[0].box if regions else None
            where = "furniture" if layer == "furniture" or label in _FURNITURE else "invisible"
            page = regions[0].page if regions else None
            self._builder.set_aside("furniture" if where == "furniture" else "invisible", text, page, box)
            return
        kind = _KINDS.get(label, "paragraph")
        level = None
        if kind == "heading":
            level = 1 if label == "title" else int(item.get("level") or 1) + self._titled
        if kind == "list_item" and text.strip():
            marker = str(item.get("marker") or "").strip()
            text = f"{marker if item.get('enumerated') and marker else '•'} {text}"
        self._builder.add(Item(kind, text, level=level, depth=max(1, lists), regions=regions, origin=ref))

    def _table(self, item: Any, layer: str, ref: str) -> None:
        cells = [
            Cell(
                int(cell["start_row_offset_idx"]),
                int(cell["start_col_offset_idx"]),
                str(cell["text"]),
                header=bool(cell.get("column_header")),
            )
            for cell in (item.get("data") or {}).get("table_cells") or ()
        ]
        rows, header_rows = table_rows(cells)
        if layer == "body":
            regions = self._regions(item)
            self._builder.add(Item("table", rows=rows, header_rows=header_rows, regions=regions, origin=ref))
        else:
            text = "\n".join(" | ".join(row) for row in rows)
            self._builder.set_aside("furniture" if layer == "furniture" else "invisible", text)

    def _regions(self, item: Any) -> tuple[Region, ...]:
        regions = []
        for place in item.get("prov") or ():
            sheet, box = self._sheets.get(int(place["page_no"])), place["bbox"]
            if sheet is None:
                continue
            upward = str(box.get("coord_origin", "TOPLEFT")).upper().endswith("BOTTOMLEFT")
            sheet = Sheet(sheet.number, sheet.width, sheet.height, upward=upward)
            found = sheet.box([box["l"], box["r"]], [box["t"], box["b"]])
            if found:
                regions.append(Region(sheet.number, found))
        return tuple(regions)


def _pointing(item: Item) -> Item:
    return replace(item, caption_of="next")


def _sheet(page: Any) -> Sheet:
    size = page.get("size") or {}
    width, height = float(size.get("width") or LETTER[0]), float(size.get("height") or LETTER[1])
    return Sheet(int(page["page_no"]), width, height)
