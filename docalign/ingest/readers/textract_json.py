"""Textract's `Blocks`: its layout where it was asked for one, else its lines laid out as our own readings are.

Textract measures in shares of a page whose size it does not say; pages are taken for US letter, and a warning says so.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import Any, Final

from docalign.document import Box, Document, Kind, Region
from docalign.ingest.layout.build import build_document
from docalign.ingest.ocr.engine import OcrWord
from docalign.ingest.page import PageContent, TableArea
from docalign.ingest.readers.cells import Cell, table_rows
from docalign.ingest.readers.flow import FlowBuilder, Item
from docalign.ingest.readers.ocr_output import ReadPage, page_content
from docalign.ingest.readers.places import LETTER, Sheet

__all__ = ["read_textract"]

_ENGINE: Final = "Textract"
_SIZE: Final = "the pages' sizes are not in the file; they are taken for US letter."
_KINDS: Final[dict[str, Kind]] = {"LAYOUT_TITLE": "heading", "LAYOUT_SECTION_HEADER": "heading"}
_FURNITURE: Final = ("LAYOUT_HEADER", "LAYOUT_FOOTER", "LAYOUT_PAGE_NUMBER")
_OUTER: Final = ("LAYOUT_LIST",)


def read_textract(blocks: list[Any], source: str, sha256: str) -> Document:
    """Textract's blocks as a Document.

    Raises:
        EmptyInputError: they have no text. KeyError, TypeError and the like: a broken field.
    """
    return _Textract(blocks).read(source, sha256)


class _Textract:
    def __init__(self, blocks: list[Any]) -> None:
        self._blocks = blocks
        self._by_id = {block["Id"]: block for block in blocks}
        self._builder = FlowBuilder(warnings=[_SIZE])
        self._used: set[str] = set()
        self._pages = sorted({_page(block) for block in blocks})
        self._tables = [b for b in blocks if b["BlockType"] == "TABLE"]
        self._titled = any(b["BlockType"] == "LAYOUT_TITLE" for b in blocks)

    def read(self, source: str, sha256: str) -> Document:
        if not any(b["BlockType"].startswith("LAYOUT_") for b in self._blocks):
            document = build_document([self._content(n) for n in self._pages], source=source, sha256=sha256)
            return replace(document, warnings=(_SIZE, *document.warnings))
        for block in self._blocks:
            if block["BlockType"].startswith("LAYOUT_") and block["Id"] not in self._used:
                self._layout(block, 0)
        for table in self._tables:
            self._table(table)
        for block in self._blocks:  # lines that no layout block holds
            if block["BlockType"] == "LINE" and block["Id"] not in self._used:
                self._line(block)
        sheets = [Sheet.of_shares(number).page for number in self._pages]
        return self._builder.build(source=source, sha256=sha256, pages=sheets)

    def _layout(self, block: Any, depth: int) -> None:
        kind = block["BlockType"]
        self._used.add(block["Id"])
        if kind in _OUTER:
            for child in self._children(block):
                if child["BlockType"].startswith("LAYOUT_") and child["Id"] not in self._used and depth < 10:
                    self._layout(child, depth + 1)
            return
        if kind == "LAYOUT_TABLE":
            lines = {child["Id"] for child in self._children(block)}
            words = {word for line in lines for word in _child_ids(self._by_id[line])}
            for table in self._tables:
                if words & self._words_of(table):
                    self._table(table)
        lines_left = [c for c in self._children(block) if c["BlockType"] == "LINE" and c["Id"] not in self._used]
        self._used.update(line["Id"] for line in lines_left)
        text = "\n".join(str(line.get("Text") or "") for line in lines_left)
        box, page = _box(block), _page(block)
        if kind in _FURNITURE:
            self._builder.set_aside("furniture", text, page, box)
            return
        level = 1 + (kind == "LAYOUT_SECTION_HEADER" and self._titled)
        block_kind: Kind = "list_item" if depth else _KINDS.get(kind, "paragraph")
        joined = text.replace("\n", " ")
        confidence = _confidence(lines_left)
        regions = (Region(page, box),) if box else ()
        self._builder.add(
            Item(block_kind, joined, level=level, depth=depth, page=page, regions=regions, confidence=confidence)
        )

    def _table(self, table: Any) -> None:
        if table["Id"] in self._used:
            return
        rows, header_rows = self._rows(table)
        box, page = _box(table), _page(table)
        regions = (Region(page, box),) if box else ()
        confidence = _confidence([self._by_id[w] for w in sorted(self._words_of(table)) if w in self._by_id])
        self._builder.add(
            Item("table", rows=rows, header_rows=header_rows, page=page, regions=regions, confidence=confidence)
        )

    def _rows(self, table: Any) -> tuple[list[list[str]], int]:
        """The table's rows and how many are its header; its lines are used up."""
        self._used.add(table["Id"])
        cells = []
        for cell in self._children(table):
            if cell["BlockType"] == "CELL":
                text = " ".join(str(word.get("Text") or "") for word in self._children(cell))
                header = "COLUMN_HEADER" in (cell.get("EntityTypes") or ())
                cells.append(Cell(int(cell["RowIndex"]) - 1, int(cell["ColumnIndex"]) - 1, text, header=header))
        words = self._words_of(table)
        for line in self._blocks:
            if line["BlockType"] == "LINE" and _child_ids(line) and set(_child_ids(line)) <= words:
                self._used.add(line["Id"])
        return table_rows(cells)

    def _line(self, line: Any) -> None:
        box, page = _box(line), _page(line)
        regions = (Region(page, box),) if box else ()
        text = str(line.get("Text") or "")
        self._builder.add(Item("paragraph", text, page=page, regions=regions, confidence=_confidence([line])))

    def _words_of(self, table: Any) -> set[str]:
        return {word for cell in self._children(table) if cell["BlockType"] == "CELL" for word in _child_ids(cell)}

    def _children(self, block: Any) -> list[Any]:
        return [self._by_id[i] for i in _child_ids(block) if i in self._by_id]

    def _content(self, number: int) -> PageContent:
        """A page of lines and tables, for layout to put in order."""
        tables = [self._area(t) for t in self._tables if _page(t) == number]
        words = []
        for at, line in enumerate(b for b in self._blocks if b["BlockType"] == "LINE" and _page(b) == number):
            outer = _box(line)
            for word in [] if line["Id"] in self._used else self._children(line) or [line]:
                box = _box(word)
                if box and str(word.get("Text") or "").strip():
                    height = outer[3] - outer[1] if outer else box[3] - box[1]
                    share = min(max(float(word.get("Confidence", 100)) / 100, 0.0), 1.0)
                    words.append(OcrWord(str(word["Text"]), box, share, 1, at, at, height))
        content = page_content(ReadPage(*LETTER, 1.0, tuple(words)), number, _ENGINE)
        kind = "scan" if words or tables else "blank"
        return replace(content, kind=kind, tables=tuple(tables))

    def _area(self, table: Any) -> TableArea:
        rows, header_rows = self._rows(table)
        whole = _box(table) or (0.0, 0.0, *LETTER)
        height = (whole[3] - whole[1]) / max(1, len(rows))
        tops = [whole[1] + n * height for n in range(len(rows))]
        boxes = tuple((whole[0], top, whole[2], top + height) for top in tops)
        return TableArea(whole, tuple(map(tuple, rows)), boxes, header_rows)


def _page(block: Any) -> int:
    return int(block.get("Page") or 1)


def _child_ids(block: Any) -> list[str]:
    return [i for r in block.get("Relationships") or () if r["Type"] == "CHILD" for i in r["Ids"]]


def _box(block: Any) -> Box | None:
    place = (block.get("Geometry") or {}).get("BoundingBox")
    if not place:
        return None
    left, top = float(place["Left"]), float(place["Top"])
    return Sheet.of_shares(1).box([left, left + float(place["Width"])], [top, top + float(place["Height"])])


def _confidence(blocks: list[Any]) -> float | None:
    found = [float(block["Confidence"]) / 100 for block in blocks if block.get("Confidence") is not None]
    return fmean(found) if found else None
