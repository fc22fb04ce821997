"""The lines an engine passed over, read one by one and put where they belong among the others.

Only what the engine is sure of comes in: a place that turns out to be dirt stays unread, as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageOps

from docalign.ingest.layout.frame import union
from docalign.ingest.ocr.check import check_words
from docalign.ingest.ocr.engine import LineEngine, OcrEngine, OcrWord, PixelBox
from docalign.ingest.ocr.leftovers import leftovers

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

__all__ = ["with_passed_over"]

_SURE: Final = 0.8
_ADVANCE: Final = 0.35
"""Of a line's height: letters that are narrower on the average were read into a stroke."""
_SMALL_PX: Final = 24.0
"""Lines lower than this are enlarged: the engine was trained on 36 pixels and more."""
_NEAR: Final = 3.0
"""Of a line's height: a line this near above or below another one is of its block."""
_PAPER: Final = 255


def with_passed_over(engine: OcrEngine, words: list[OcrWord], image: Picture, *, dpi: float) -> list[OcrWord]:
    """The words of a grey image with those of the lines that the engine passed over, if it reads single lines.

    Raises:
        OcrFailedError: the engine refused a line.
    """
    if not isinstance(engine, LineEngine):
        return words
    found = [_read(engine, box, image, dpi) for box in leftovers(words, image)]
    lines = [line for line in found if line]
    return _among(words, lines) if lines else words


def _read(engine: LineEngine, box: PixelBox, image: Picture, dpi: float) -> list[OcrWord]:
    """The words in a box; none where the engine is not sure of all of them."""
    high = box[3] - box[1]
    margin = high / 2
    x0, y0 = max(0, round(box[0] - margin)), max(0, round(box[1] - margin))
    x1, y1 = min(image.width, round(box[2] + margin)), min(image.height, round(box[3] + margin))
    scale = max(1, round(_SMALL_PX / high)) if high < _SMALL_PX else 1
    crop = image.crop((x0, y0, x1, y1))
    if scale > 1:
        crop = crop.resize((crop.width * scale, crop.height * scale), Image.Resampling.LANCZOS)
    border = round(margin * scale)
    crop = ImageOps.expand(crop, border, _PAPER)
    words = check_words(engine.recognise_line(crop, dpi=dpi * scale), crop.size)
    letters = sum(len(word.text) for word in words)
    known = any(c.isalnum() for word in words for c in word.text)
    if not known or min(w.confidence for w in words) < _SURE or box[2] - box[0] < _ADVANCE * high * letters:
        return []
    return [
        replace(
            word,
            box=(
                x0 + (word.box[0] - border) / scale,
                y0 + (word.box[1] - border) / scale,
                x0 + (word.box[2] - border) / scale,
                y0 + (word.box[3] - border) / scale,
            ),
            turn=0,
        )
        for word in words
    ]


def _among(words: Sequence[OcrWord], lines: Sequence[list[OcrWord]]) -> list[OcrWord]:
    """The words in the engine's order, each line put in the block that it continues, else before what is below."""
    height = median(word.line_height for word in words)
    placed = [(union(w.box for w in group), group) for group in (list(g) for _, g in groupby(words, key=_line_of))]
    waiting = [(union(w.box for w in line), line) for line in lines]
    new_block = max(word.block for word in words)
    number = max(word.line for word in words)
    while waiting:
        # The one that continues a block comes first: it may be what the next one continues.
        joined = next(((item, at) for item in waiting if (at := _neighbour(item[0], placed, height)) is not None), None)
        (box, line), at = joined or (waiting[0], None)
        waiting = [item for item in waiting if item[1] is not line]
        number += 1
        if at is None:
            new_block += 1
            block = paragraph = new_block
            at = next((n for n, (other, _) in enumerate(placed) if other[1] >= box[3] and _beside(box, other)), None)
            at = len(placed) if at is None else at
        else:
            block, paragraph = placed[at][1][0].block, placed[at][1][0].paragraph
            at += placed[at][0][1] < box[1]
        words_here = [replace(word, block=block, paragraph=paragraph, line=number, line_height=height) for word in line]
        placed.insert(at, (union(w.box for w in words_here), words_here))
    return [word for _, line in placed for word in line]


def _line_of(word: OcrWord) -> tuple[int, int, int]:
    return word.block, word.paragraph, word.line


def _beside(box: PixelBox, other: PixelBox) -> bool:
    return min(box[2], other[2]) > max(box[0], other[0])


def _neighbour(box: PixelBox, placed: Sequence[tuple[PixelBox, list[OcrWord]]], height: float) -> int | None:
    """The index of the nearest line right above or below, if it is near enough and about as wide."""
    near = []
    for at, (other, _) in enumerate(placed):
        gap = max(other[1] - box[3], box[1] - other[3])
        if _beside(box, other) and 0 <= gap <= _NEAR * height and other[2] - other[0] <= 2 * (box[2] - box[0]) + height:
            near.append((gap, at))
    return min(near)[1] if near else None
