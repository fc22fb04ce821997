"""The characters of a PDF page as arrays: code points, boxes and styles, straight from PDFium.

Python's cost is one ctypes call per character and property, so this reads two properties per character (code point,
loose box) plus the text object it belongs to, and everything else once per text object. It decides nothing about
words or lines.

Boxes are moved to the document's frame here: points from the top-left corner of the unrotated crop box. PDFium
reports text in the file's own coordinates, which know neither /CropBox nor /MediaBox offsets nor /Rotate.
"""

from __future__ import annotations

import ctypes
import math
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pypdfium2 as pdfium
import pypdfium2.raw as raw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["HYPHEN", "PageChars", "Style", "crop_box", "read_chars"]

HYPHEN: Final = 2
"""PDFium's code point for a hyphen that ends a line."""

_BOLD_NAME: Final = re.compile(r"bold|black|heavy|semib|demi|cmbx|cmb\d|sfbx|[-,]bd|nimbus\w*-medi|\bmedi$", re.I)
_ITALIC_NAME: Final = re.compile(r"ital|obliq|slant|cmti|cmsl|sfti|cmmi|[-,]it\b", re.I)
_MONO_NAME: Final = re.compile(r"mono|courier|cour\b|typewriter|cmtt|sftt|cmsltt|consol|menlo|lucidacons|code", re.I)
_FIXED_PITCH: Final = 1 << 0
_ITALIC_FLAG: Final = 1 << 6
_FORCE_BOLD: Final = 1 << 18
_CHROMA: Final = 40
"""The largest less the smallest of red, green and blue (of 255) in text that is still black, grey or white."""
_HEAVY: Final = 700
_INVISIBLE_MODES: Final = frozenset({raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP})
_STROKED_MODES: Final = frozenset({raw.FPDF_TEXTRENDERMODE_FILL_STROKE})


@dataclass(frozen=True, slots=True)
class Style:
    """What the characters of a text object share. `size` in points; `angle` is the text direction, degrees clockwise
    from left-to-right as seen on the unrotated page, rounded to whole degrees (0–359)."""

    size: float
    bold: bool
    italic: bool
    mono: bool
    angle: int
    hidden: bool
    role: str | None = None
    """What the file's tags call it."""
    tinted: bool = False


@dataclass(frozen=True, slots=True)
class PageChars:
    """`codes` (chars,), `boxes` (chars, 4) as x0, y0, x1, y1, `style` (chars,) indexes `styles`,
    `objects` (chars,) tells text objects apart (their addresses)."""

    width: float
    height: float
    turn: int
    """The page's own /Rotate, degrees clockwise."""
    codes: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]
    style: npt.NDArray[np.int64]
    styles: tuple[Style, ...]
    objects: npt.NDArray[np.uint64]


def read_chars(page: pdfium.PdfPage, roles: Mapping[int, str]) -> PageChars:
    """All characters of `page` in PDFium's order, white space and generated characters too; `roles` are those of text
    objects by address."""
    left, top, width, height = crop_box(page)
    turn = 90 * max(0, raw.FPDFPage_GetRotation(page))
    textpage = page.get_textpage()
    try:
        codes, loose, objects = _read_arrays(textpage)
        style, styles = _read_styles(textpage, objects, roles)
        boxes = np.empty_like(loose)
        boxes[:, 0], boxes[:, 1] = loose[:, 0] - left, top - loose[:, 1]
        boxes[:, 2], boxes[:, 3] = loose[:, 2] - left, top - loose[:, 3]
        # A mirrored matrix gives boxes with their sides swapped.
        low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
        return PageChars(width, height, turn, codes, np.hstack((low, high)), style, styles, objects)
    finally:
        textpage.close()


def crop_box(page: pdfium.PdfPage) -> tuple[float, float, float, float]:
    """Left, top (PDF coordinates), width and height of the area PDFium shows, unrotated."""
    rect = raw.FS_RECTF()
    if raw.FPDF_GetPageBoundingBox(page, rect) and rect.right > rect.left and rect.top > rect.bottom:
        return rect.left, rect.top, rect.right - rect.left, rect.top - rect.bottom
    return 0.0, 792.0, 612.0, 792.0


