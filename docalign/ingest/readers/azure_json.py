"""Azure Document Intelligence's `analyzeResult`: paragraphs with their roles and tables, in the order of its content.

Results without paragraphs (the plain reading model, and the older `readResults`) have only words; these are laid out as
our own readings are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from statistics import fmean
from typing import Any, Final

from docalign.document import Document, Kind, Region
from docalign.ingest.layout.build import build_document
from docalign.ingest.ocr.engine import OcrWord
from docalign.ingest.readers.cells import Cell, table_rows
from docalign.ingest.readers.flow import FlowBuilder, Item
from docalign.ingest.readers.ocr_output import ReadPage, page_content, words_of_line
from docalign.ingest.readers.places import Sheet

__all__ = ["read_azure"]

_ROLES: Final[dict[str, Kind]] = {"title": "heading", "sectionHeading": "heading"}
_FURNITURE: Final = ("pageHeader", "pageFooter", "pageNumber")
_ENGINE: Final = "Azure Document Intelligence"


def read_azure(value: Any, source: str, sha256: str) -> Document:
    """An `analyzeResult` as a Document.

    Raises:
        EmptyInputError: it has no text. KeyError, TypeError and the like: a broken field.
    """
    result = value.get("analyzeResult", value)
    if "readResults" in result:
        return _of_words(_old(result["readResults"]), source, sha256)
    if not result.get("paragraphs"):
        return _of_words(result["pages"], source, sha256)
    return _Azure(result).read(source, sha256)


class _Azure:
    def __init__(self, result: Any) -> None:
        self._result = result
        self._builder = FlowBuilder()
        self._sheets = {int(p["pageNumber"]): _sheet(p) for p in result["pages"]}
        words = [w for p in result["pages"] for w in p.get("words") or () if "span" in w]
        self._words = sorted((_start(w), float(w["confidence"])) for w in words)
        self._titled = any(p.get("role") == "title" for p in result["paragraphs"])

    def read(self, source: str, sha256: str) -> Document:
        tables = self._result.get("tables") or ()
        inside = [span for t in tables for c in t["cells"] for span in _spans(c)]
        inside += [span for t in tables if t.get("caption") for span in _spans(t["caption"])]
        covered = dict(inside)
        found: list[tuple[int, Any, Any]] = [(_first(t), None, t) for t in tables]
        for paragraph in self._result["paragraphs"]:
            if not any(start in covered and end <= covered[start] for start, end in _spans(paragraph)):
                found.append((_first(paragraph), paragraph, None))
        for _, paragraph, table in sorted(found, key=lambda f: f[0]):
            if table is not None:
                self._table(table)
            else:
                self._paragraph(paragraph)
        pages = [sheet.page for _, sheet in sorted(self._sheets.items())]
        return self._builder.build(source=source, sha256=sha256, pages=pages)

    def _paragraph(self, paragraph: Any) -> None:
        role, text, regions = paragraph.get("role"), str(paragraph["content"]), self._regions(paragraph)
        if role in _FURNITURE:
            place = regions[0] if regions else None
            self._builder.set_aside("furniture", text, place.page if place else None, place.box if place else None)
            return
        level = 1 + (role == "sectionHeading" and self._titled)
        kind = _ROLES.get(str(role), "paragraph")
        self._builder.add(Item(kind, text, level=level, regions=regions, confidence=self._confidence(paragraph)))

    def _table(self, table: Any) -> None:
        caption = table.get("caption")
        if caption:
            regions = self._regions(caption)
            self._builder.add(Item("caption", str(caption["content"]), caption_of="next", regions=regions))
        cells = [
            Cell(int(c["rowIndex"]), int(c["columnIndex"]), str(c["content"]), header=c.get("kind") == "columnHeader")
            for c in table["cells"]
        ]
        rows, header_rows = table_rows(cells)
        confidence = self._confidence(table)
        regions = self._regions(table)
        self._builder.add(Item("table", rows=rows, header_rows=header_rows, regions=regions, confidence=confidence))

    def _regions(self, thing: Any) -> tuple[Region, ...]:
        regions = []
        for place in thing.get("boundingRegions") or ():
            sheet = self._sheets.get(int(place["pageNumber"]))
            box = sheet.polygon(place.get("polygon") or place.get("boundingBox") or ()) if sheet else None
            if sheet and box:
                regions.append(Region(sheet.number, box))
        return tuple(regions)

    def _confidence(self, thing: Any) -> float | None:
        """The mean over the words that begin in the thing's spans."""
        found = []
        for start, end in _spans(thing):
            first, after = bisect_left(self._words, (start, -1.0)), bisect_left(self._words, (end, -1.0))
            found += [confidence for _, confidence in self._words[first:after]]
        return fmean(found) if found else None


def _of_words(pages: Any, source: str, sha256: str) -> Document:
    contents = []
    for page in pages:
        words = tuple(_page_words(page))
        width, height = float(page["width"]), float(page["height"])
        scale = _sheet(page).scale_x
        # Inches are too coarse for whole pixels: they are counted as points.
        inches = page.get("unit") != "pixel"
        factor = 72.0 if inches else 1.0
        read = ReadPage(width * factor, height * factor, scale / factor, tuple(_scaled(w, factor) for w in words))
        contents.append(page_content(read, int(page["pageNumber"]), _ENGINE))
    return build_document(contents, source=source, sha256=sha256)


def _page_words(page: Any) -> Iterator[OcrWord]:
    """Words line by line; a line without words of its own is parted by its text."""
    words = sorted(page.get("words") or (), key=_start)
    starts = [_start(word) for word in words]
    unit = Sheet(1, float(page["width"]), float(page["height"]))
    for number, line in enumerate(page.get("lines") or (), start=1):
        box = unit.polygon(line.get("polygon") or line.get("boundingBox") or ())
        mine = line.get("words") or [
            words[i] for start, end in _spans(line) for i in range(bisect_left(starts, start), bisect_left(starts, end))
        ]
        places = [unit.polygon(w.get("polygon") or w.get("boundingBox") or ()) for w in mine]
        if mine and all(places):
            for word, place in zip(mine, places, strict=True):
                assert place is not None
                height = box[3] - box[1] if box else place[3] - place[1]
                confidence = min(max(float(word.get("confidence", 1.0)), 0.0), 1.0)
                text = str(word.get("content") or word.get("text"))
                yield OcrWord(text, place, confidence, 1, number, number, height)
        elif box:
            yield from words_of_line(str(line.get("content") or line.get("text")), box, 1.0, number)


def _scaled(word: OcrWord, factor: float) -> OcrWord:
    x0, y0, x1, y1 = (v * factor for v in word.box)
    return replace(word, box=(x0, y0, x1, y1), line_height=word.line_height * factor)


def _old(results: Any) -> list[dict[str, Any]]:
    return [{**page, "pageNumber": page.get("page", n)} for n, page in enumerate(results, start=1)]


def _sheet(page: Any) -> Sheet:
    number, width, height = int(page["pageNumber"]), float(page["width"]), float(page["height"])
    if page.get("unit") == "pixel":
        return Sheet.of_pixels(number, width, height)
    return Sheet(number, width * 72, height * 72, 72, 72)


def _spans(thing: Any) -> list[tuple[int, int]]:
    spans = thing.get("spans") or ([thing["span"]] if thing.get("span") else [])
    return [(int(s["offset"]), int(s["offset"]) + int(s["length"])) for s in spans]


def _start(word: Any) -> int:
    return int(word["span"]["offset"]) if word.get("span") else 0


def _first(thing: Any) -> int:
    return min((start for start, _ in _spans(thing)), default=0)
