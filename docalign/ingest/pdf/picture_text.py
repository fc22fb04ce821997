"""Text in the pictures of a page that has a text layer: read by OCR and put beside the layer, which stays as it is.

Only lines that OCR is sure of and that have letters to speak of are taken, and none where the layer already has words:
photographs give stray marks, charts give ticks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.frame import to_frame, union
from docalign.ingest.ocr.check import check_words
from docalign.ingest.ocr.reading import Reading, to_content
from docalign.ingest.page import TextLine
from docalign.ingest.pdf.page_picture import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pypdfium2 as pdfium

    from docalign.document import Box
    from docalign.ingest.ocr.engine import OcrEngine, OcrWord
    from docalign.ingest.page import PageContent

__all__ = ["merge", "over", "read_pictures"]

_MAX_PICTURES: Final = 20
_SURE: Final = 0.75
_MIN_LETTERS: Final = 4
_MIN_ADDED: Final = 20


def read_pictures(
    engine: OcrEngine,
    page: pdfium.PdfPage,
    layer: PageContent,
    boxes: Sequence[Box],
    *,
    dpi: float,
    max_pixels: int,
) -> PageContent:
    """The layer with what stands in its pictures at `boxes` (points, unrotated page); kind `hybrid` where that is
    something, `text` where it is nothing.

    Raises:
        OcrFailedError: the engine refused a picture.
    """
    image, dpi = render(page, dpi=dpi, max_pixels=max_pixels, rotation=layer.rotation)
    words: list[OcrWord] = []
    for number, box in enumerate(boxes[:_MAX_PICTURES]):
        frame = to_frame(box, layer.width, layer.height, layer.rotation)
        x0, y0, x1, y1 = (round(v * dpi / 72) for v in frame)
        left, top = max(0, x0), max(0, y0)
        crop = image.crop((left, top, min(image.width, x1), min(image.height, y1)))
        if min(crop.size) < 8:
            continue
        for word in check_words(engine.recognise(crop, dpi=dpi), crop.size):
            a, b, c, d = word.box
            moved = (a + left, b + top, c + left, d + top)
            words.append(replace(word, box=moved, block=word.block + 10_000 * number))
    found = to_content(
        Reading(tuple(words)),
        number=layer.number,
        width=layer.width,
        height=layer.height,
        rotation=layer.rotation,
        pixels=image.size,
    )
    return merge(layer, replace(found, engine=engine.name))


def merge(layer: PageContent, found: PageContent, *, least: float = _MIN_ADDED) -> PageContent:
    """The layer and the believable words of `found` that stand where it has none, if these have `least` characters.

    The page counts as read by OCR where more than half of its characters then are.
    """
    taken = [word.box for line in layer.lines for word in line.words]
    taken += [table.box for table in layer.tables]
    left = (tuple(w for w in line.words if not any(_in(w.box, box) for box in taken)) for line in found.lines)
    lines = (TextLine(words, union(w.box for w in words)) for words in left if words)
    added = tuple(line for line in lines if _believed(line))
    new, old = (sum(len(w.text) for line in lines for w in line.words) for lines in (added, layer.lines))
    if new < least:
        return replace(layer, kind="text")
    merged = replace(layer, kind="hybrid", lines=(*layer.lines, *added), engine=found.engine)
    return replace(merged, ocr=True, confidence=found.confidence) if new > old else merged


def _in(word: Box, box: Box) -> bool:
    x, y = (word[0] + word[2]) / 2, (word[1] + word[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _believed(line: TextLine) -> bool:
    size = sum(len(word.text) for word in line.words)
    sure = sum((word.confidence or 0.0) * len(word.text) for word in line.words)
    return sum(map(str.isalpha, line.text)) >= _MIN_LETTERS and sure >= _SURE * size


def over(a: Box, b: Box) -> bool:
    """Whether two boxes share any area."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
