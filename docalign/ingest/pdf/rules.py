"""What could draw a table on a PDF page: straight horizontal and vertical edges, and filled rectangles.

Read from PDFium's page objects, which are parsed already: a few microseconds an object, where a second parser would
cost tens of milliseconds a page. Curves, slanted lines, clip paths and white fills are left out.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Final

import pypdfium2.raw as raw

from docalign.ingest.tables.drawing import Drawing, Rule, Shade

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pypdfium2 as pdfium

    from docalign.document import Box

__all__ = ["read_drawing"]

_THIN_PT: Final = 3.0
_SHORTEST_PT: Final = 4.0
_MAX_OBJECTS: Final = 20_000
_MAX_SEGMENTS: Final = 2_000
_MAX_DEPTH: Final = 4
_WHITE: Final = 250

Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def read_drawing(page: pdfium.PdfPage, left: float, top: float) -> Drawing:
    """The page's edges and filled rectangles; nothing where the page has far too many objects.

    Boxes are measured from the page's top-left corner, which is at (left, top) in the file's coordinates.
    """
    count = raw.FPDFPage_CountObjects(page)
    if not 0 < count <= _MAX_OBJECTS:
        return Drawing()
    items = (raw.FPDFPage_GetObject(page, i) for i in range(count))
    found = [thing for item in items for thing in _things(item, _IDENTITY, 0)]

    def move(box: Box) -> Box:
        return (box[0] - left, top - box[3], box[2] - left, top - box[1])

    rules = tuple(thing for thing in found if isinstance(thing, Rule))
    return Drawing(rules, tuple(thing for thing in found if isinstance(thing, Shade))).moved(move)


def _things(item: Any, outer: Matrix, depth: int) -> Iterator[Rule | Shade]:
    """Rules and shades in PDF coordinates: boxes as left, bottom, right, top."""
    kind = raw.FPDFPageObj_GetType(item)
    if kind == raw.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
        inner = _times(_matrix(item), outer)
        for i in range(min(_MAX_OBJECTS, max(0, raw.FPDFFormObj_CountObjects(item)))):
            yield from _things(raw.FPDFFormObj_GetObject(item, i), inner, depth + 1)
    elif kind == raw.FPDF_PAGEOBJ_PATH:
        stroked, colour = _paint(item)
        if stroked or colour is not None:
            yield from _path_things(item, outer, stroked, colour)


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


def _paint(item: Any) -> tuple[bool, int | None]:
    """Whether a path's outline is drawn, and the colour it is filled with (None: not, or white)."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if not raw.FPDFPath_GetDrawMode(item, fill, stroke):
        return False, None
    if not fill.value:
        return bool(stroke.value), None
    red, green, blue, alpha = (ctypes.c_uint(0) for _ in range(4))
    raw.FPDFPageObj_GetFillColor(item, red, green, blue, alpha)
    if alpha.value == 0 or min(red.value, green.value, blue.value) >= _WHITE:
        return bool(stroke.value), None
    return bool(stroke.value), red.value << 16 | green.value << 8 | blue.value


def _path_things(item: Any, outer: Matrix, stroked: bool, colour: int | None) -> Iterator[Rule | Shade]:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not raw.FPDFPageObj_GetBounds(item, left, bottom, right, top):
        return
    box = _turned((left.value, bottom.value, right.value, top.value), outer)
    width, height = box[2] - box[0], box[3] - box[1]
    if min(width, height) <= _THIN_PT:
        # A line, or a rectangle so thin that it is drawn for one.
        if width >= height and width >= _SHORTEST_PT:
            yield _flat((box[1] + box[3]) / 2, box[0], box[2])
        elif height > width and height >= _SHORTEST_PT:
            yield _upright((box[0] + box[2]) / 2, box[1], box[3])
        return
    count = raw.FPDFPath_CountSegments(item)
    if not 2 <= count <= _MAX_SEGMENTS:
        return
    edges = list(_segment_edges(item, count, _times(_matrix(item), outer)))
    shaded = colour is not None and _is_rectangle(edges, box)
    if colour is not None and shaded:
        yield Shade(box, colour)
    if stroked or not shaded:
        yield from edges


def _is_rectangle(edges: list[Rule], box: Box) -> bool:
    """Whether the straight edges of a path are the four sides of its bounding box, each drawn at least once."""
    sides = ((box[0], False), (box[2], False), (box[1], True), (box[3], True))
    met = {(at, flat) for at, flat in sides for e in edges if e.horizontal == flat and abs(_at(e) - at) < 1}
    return len(met) == len(set(sides)) and all(
        any(e.horizontal == flat and abs(_at(e) - at) < 1 for at, flat in sides) for e in edges
    )


def _at(edge: Rule) -> float:
    return edge.box[1 if edge.horizontal else 0]


def _flat(at: float, low: float, high: float) -> Rule:
    return Rule((low, at, high, at), True)


def _upright(at: float, low: float, high: float) -> Rule:
    return Rule((at, low, at, high), False)


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
        yield _flat((a[1] + b[1]) / 2, min(a[0], b[0]), max(a[0], b[0]))
    elif dx <= 0.5 and dy >= _SHORTEST_PT:
        yield _upright((a[0] + b[0]) / 2, min(a[1], b[1]), max(a[1], b[1]))
