"""How much of a PDF page its pictures cover, whether one of them hides text drawn before it, which cannot be decoded.

Cheap facts for telling scans from pages with figures. Looks at page objects; decodes only pictures that do not show.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from docalign.document import Box
from docalign.errors import LimitExceededError

__all__ = ["Cover", "image_cover", "refuse_huge_pictures", "undecodable"]

_MAX_OBJECTS: Final = 5_000
_MAX_DEPTH: Final = 5
_FULL: Final = 0.9
_BYTES_PER_PIXEL: Final = 4
_SOME: Final = 0.04
_MAX_DECODED: Final = 50
_NAME_BYTES: Final = 64
_Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Final[_Matrix] = (1, 0, 0, 1, 0, 0)


@dataclass(frozen=True, slots=True)
class Cover:
    """`share` of the page (0–1) that images cover, overlaps counted twice but no more than the page.

    `hides_text`: an image over nearly the whole page is drawn after most of the text. `boxes`: where images of some
    size stand, in points from the top-left corner of the unrotated page; `pictures`: all of them with their boxes.
    """

    share: float
    hides_text: bool
    boxes: tuple[Box, ...] = ()
    pictures: tuple[tuple[ctypes.c_void_p, Box], ...] = ()


@dataclass(slots=True)
class _Tally:
    objects: int = 0
    area: float = 0.0
    texts: int = 0
    hidden: int = 0
    pictures: list[tuple[ctypes.c_void_p, Box]] = field(default_factory=list)


def image_cover(page: pdfium.PdfPage) -> Cover:
    """Add up the images of a page, those inside forms too; stops counting after some thousand objects."""
    left, bottom, right, top = _visible_box(page)
    page_area = max((right - left) * (top - bottom), 1.0)
    tally = _Tally()
    _walk(page, raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject, _IDENTITY, (left, bottom, right, top), tally, 0)
    share = min(1.0, tally.area / page_area)
    pictures = tuple((item, (x0 - left, top - y1, x1 - left, top - y0)) for item, (x0, y0, x1, y1) in tally.pictures)
    big = tuple(box for _, box in pictures if (box[2] - box[0]) * (box[3] - box[1]) >= _SOME * page_area)
    return Cover(share, tally.texts > 0 and tally.hidden > 0.5 * tally.texts, big, pictures)


def undecodable(pictures: Iterable[ctypes.c_void_p]) -> tuple[str, ...]:
    """What to say about those of some pictures that PDFium cannot decode: it leaves them out in silence."""
    said = []
    for item in islice(pictures, _MAX_DECODED):
        bitmap = raw.FPDFImageObj_GetBitmap(item)
        if bitmap:
            raw.FPDFBitmap_Destroy(bitmap)
            continue
        width, height = ctypes.c_uint(), ctypes.c_uint()
        raw.FPDFImageObj_GetImagePixelSize(item, width, height)
        codec = " ".join(_codecs(item)) or "no filter"
        said.append(
            f"a picture of {width.value} × {height.value} pixels ({codec}) cannot be decoded; what it shows is lost."
        )
    return tuple(dict.fromkeys(said))


def _codecs(item: ctypes.c_void_p) -> Iterator[str]:
    for index in range(max(0, raw.FPDFImageObj_GetImageFilterCount(item))):
        name = ctypes.create_string_buffer(_NAME_BYTES)
        raw.FPDFImageObj_GetImageFilter(item, index, name, _NAME_BYTES)
        yield name.value.decode("latin-1")


def refuse_huge_pictures(page: pdfium.PdfPage, memory_mib: int) -> None:
    """Stop before a picture that PDFium could not decode in half of `memory_mib`: it would leave it out in silence.

    Raises:
        LimitExceededError: there is one; its size is known without decoding it.
    """
    most = memory_mib * (1 << 20) // 2 // _BYTES_PER_PIXEL
    for width, height in _pictures(page, raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject, 0):
        if width * height > most:
            raise LimitExceededError(
                f"it holds a picture of {width} × {height} pixels, too large for a worker of {memory_mib} MiB.",
                remedy="Raise worker_memory_mib.",
            )


def _pictures(parent, count, get, depth: int) -> Iterator[tuple[int, int]]:  # type: ignore[no-untyped-def]
    """Width and height in pixels of the pictures among the first objects of a page and of its forms."""
    for index in range(min(max(0, count(parent)), _MAX_OBJECTS)):
        item = get(parent, index)
        kind = raw.FPDFPageObj_GetType(item)
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            width, height = ctypes.c_uint(), ctypes.c_uint()
            if raw.FPDFImageObj_GetImagePixelSize(item, width, height):
                yield width.value, height.value
        elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
            yield from _pictures(item, raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject, depth + 1)


def _visible_box(page: pdfium.PdfPage) -> tuple[float, float, float, float]:
    rect = raw.FS_RECTF()
    if raw.FPDF_GetPageBoundingBox(page, rect):
        return rect.left, rect.bottom, rect.right, rect.top
    return 0.0, 0.0, 612.0, 792.0


def _walk(parent, count, get, matrix: _Matrix, window, tally: _Tally, depth: int) -> None:  # type: ignore[no-untyped-def]
    for index in range(max(0, count(parent))):
        tally.objects += 1
        if tally.objects > _MAX_OBJECTS:
            return
        item = get(parent, index)
        kind = raw.FPDFPageObj_GetType(item)
        if kind == raw.FPDF_PAGEOBJ_TEXT:
            tally.texts += 1
        elif kind == raw.FPDF_PAGEOBJ_IMAGE:
            x0, y0, x1, y1 = _clipped(_concat(_matrix(item), matrix), window)
            area = max(0.0, x1 - x0) * max(0.0, y1 - y0)
            tally.area += area
            if area > 0:
                tally.pictures.append((item, (x0, y0, x1, y1)))
            if area >= _FULL * (window[2] - window[0]) * (window[3] - window[1]):
                tally.hidden = tally.texts
        elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
            inner = _concat(_matrix(item), matrix)
            _walk(item, raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject, inner, window, tally, depth + 1)


def _matrix(item: ctypes.c_void_p) -> _Matrix:
    m = raw.FS_MATRIX()
    if not raw.FPDFPageObj_GetMatrix(item, m):
        return _IDENTITY
    return (m.a, m.b, m.c, m.d, m.e, m.f)


def _concat(first: _Matrix, then: _Matrix) -> _Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u)


def _clipped(matrix: _Matrix, window: tuple[float, float, float, float]) -> Box:
    """An image is the unit square under its matrix; its bounding box within the page, in the file's coordinates."""
    a, b, c, d, e, f = matrix
    xs, ys = (e, e + a, e + c, e + a + c), (f, f + b, f + d, f + b + d)
    return (max(min(xs), window[0]), max(min(ys), window[1]), min(max(xs), window[2]), min(max(ys), window[3]))
