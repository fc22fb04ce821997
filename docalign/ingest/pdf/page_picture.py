"""Pictures of a PDF page: for OCR, and a small one that tells what a viewer shows and what it does not.

A text layer says what a page holds, its picture what it shows. Text drawn white on white, clipped away, under a filled
box or in a layer that is switched off shows in the first only; a word whose place has no ink at all is such text.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pypdfium2.raw as raw
from PIL import Image

from docalign.ingest.layout.frame import union
from docalign.ingest.page import PageContent, TextLine, Word

if TYPE_CHECKING:
    import pypdfium2 as pdfium

    from docalign.document import Box

__all__ = ["SmallPicture", "draws_one_picture", "made_small", "render", "small_picture", "without_unseen"]

_POINTS_PER_INCH: Final = 72
_RENDER_PIXELS: Final = 40_000_000
_SMALL_PAGE_PX: Final = 1600
"""A page smaller than print is rendered finer, so that its long side has this many pixels."""
_FINEST_DPI: Final = 600
_SMALL_DPI: Final = 72
_SMALL_PIXELS: Final = 1_500_000
_NO_INK: Final = 2
"""Grey levels (of 255) by which an even area may differ in itself."""
_INKED: Final = 48
_SPECKS: Final = 6
_PRINT_PX: Final = 30
_NEAR_PAPER: Final = 24
_PAPER_SHARE: Final = 0.6
_LINE_PT: Final = (3.0, 40.0)
_PRINTED_ROWS: Final = 3
_SHORT_WORD: Final = 2
_TURN_BACK: Final = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
"""Pillow counts counter-clockwise."""
_EDGE_PT: Final = 2.0


def render(
    page: pdfium.PdfPage, *, dpi: float, max_pixels: int, rotation: int | None = None
) -> tuple[Image.Image, float]:
    """The page in grey as a viewer shows it, and its dpi: fewer on a giant page, more on a tiny one.

    `rotation`: degrees clockwise from the unrotated page instead of the page's own /Rotate.
    """
    width, height = page.get_size()
    inches = max(width, height) / _POINTS_PER_INCH
    dpi = max(float(dpi), min(_FINEST_DPI, _SMALL_PAGE_PX / max(inches, 0.1)))
    pixels = width * height * (dpi / _POINTS_PER_INCH) ** 2
    allowed = min(_RENDER_PIXELS, max_pixels)
    if pixels > allowed:
        dpi *= (allowed / pixels) ** 0.5
    turn = 0 if rotation is None else (rotation - 90 * max(0, raw.FPDFPage_GetRotation(page))) % 360
    return _bitmap(page, dpi / _POINTS_PER_INCH, turn), dpi


def _bitmap(page: pdfium.PdfPage, scale: float, turn: int = 0) -> Image.Image:
    bitmap = page.render(scale=scale, grayscale=True, rotation=turn)
    try:
        image: Image.Image = bitmap.to_pil().convert("L")
        return image.copy()
    finally:
        bitmap.close()


class SmallPicture:
    """The unrotated page in grey, `scale` pixels a point."""

    def __init__(self, pixels: npt.NDArray[np.uint8], scale: float) -> None:
        self._pixels = pixels
        self._scale = scale
        self._paper = int(np.bincount(pixels[::3, ::3].ravel(), minlength=1).argmax()) if pixels.size else 255
        self._marked: npt.NDArray[np.bool_] | None = None

    def shows(self, box: Box) -> bool:
        """Whether anything can be seen in the middle of `box` (points); True where that cannot be told."""
        x0, y0, x1, y1 = box
        shrink = 0.15 * (y1 - y0)
        part = self._pixels[self._slice((x0, y0 + shrink, x1, y1 - shrink))]
        if part.size <= 1:
            return True
        # Most words show in the row through their middle.
        middle = part[len(part) // 2].tobytes()
        return max(middle) - min(middle) > _NO_INK or int(part.max()) - int(part.min()) > _NO_INK

    def _slice(self, box: Box) -> tuple[slice, slice]:
        x0, y0, x1, y1 = (v * self._scale for v in box)
        return slice(max(0, int(y0)), max(0, int(y1 + 1))), slice(max(0, int(x0)), max(0, int(x1 + 1)))

    @property
    def inked(self) -> bool:
        """Whether the page shows anything but specks."""
        return int(np.count_nonzero(self._marks())) >= _SPECKS

    def ink_beside(self, boxes: list[Box]) -> float:
        """Share (0–1) of the page that is inked outside `boxes`."""
        marks = self._marks().copy()
        for box in boxes:
            marks[self._slice(box)] = False
        return int(np.count_nonzero(marks)) / max(1, marks.size)

    def blank_beside(self, box: Box, words: list[Box]) -> bool:
        """Whether `box`, its edges left out, shows nothing but words in the boxes `words` (points)."""
        x0, y0, x1, y1 = box
        window = (x0 + _EDGE_PT, y0 + _EDGE_PT, x1 - _EDGE_PT, y1 - _EDGE_PT)
        marks = self._marks()
        if np.count_nonzero(marks[self._slice(window)]) < _SPECKS:
            return True
        marks = marks.copy()
        for word in words:
            marks[self._slice(word)] = False
        return int(np.count_nonzero(marks[self._slice(window)])) < _SPECKS

    def looks_printed(self, box: Box) -> bool:
        """Whether `box` looks like a picture of text: mostly of one shade, with rows of marks between empty rows."""
        part = self._pixels[self._slice(box)]
        if part.shape[0] < _PRINT_PX or part.shape[1] < _PRINT_PX:
            return False
        paper = int(np.bincount(part.ravel()).argmax())
        away = np.abs(part.astype(np.int16) - paper)
        if np.count_nonzero(away <= _NEAR_PAPER) < _PAPER_SHARE * part.size:
            return False
        marked = np.count_nonzero(away > _INKED, axis=1) >= 0.02 * part.shape[1]
        edges = np.flatnonzero(np.diff(np.concatenate(([False], marked, [False])).astype(np.int8)))
        heights = (edges[1::2] - edges[::2]) / self._scale
        return int(np.count_nonzero((heights >= _LINE_PT[0]) & (heights <= _LINE_PT[1]))) >= _PRINTED_ROWS

    def _marks(self) -> npt.NDArray[np.bool_]:
        if self._marked is None:
            low, high = max(0, self._paper - _INKED), min(255, self._paper + _INKED)
            marks = (self._pixels < low) | (self._pixels > high)
            if min(marks.shape) > 2:
                marks[0], marks[-1], marks[:, 0], marks[:, -1] = False, False, False, False
            self._marked = np.asarray(marks, np.bool_)
        return self._marked


def small_picture(page: pdfium.PdfPage) -> SmallPicture:
    """Render the page at 72 dpi (coarser when it is giant), as the unrotated page."""
    width, height = page.get_size()
    scale = min(_SMALL_DPI / _POINTS_PER_INCH, (_SMALL_PIXELS / max(1.0, width * height)) ** 0.5)
    turn = (-90 * max(0, raw.FPDFPage_GetRotation(page))) % 360
    return SmallPicture(np.asarray(_bitmap(page, scale, turn), np.uint8), scale)


def draws_one_picture(page: pdfium.PdfPage) -> bool:
    """Whether a picture is all that the page draws: a scan, which PDFium takes as long to draw small as large."""
    first = raw.FPDFPage_GetObject(page, 0) if raw.FPDFPage_CountObjects(page) == 1 else None
    return first is not None and raw.FPDFPageObj_GetType(first) == raw.FPDF_PAGEOBJ_IMAGE


def made_small(image: Image.Image, dpi: float, page: pdfium.PdfPage) -> SmallPicture:
    """As `small_picture`, of what `render` gave."""
    times = max(1, round(dpi / _SMALL_DPI), math.ceil((image.width * image.height / _SMALL_PIXELS) ** 0.5))
    small = image.reduce(times)
    rotation = (90 * max(0, raw.FPDFPage_GetRotation(page))) % 360
    small = small.transpose(_TURN_BACK[rotation]) if rotation else small
    return SmallPicture(np.asarray(small, np.uint8), dpi / _POINTS_PER_INCH / times)


def without_unseen(content: PageContent, picture: SmallPicture) -> PageContent:
    """The page with the words that leave no ink moved to `invisible`.

    A word of one or two characters (a full stop, a dash) moves only when nothing of its line can be seen.
    """
    kept: list[TextLine] = []
    unseen: list[TextLine] = []
    for line in content.lines:
        if picture.shows(line.box) and all(picture.shows(w.box) for w in line.words if len(w.text) > _SHORT_WORD):
            kept.append(line)
            continue
        shown = [picture.shows(w.box) for w in line.words]
        if any(shown):
            shown = [s or len(w.text) <= _SHORT_WORD for s, w in zip(shown, line.words, strict=True)]
        kept.extend(_part([w for w, s in zip(line.words, shown, strict=True) if s], line))
        unseen.extend(_part([w for w, s in zip(line.words, shown, strict=True) if not s], line))
    if not unseen:
        return content
    return replace(content, lines=tuple(kept), invisible=(*content.invisible, *unseen))


def _part(words: list[Word], line: TextLine) -> list[TextLine]:
    return [replace(line, words=tuple(words), box=union(w.box for w in words))] if words else []
