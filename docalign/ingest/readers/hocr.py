"""hOCR, what Tesseract, OCRopus and others write: each `ocr_page` is a page of words with confidences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from docalign.errors import DamagedInputError
from docalign.ingest.ocr.engine import OcrWord, PixelBox
from docalign.ingest.options import IngestOptions
from docalign.ingest.readers.html import html_text, parse_html
from docalign.ingest.readers.html_walk import flat_text
from docalign.ingest.readers.ocr_output import OcrPages, ReadPage, words_of_line
from docalign.ingest.readers.places import guess_dpi

__all__ = ["HocrReader"]

_BOX: Final = re.compile(r"\bbbox\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)")
_LINES: Final = frozenset(("ocr_line", "ocr_header", "ocr_footer", "ocr_caption", "ocr_textfloat", "ocrx_line"))
_MAX_PIXELS: Final = 1_000_000


class HocrReader(OcrPages):
    """A paged reader of an hOCR file.

    Raises:
        DamagedInputError: no page, or a page without its size. LimitExceededError: too many pages or too deep.
    """

    def __init__(self, path: str, options: IngestOptions) -> None:
        text, self.warnings = html_text(Path(path).read_bytes())
        root = parse_html(text)
        pages = [_page(node) for node in _below(root) if "ocr_page" in _classes(node)]
        if not pages:
            raise DamagedInputError("the hOCR file has no ocr_page.", remedy="Have it written again.")
        system = next(
            (n.attributes.get("content") for n in _below(root) if n.attributes.get("name") == "ocr-system"), None
        )
        super().__init__(pages, system, options)


def _page(node: Any) -> ReadPage:
    title = node.attributes.get("title") or ""
    words = tuple(_words(node))
    box = _box(title) or _around(words)
    if box is None:
        raise DamagedInputError("an ocr_page of the hOCR file has neither size nor words.", remedy="Write it again.")
    width, height = box[2], box[3]
    resolution = re.search(r"\bscan_res\s+(\d+)", title)
    dpi = float(resolution[1]) if resolution and 50 <= int(resolution[1]) <= 4800 else guess_dpi(width, height)
    return ReadPage(width, height, 72 / dpi, words)


def _words(page: Any) -> Iterator[OcrWord]:
    block = paragraph = line = turn = 0
    height = 0.0
    for node in _below(page):
        classes, title = _classes(node), node.attributes.get("title") or ""
        block += "ocr_carea" in classes
        paragraph += "ocr_par" in classes
        box = _box(title)
        if classes & _LINES:
            line += 1
            height = _number(title, "x_size") or 0.0
            turn = int(_number(title, "textangle") or 0) % 360
            turn = turn if turn in (90, 180, 270) else 0
            bare = not any("ocrx_word" in _classes(n) for n in _below(node))
            if bare and box is not None:
                yield from words_of_line(" ".join(flat_text(node).split()), box, 1.0, line)
        if "ocrx_word" in classes and box is not None:
            text = flat_text(node).strip()
            confidence = _number(title, "x_wconf")
            share = 1.0 if confidence is None else min(max(confidence / 100, 0.0), 1.0)
            if text:
                yield OcrWord(text, box, share, block, paragraph, line, height or box[3] - box[1], turn)


def _box(title: str) -> PixelBox | None:
    found = _BOX.search(title)
    if found is None:
        return None
    x0, y0, x1, y1 = (min(max(float(v), 0.0), _MAX_PIXELS) for v in found.groups())
    return (min(x0, x1), min(y0, y1), max(x0, x1, x0 + 1), max(y0, y1, y0 + 1))


def _around(words: tuple[OcrWord, ...]) -> PixelBox | None:
    if not words:
        return None
    return (0.0, 0.0, max(w.box[2] for w in words), max(w.box[3] for w in words))


def _number(title: str, key: str) -> float | None:
    found = re.search(rf"\b{key}\s+(-?\d+(?:\.\d+)?)", title)
    return float(found[1]) if found else None


def _classes(node: Any) -> frozenset[str]:
    return frozenset((node.attributes.get("class") or "").split())


def _below(node: Any) -> Iterator[Any]:
    """Elements below a node, in order; without recursion."""
    stack = [node.first_child]
    while stack:
        at = stack.pop()
        if at is None:
            continue
        stack.append(at.next)
        if at.is_element_node:
            yield at
            stack.append(at.first_child)
