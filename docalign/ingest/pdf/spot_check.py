"""The spot check: a few lines of a text layer against what OCR reads in their place.

Six lines, spread over the page, are cut out of a 200 dpi picture, pasted under each other and read in one go. A line is
a witness only if OCR is sure of it. To overrule the layer, two witnesses are needed and what they say must look like
language, because OCR of a script it does not know is garbage too. Good layers agree to 0.98–1.00, shifted ones to
0.1–0.4, two letters swapped to 0.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from PIL import Image

from docalign.ingest.layout.frame import to_frame
from docalign.ingest.ocr.check import check_words
from docalign.ingest.pdf.page_picture import render
from docalign.ingest.pdf.text_signs import fold, text_signs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pypdfium2 as pdfium

    from docalign.document import Box
    from docalign.ingest.ocr.engine import OcrEngine, OcrWord
    from docalign.ingest.page import PageContent, TextLine

__all__ = ["SpotCheck", "spot_check"]

_LINES: Final = 6
_DPI: Final = 200
_MAX_PIXELS: Final = 12_000_000
_GAP_PX: Final = 24
_LENGTHS: Final = ((24, 120), (8, 200), (3, 400))
"""Characters of the lines to choose from; the first range that has enough of them is taken."""
_HEIGHTS_PT: Final = (4.0, 60.0)
_WITNESS_CONFIDENCE: Final = 0.75
_MIN_WITNESS_CHARS: Final = 12
_MIN_WITNESSES: Final = 2
_FEW: Final = 4
_SOUND_PAIRS: Final = 0.12
_SOUND_VOWELS: Final = (0.28, 0.58)


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """`agreement`: how alike the layer and OCR are, 0–1, mean over the witnesses by length; None without witnesses.

    `lines`: how many lines were witnesses; `overrules`: whether they may. `confidence`: OCR's over all lines read,
    None when it read nothing. `read`: (layer, OCR) of every line, for reports.
    """

    agreement: float | None
    lines: int
    overrules: bool
    confidence: float | None
    read: tuple[tuple[str, str], ...]


def spot_check(engine: OcrEngine, page: pdfium.PdfPage, layer: PageContent) -> SpotCheck:
    """Compare `layer.lines` with what `page` shows.

    Raises:
        OcrFailedError: the engine refused the picture.
    """
    lines = _choose(layer)
    if not lines:
        return SpotCheck(None, 0, False, None, ())
    image, dpi = render(page, dpi=_DPI, max_pixels=_MAX_PIXELS, rotation=layer.rotation)
    strips = [_cut(image, _frame_box(line, layer), dpi) for line in lines]
    sheet, tops = _paste(strips)
    found: list[list[OcrWord]] = [[] for _ in lines]
    for word in check_words(engine.recognise(sheet, dpi=dpi), sheet.size):
        middle = (word.box[1] + word.box[3]) / 2
        number = max((n for n, top in enumerate(tops) if top - _GAP_PX / 2 <= middle), default=0)
        found[number].append(word)
    return _compare(lines, found)


def _frame_box(line: TextLine, layer: PageContent) -> Box:
    return to_frame(line.box, layer.width, layer.height, layer.rotation)


def _choose(layer: PageContent) -> list[TextLine]:
    """Up to six upright lines, evenly spread in the order of the file."""
    upright = []
    for line in layer.lines:
        x0, y0, x1, y1 = _frame_box(line, layer)
        if _HEIGHTS_PT[0] <= y1 - y0 <= _HEIGHTS_PT[1] and x1 - x0 > 1.5 * (y1 - y0):
            upright.append(line)
    for least, most in _LENGTHS:
        fit = [line for line in upright if least <= sum(len(w.text) for w in line.words) <= most]
        if len(fit) >= _LINES // 2:
            break
    step = max(1.0, len(fit) / _LINES)
    return [fit[int((n + 0.5) * step)] for n in range(min(_LINES, len(fit)))]


def _cut(image: Image.Image, box: Box, dpi: float) -> Image.Image:
    scale = dpi / 72
    x0, y0, x1, y1 = box
    edge = 0.15 * (y1 - y0)
    corners = ((x0 - edge) * scale, y0 * scale - 1, (x1 + edge) * scale, y1 * scale + 1)
    left, top, right, bottom = (round(v) for v in corners)
    return image.crop(
        (max(0, left), max(0, top), min(image.width, max(right, left + 2)), min(image.height, max(bottom, top + 2)))
    )


def _paste(strips: Sequence[Image.Image]) -> tuple[Image.Image, list[int]]:
    """The strips under each other on white, and where each begins (pixels)."""
    width = max(s.width for s in strips) + 2 * _GAP_PX
    tops, y = [], _GAP_PX
    for strip in strips:
        tops.append(y)
        y += strip.height + _GAP_PX
    sheet = Image.new("L", (width, y), 255)
    for strip, top in zip(strips, tops, strict=True):
        sheet.paste(strip, (_GAP_PX, top))
    return sheet, tops


def _compare(lines: Sequence[TextLine], found: Sequence[list[OcrWord]]) -> SpotCheck:
    read = tuple((line.text, " ".join(w.text for w in words)) for line, words in zip(lines, found, strict=True))
    letters = sum(len(w.text) for words in found for w in words)
    sure = sum(len(w.text) * w.confidence for words in found for w in words)
    likeness = weight = 0.0
    witnesses = []
    for (layer, ocr), words in zip(read, found, strict=True):
        mine = sum(len(w.text) for w in words)
        if mine and sum(len(w.text) * w.confidence for w in words) / mine >= _WITNESS_CONFIDENCE:
            a, b = _plain(layer), _plain(ocr)
            size = max(len(a), len(b))
            likeness += size * _alike(a, b)
            weight += size
            witnesses.append(ocr)
    return SpotCheck(
        likeness / weight if weight >= _MIN_WITNESS_CHARS else None,
        len(witnesses),
        len(witnesses) >= _MIN_WITNESSES and _sounds_right(witnesses),
        sure / letters if letters else None,
        read,
    )


def _alike(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b, autojunk=False).ratio() if a or b else 1.0


def _plain(text: str) -> str:
    """Letters and digits without accents; every character, where there are hardly any of these."""
    folded = fold(text)
    letters = "".join(c for c in folded if c.isalnum())
    return letters if len(letters) >= _FEW else "".join(folded.split())


def _sounds_right(texts: Sequence[str]) -> bool:
    signs = text_signs(texts)
    vowels = signs.vowels is None or _SOUND_VOWELS[0] <= signs.vowels <= _SOUND_VOWELS[1]
    return vowels and (signs.odd_pairs is None or signs.odd_pairs <= _SOUND_PAIRS)
