"""Ruling lines of a PDF page: the straight horizontal and vertical edges that could draw a table.

Read from PDFium's page objects, which are parsed already: a few microseconds an object, where a second parser would
cost tens of milliseconds a page. Curves, slanted lines, clip paths and white fills are not edges.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pypdfium2.raw as raw

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pypdfium2 as pdfium

    from docalign.document import Box

__all__ = ["Rule", "read_rules"]

_THIN_PT: Final = 3.0
_SHORTEST_PT: Final = 4.0
_MAX_OBJECTS: Final = 20_000
_MAX_SEGMENTS: Final = 2_000
_MAX_DEPTH: Final = 4
_WHITE: Final = 250

Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight edge: `low`–`high` along its direction, at `at` across it, in PDF coordinates."""

    horizontal: bool
    at: float
    low: float
    high: float

    def box(self, left: float, top: float) -> Box:
        """The rule as a flat box measured from the page's top-left corner, which is at (left, top)."""
        if self.horizontal:
            return (self.low - left, top - self.at, self.high - left, top - self.at)
        return (self.at - left, top - self.high, self.at - left, top - self.low)


def read_rules(page: pdfium.PdfPage) -> list[Rule]:
    """The page's horizontal and vertical edges; empty where the page has far too many objects."""
    count = raw.FPDFPage_CountObjects(page)
    if not 0 < count <= _MAX_OBJECTS:
        return []
    items = (raw.FPDFPage_GetObject(page, i) for i in range(count))
    return [rule for item in items for rule in _edges(item, _IDENTITY, 0)]


def _edges(item: Any, outer: Matrix, depth: int) -> Iterator[Rule]:
    kind = raw.FPDFPageObj_GetType(item)
    if kind == raw.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
        inner = _times(_matrix(item), outer)
        for i in range(min(_MAX_OBJECTS, max(0, raw.FPDFFormObj_CountObjects(item)))):
            yield from _edges(raw.FPDFFormObj_GetObject(item, i), inner, depth + 1)
    elif kind == raw.FPDF_PAGEOBJ_PATH and _is_painted(item):
        yield from _path_edges(item, outer)


def _matrix(item: Any) -> Matrix:
    m = raw.FS_MATRIX()
    return (m.a, m.b, m.c, m.d, m.e, m.f) if raw.FPDFPageObj_GetMatrix(item, m) else _IDENTITY


def _times(m: Matrix, n: Matrix) -> Matrix:
    """First m, then n."""
    return (
        m[0] * n[0] + m[1] * n[2],
        m[0] * n[1] + m[1] * n[3],
        m[2] * n[0] + m[3] * n[2],
        m[2] * n[1] + m[3] * n[3],
        m[4] * n[0] + m[5] * n[2] + n[4],
        m[4] * n[1] + m[5] * n[3] + n[5],
    )


def _apply(m: Matrix, x: float, y: float) -> tuple[float, float]:
    return m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]


def _is_painted(item: Any) -> bool:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if not raw.FPDFPath_GetDrawMode(item, fill, stroke):
        return False
    if stroke.value:
        return True
    if not fill.value:
        return False
    red, green, blue, alpha = (ctypes.c_uint(0) for _ in range(4))
    raw.FPDFPageObj_GetFillColor(item, red, green, blue, alpha)
    return alpha.value > 0 and min(red.value, green.value, blue.value) < _WHITE


def _path_edges(item: Any, outer: Matrix) -> Iterator[Rule]:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not raw.FPDFPageObj_GetBounds(item, left, bottom, right, top):
        return
    box = _turned((left.value, bottom.value, right.value, top.value), outer)
    width, height = box[2] - box[0], box[3] - box[1]
    if min(width, height) <= _THIN_PT:
        # A line, or a rectangle so thin that it is drawn for one.
        if width >= height and width >= _SHORTEST_PT:
            yield Rule(True, (box[1] + box[3]) / 2, box[0], box[2])
        elif height > width and height >= _SHORTEST_PT:
            yield Rule(False, (box[0] + box[2]) / 2, box[1], box[3])
        return
    count = raw.FPDFPath_CountSegments(item)
    if 2 <= count <= _MAX_SEGMENTS:
        yield from _segment_edges(item, count, _times(_matrix(item), outer))


def _turned(box: Box, m: Matrix) -> Box:
    a, b = _apply(m, box[0], box[1]), _apply(m, box[2], box[3])
    return (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))


def _segment_edges(item: Any, count: int, m: Matrix) -> Iterator[Rule]:
    x, y = ctypes.c_float(), ctypes.c_float()
    start = last = (0.0, 0.0)
    for i in range(count):
        segment = raw.FPDFPath_GetPathSegment(item, i)
        if not raw.FPDFPathSegment_GetPoint(segment, x, y):
            return
        point = _apply(m, x.value, y.value)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == raw.FPDF_SEGMENT_LINETO:
            yield from _straight(last, point)
        if raw.FPDFPathSegment_GetClose(segment):
            yield from _straight(point, start)
        last = point


def _straight(a: tuple[float, float], b: tuple[float, float]) -> Iterator[Rule]:
    dx, dy = abs(a[0] - b[0]), abs(a[1] - b[1])
    if dy <= 0.5 and dx >= _SHORTEST_PT:
        yield Rule(True, (a[1] + b[1]) / 2, min(a[0], b[0]), max(a[0], b[0]))
    elif dx <= 0.5 and dy >= _SHORTEST_PT:
        yield Rule(False, (a[0] + b[0]) / 2, min(a[1], b[1]), max(a[1], b[1]))
