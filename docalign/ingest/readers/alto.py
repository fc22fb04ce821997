"""ALTO XML, what libraries and archives keep of OCR: words with boxes and confidences, in pixels, inches or mm."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from docalign.errors import DamagedInputError
from docalign.ingest.ocr.engine import OcrWord, PixelBox
from docalign.ingest.options import IngestOptions
from docalign.ingest.readers.ocr_output import OcrPages, ReadPage
from docalign.ingest.readers.places import guess_dpi
from docalign.ingest.readers.safe_xml import local_name, parse_xml

__all__ = ["AltoReader"]

_POINTS: Final = {"mm10": 72 / 254, "inch1200": 72 / 1200}
_MOST: Final = 10_000_000.0


class AltoReader(OcrPages):
    """A paged reader of an ALTO file.

    Raises:
        DamagedInputError: not well-formed, entities declared, or no page. LimitExceededError: too many pages.
    """

    def __init__(self, path: str, options: IngestOptions) -> None:
        root = parse_xml(Path(path).read_bytes(), "the ALTO file")
        unit = next((e.text or "" for e in root.iter() if local_name(e) == "MeasurementUnit"), "pixel").strip().lower()
        pages = [_page(e, unit) for e in root.iter() if local_name(e) == "Page"]
        if not pages:
            raise DamagedInputError("the ALTO file has no Page.", remedy="Have it written again.")
        names = [e.text or "" for e in root.iter() if local_name(e) == "softwareName"]
        super().__init__(pages, next((name.strip() for name in names if name.strip()), None), options)


def _page(page: ET.Element, unit: str) -> ReadPage:
    words = tuple(_words(page))
    width = _number(page, "WIDTH") or max((w.box[2] for w in words), default=0.0)
    height = _number(page, "HEIGHT") or max((w.box[3] for w in words), default=0.0)
    if not (width > 0 and height > 0):
        raise DamagedInputError("a Page of the ALTO file has neither size nor words.", remedy="Have it written again.")
    return ReadPage(width, height, _POINTS.get(unit) or 72 / guess_dpi(width, height), words)


def _words(page: ET.Element) -> Iterator[OcrWord]:
    block = line = 0
    for element in page.iter():
        name = local_name(element)
        block += name == "TextBlock"
        if name == "TextLine":
            line += 1
            yield from _line(element, block, line)


def _line(element: ET.Element, block: int, line: int) -> Iterator[OcrWord]:
    """The strings of a line; a hyphen at its end belongs to the last one."""
    strings: list[tuple[str, PixelBox, float]] = []
    for child in element:
        text = child.get("CONTENT", "").strip()
        if local_name(child) == "HYP" and strings:
            word, box, confidence = strings[-1]
            strings[-1] = (word + (text or "-"), box, confidence)
        elif local_name(child) == "String" and text:
            strings.append((text, _box(child) or _box(element) or (0.0, 0.0, 1.0, 1.0), _confidence(child)))
    height = _number(element, "HEIGHT")
    for text, box, confidence in strings:
        yield OcrWord(text, box, confidence, block, block, line, height or box[3] - box[1])


def _box(element: ET.Element) -> PixelBox | None:
    left, top, width, height = (_number(element, n) for n in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    if left is None or top is None:
        return None
    return (left, top, left + max(width or 0.0, 1.0), top + max(height or 0.0, 1.0))


def _confidence(element: ET.Element) -> float:
    share = _number(element, "WC")
    return 1.0 if share is None else min(share, 1.0)


def _number(element: ET.Element, name: str) -> float | None:
    try:
        number = float(element.get(name, ""))
    except ValueError:
        return None
    return number if 0 <= number <= _MOST else None
