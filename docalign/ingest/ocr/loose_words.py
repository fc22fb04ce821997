"""Words an engine closed up although the page shows a space: a number and a letter, as in the `13 A` of a table.

Recognisers know that digits and letters often stand together and join them even where there is white between. The page
decides: a gap between a digit and a letter that is as wide as a space and much wider than every other gap of the word
parts it. Only words that mix the two are looked at. It joins nothing and changes no character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from docalign.ingest.ocr.engine import OcrWord

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["part_loose_words"]

_BORDER: Final = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
_SPACE: Final = 0.2
"""Of the line's type height; printed spaces begin there, gaps between a digit and a letter end at 0.16."""
_WIDER: Final = 2.2
"""Times the widest other gap of the word: type of one width has wide gaps everywhere."""


def part_loose_words(words: Iterable[OcrWord], image: Image) -> list[OcrWord]:
    """The words of a grey image, those parted that show a space between digit and letter; boxes in its pixels."""
    return [part for word in words for part in _parts(word, image)]


def _parts(word: OcrWord, image: Image) -> Iterator[OcrWord]:
    borders = [] if word.turn else [found.start() for found in _BORDER.finditer(word.text)]
    gap = _space_at(word, image, borders) if borders and len(word.text) > 2 else None
    if gap is None:
        yield word
        return
    at, left, right = gap
    x0, y0, x1, y1 = word.box
    yield replace(word, text=word.text[:at], box=(x0, y0, left, y1))
    yield replace(word, text=word.text[at:], box=(right, y0, x1, y1))


def _space_at(word: OcrWord, image: Image, borders: list[int]) -> tuple[int, float, float] | None:
    """The index of the character after the space, and where the space begins and ends; None where there is none.

    Gaps are told apart only where no two characters touch: then there is one less than characters.
    """
    x0, y0, x1, y1 = (round(v) for v in word.box)
    pixels = np.asarray(image.crop((x0, y0, x1, y1)))
    inked = (pixels < (int(pixels.min()) + int(pixels.max())) / 2).any(axis=0)
    columns = np.flatnonzero(inked)
    steps = np.diff(columns)
    begins = np.flatnonzero(steps > 1)
    if len(begins) != len(word.text) - 1:
        return None
    widths = steps[begins] - 1
    widest = int(np.argmax(widths))
    others = np.delete(widths, widest)
    if widest + 1 not in borders or widths[widest] < max(_SPACE * word.line_height, _WIDER * float(others.max())):
        return None
    left = x0 + float(columns[begins[widest]]) + 1
    return widest + 1, left, left + float(widths[widest])
