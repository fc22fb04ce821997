"""Lines of print that an engine passed over: ink as high as the page's letters that lies in no word's box.

Tesseract's search for lines now and then drops a whole row under a rule, or the single digits of a column of numbers,
and no confidence tells. This finds such places; it reads nothing. What is higher or flatter than letters (pictures,
rules, specks, handwriting) is none of its business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING, Final

import numpy as np

from docalign.ingest.ocr.engine import OcrWord, PixelBox

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image

__all__ = ["leftovers"]

_ENOUGH_WORDS: Final = 20
"""A page with fewer tells too little about how high its letters are."""
_CELL: Final = 0.2
"""Of a letter's height: the grid ink is looked at in."""
_COVER: Final = 0.25
"""Of a letter's height: by so much more than its box a word covers."""
_HEIGHTS: Final = (0.6, 1.7)
_NARROW: Final = 0.3
"""Of its height: what is narrower is a stroke, not a digit."""
_FINE: Final = 20.0
"""Letters of so many pixels are still told from specks at half the resolution, which costs a quarter."""
_GAP: Final = 1.2
"""Of a letter's height: ink nearer than this in a row is of one line."""
_DENSITY: Final = (0.12, 0.75)
_DARK: Final = 0.6
"""Of the paper's brightness."""
_MOST: Final = 40
"""More places than this are a picture or dirt."""


def leftovers(words: Sequence[OcrWord], image: Image) -> list[PixelBox]:
    """Boxes in pixels, top to bottom, of what may be lines of print that none of the words of a grey image covers.

    Nothing where there are few words, or words that stand on their side.
    """
    if len(words) < _ENOUGH_WORDS or any(word.turn for word in words):
        return []
    height = median(word.box[3] - word.box[1] for word in words)
    scale = 2 if height >= _FINE else 1
    height /= scale
    ink = _free_ink(words, image, scale, round(_COVER * height))
    step = max(1, round(_CELL * height))
    rows, columns = ink.shape[0] // step, ink.shape[1] // step
    if not rows or not columns:
        return []
    grid = ink[: rows * step, : columns * step].reshape(rows, step, columns, step)
    cells: npt.NDArray[np.bool_] = np.any(grid, axis=(1, 3))
    parts = [box for group in _groups(cells) if (box := _letters(ink, group, step, height))]
    lines = _joined(parts, _GAP * height)
    found = [(float(x0), float(y0), float(x1), float(y1)) for x0, y0, x1, y1 in lines]
    return [tuple(scale * v for v in box) for box in found] if len(found) <= _MOST else []  # type: ignore[misc]


def _free_ink(words: Sequence[OcrWord], image: Image, scale: int, cover: int) -> npt.NDArray[np.bool_]:
    """Where the page, made smaller by `scale`, is dark and no word is."""
    pixels = np.asarray(image.reduce(scale) if scale > 1 else image)
    paper = float(np.percentile(pixels[::8, ::8], 90))
    ink: npt.NDArray[np.bool_] = pixels < paper * _DARK
    for word in words:
        x0, y0, x1, y1 = (round(v / scale) for v in word.box)
        ink[max(0, y0 - cover) : y1 + cover, max(0, x0 - cover) : x1 + cover] = False
    return ink


def _groups(cells: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int, int, int]]:
    """Boxes (first row, first column, and those after the last) of cells that touch, corners included."""
    open_cells = set(zip(*(axis.tolist() for axis in np.nonzero(cells)), strict=True))
    while open_cells:
        first = open_cells.pop()
        waiting, found = [first], [first]
        while waiting:
            row, column = waiting.pop()
            for near in ((row + r, column + c) for r in (-1, 0, 1) for c in (-1, 0, 1)):
                if near in open_cells:
                    open_cells.discard(near)
                    waiting.append(near)
                    found.append(near)
        rows, columns = [r for r, _ in found], [c for _, c in found]
        yield min(rows), min(columns), max(rows) + 1, max(columns) + 1


def _letters(
    ink: npt.NDArray[np.bool_], group: tuple[int, int, int, int], step: int, height: float
) -> tuple[int, int, int, int] | None:
    """The box of a group of cells, if it looks like letters of that height."""
    y0, x0, y1, x1 = (step * at for at in group)
    part = ink[y0:y1, x0:x1]
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    part = part[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    high, wide = part.shape
    right_size = _HEIGHTS[0] * height <= high <= _HEIGHTS[1] * height and wide >= _NARROW * high
    if not (right_size and _DENSITY[0] <= float(part.mean()) <= _DENSITY[1]):
        return None
    x0, y0 = x0 + int(columns[0]), y0 + int(rows[0])
    return x0, y0, x0 + wide, y0 + high


def _joined(parts: Sequence[tuple[int, int, int, int]], gap: float) -> list[tuple[int, int, int, int]]:
    """Parts that stand in one row and close together as one."""
    lines: list[tuple[int, int, int, int]] = []
    for part in sorted(parts):
        for at, line in enumerate(lines):
            shared = min(part[3], line[3]) - max(part[1], line[1])
            if shared >= 0.5 * min(part[3] - part[1], line[3] - line[1]) and part[0] - line[2] <= gap:
                lines[at] = (line[0], min(line[1], part[1]), max(line[2], part[2]), max(line[3], part[3]))
                break
        else:
            lines.append(part)
    return sorted(lines, key=lambda box: (box[1], box[0]))
