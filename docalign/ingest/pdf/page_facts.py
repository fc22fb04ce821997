"""Measuring what `triage` judges a page by: its characters, its type, its pictures and its ink."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

import numpy as np
import pypdfium2.raw as raw

from docalign.ingest.pdf.images import image_cover, undecodable
from docalign.ingest.pdf.text_signs import text_signs, width_fit
from docalign.ingest.pdf.triage import PageFacts

if TYPE_CHECKING:
    import pypdfium2 as pdfium

    from docalign.document import Box
    from docalign.ingest.page import PageContent, TextLine
    from docalign.ingest.pdf.chars import PageChars
    from docalign.ingest.pdf.page_picture import SmallPicture

__all__ = ["measure"]

_SAMPLED_RUNS: Final = 400
_HARDLY: Final = 0.02


def measure(page: pdfium.PdfPage, content: PageContent, chars: PageChars, picture: SmallPicture) -> PageFacts:
    """The facts of a page whose lines still hold all of its text (before tables are cut out)."""
    cover = image_cover(page)
    controls = sum(len(text) for text, reason in content.dropped if reason == "control")
    words = [word.box for line in content.lines for word in line.words]
    printed = tuple(b for b in cover.boxes if _share_covered(b, words) < _HARDLY and picture.looks_printed(b))
    return PageFacts(
        visible=_count(content.lines),
        invisible=_count(content.invisible),
        image_share=cover.share,
        hides_text=cover.hides_text,
        printed_pictures=printed,
        inked=picture.inked,
        ink_beside_text=picture.ink_beside([line.box for line in content.lines]),
        signs=text_signs((w.text for line in content.lines for w in line.words), controls),
        width_fit=width_fit(chars),
        advance_em=_advance_em(chars),
        unmapped=_unmapped(page, chars),
        lost=undecodable(item for item, box in cover.pictures if picture.blank_beside(box, words)),
    )


def _share_covered(box: Box, words: list[Box]) -> float:
    """Share of `box` that words of the text layer stand on."""
    x0, y0, x1, y1 = box
    inside = sum(
        max(0.0, min(x1, word[2]) - max(x0, word[0])) * max(0.0, min(y1, word[3]) - max(y0, word[1])) for word in words
    )
    return inside / max(1.0, (x1 - x0) * (y1 - y0))


def _count(lines: tuple[TextLine, ...]) -> int:
    return sum(len(w.text) for line in lines for w in line.words)


def _advance_em(chars: PageChars) -> float:
    """Median width of the characters above U+2E80 (the wide scripts), in ems; 1 without any."""
    sizes = np.array([s.size for s in chars.styles], np.float64)
    wide = chars.codes >= 0x2E80
    if not wide.any() or not len(sizes):
        return 1.0
    boxes, size = chars.boxes[wide], sizes[chars.style[wide]]
    return float(np.median((boxes[:, 2] - boxes[:, 0]) / np.maximum(size, 0.1)))


def _unmapped(page: pdfium.PdfPage, chars: PageChars) -> float:
    """Share of the page's type runs whose first character PDFium could not map to Unicode, among the visible ones."""
    _, first = np.unique(chars.objects, return_index=True)
    first = np.array([i for i in first.tolist() if chars.objects[i] and not chars.styles[int(chars.style[i])].hidden])
    if not len(first):
        return 0.0
    step = max(1, len(first) // _SAMPLED_RUNS)
    textpage = page.get_textpage()
    try:
        bad = [raw.FPDFText_HasUnicodeMapError(textpage, ctypes.c_int(i)) == 1 for i in first[::step].tolist()]
    finally:
        textpage.close()
    return float(np.mean(bad))