def _read_arrays(
    textpage: pdfium.PdfTextPage,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.uint64]]:
    count = max(0, raw.FPDFText_CountChars(textpage))
    unicode_of, box_of, object_of = _calls()
    handle = ctypes.c_void_p(ctypes.cast(textpage.raw, ctypes.c_void_p).value)
    rects = np.zeros((count, 4), np.float32)  # FS_RECTF: left, top, right, bottom
    address = rects.ctypes.data
    codes = np.fromiter((unicode_of(handle, i) for i in range(count)), np.int64, count)
    objects = np.fromiter((object_of(handle, i) or 0 for i in range(count)), np.uint64, count)
    for i in range(count):
        box_of(handle, i, address + 16 * i)
    return codes, np.nan_to_num(rects.astype(np.float64), posinf=0.0, neginf=0.0), objects


@cache
def _calls() -> tuple[Callable[..., int], Callable[..., int], Callable[..., int | None]]:
    """The three per-character functions with plain addresses for pointers: half the cost of the typed bindings."""

    def bind(function: Any, result: Any, *arguments: Any) -> Any:
        return ctypes.CFUNCTYPE(result, *arguments)(ctypes.cast(function, ctypes.c_void_p).value or 0)

    pointer, integer = ctypes.c_void_p, ctypes.c_int
    return (
        bind(raw.FPDFText_GetUnicode, ctypes.c_uint, pointer, integer),
        bind(raw.FPDFText_GetLooseCharBox, integer, pointer, integer, pointer),
        bind(raw.FPDFText_GetTextObject, pointer, pointer, integer),
    )


def _read_styles(
    textpage: pdfium.PdfTextPage, objects: npt.NDArray[np.uint64], roles: Mapping[int, str]
) -> tuple[npt.NDArray[np.int64], tuple[Style, ...]]:
    unique, first, inverse = np.unique(objects, return_index=True, return_inverse=True)
    known: dict[Style, int] = {}
    fonts: dict[int, tuple[bool, bool, bool]] = {}
    ids = np.zeros(len(unique), np.int64)
    for k, (pointer, index) in enumerate(zip(unique.tolist(), first.tolist(), strict=True)):
        style = (
            _style(textpage, index, fonts, roles.get(pointer)) if pointer else Style(0.0, False, False, False, 0, False)
        )
        ids[k] = known.setdefault(style, len(known))
    return ids[inverse.reshape(-1)], tuple(known)


def _style(
    textpage: pdfium.PdfTextPage, index: int, fonts: dict[int, tuple[bool, bool, bool]], role: str | None
) -> Style:
    matrix = raw.FS_MATRIX()
    if not raw.FPDFText_GetMatrix(textpage, index, matrix):
        matrix.a = matrix.d = 1.0
    item = raw.FPDFText_GetTextObject(textpage, index)
    mode = raw.FPDFTextObj_GetTextRenderMode(item)
    red, green, blue, alpha = ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint(255)
    raw.FPDFText_GetFillColor(textpage, index, red, green, blue, alpha)
    colour = (red.value, green.value, blue.value)
    bold, italic, mono = _font(textpage, index, raw.FPDFTextObj_GetFont(item), fonts)
    size = raw.FPDFText_GetFontSize(textpage, index) * math.hypot(matrix.c, matrix.d)
    angle = round(-math.degrees(math.atan2(matrix.b, matrix.a))) % 360
    return Style(
        size=round(abs(size), 2),
        bold=bold or mode in _STROKED_MODES,
        italic=italic,
        mono=mono,
        angle=angle,
        hidden=mode in _INVISIBLE_MODES or alpha.value == 0,
        role=role,
        tinted=max(colour) - min(colour) > _CHROMA,
    )


def _font(
    textpage: pdfium.PdfTextPage, index: int, font: Any, fonts: dict[int, tuple[bool, bool, bool]]
) -> tuple[bool, bool, bool]:
    """Bold, italic, fixed pitch; read once per font."""
    address = (ctypes.cast(font, ctypes.c_void_p).value or 0) if font else 0
    if address not in fonts:
        flags = ctypes.c_int()
        length = raw.FPDFText_GetFontInfo(textpage, index, None, 0, flags)
        buffer = ctypes.create_string_buffer(max(1, length))
        raw.FPDFText_GetFontInfo(textpage, index, buffer, length, flags)
        name = buffer.value.decode("utf-8", "replace")
        weight = raw.FPDFText_GetFontWeight(textpage, index)
        fonts[address] = (
            bool(_BOLD_NAME.search(name)) or bool(flags.value & _FORCE_BOLD) or weight >= _HEAVY,
            bool(_ITALIC_NAME.search(name)) or bool(flags.value & _ITALIC_FLAG),
            bool(_MONO_NAME.search(name)) or bool(flags.value & _FIXED_PITCH),
        )
    return fonts[address]
