"""The one border that everything an OCR engine says has to pass: what is slightly off is mended, nonsense is an error.

Engines are programs in C++ or neural networks; docalign's own code relies on what is checked here and checks no more.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from docalign.errors import OcrFailedError
from docalign.ingest.ocr.engine import OcrWord, PixelBox

__all__ = ["check_turn", "check_words"]

_MOST_WORDS: Final = 200_000
"""A page of a broadsheet newspaper has some 10,000."""
_MOST_LETTERS: Final = 20_000_000
_SLACK: Final = 0.02
"""By this share of the image's sides a box may stick out and is cut: engines pad their boxes."""
_REMEDY: Final = "The OCR engine may be broken: reinstall it, or try another."


def check_words(words: Iterable[OcrWord], size: tuple[int, int]) -> list[OcrWord]:
    """Words whose texts hold no white space and no control characters, whose boxes lie in an image of `size` pixels,
    and whose numbers are finite and in range.

    Raises:
        OcrFailedError: a box that is no box or lies elsewhere, a confidence that is no number, too many words.
    """
    checked: list[OcrWord] = []
    letters = 0
    for word in words:
        letters += len(word.text) if isinstance(word.text, str) else 0
        if len(checked) >= _MOST_WORDS or letters > _MOST_LETTERS:
            raise _nonsense(f"more than {_MOST_WORDS} words or {_MOST_LETTERS} letters on one page")
        checked.extend(_split(_mended(word, size)))
    return checked


def check_turn(said: tuple[int, float]) -> tuple[int, float]:
    """An engine's opinion about orientation; none at all (0, 0.0) if it is not one of the four."""
    turn, sure = said
    known = turn in (0, 90, 180, 270) and isinstance(sure, int | float) and math.isfinite(sure)
    return (int(turn), float(sure)) if known else (0, 0.0)


def _mended(word: OcrWord, size: tuple[int, int]) -> OcrWord:
    if not isinstance(word.text, str):
        raise _nonsense(f"a word that is a {type(word.text).__name__}")
    text = "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") and not c.isspace() else c for c in word.text)
    if not _finite(word.confidence):
        raise _nonsense(f"the confidence {word.confidence} for {text[:20]!r}")
    box = _inside(word.box, size, text)
    height = word.line_height if _finite(word.line_height) and word.line_height > 0 else box[3] - box[1]
    return replace(
        word,
        text=text,
        box=box,
        confidence=min(max(float(word.confidence), 0.0), 1.0),
        line_height=min(height, float(max(size))),
        turn=word.turn if word.turn in (0, 90, 180, 270) else 0,
    )


def _inside(box: PixelBox, size: tuple[int, int], text: str) -> PixelBox:
    """The box cut to the image, at least a pixel wide and high."""
    width, height = size
    if len(box) != 4 or not all(map(_finite, box)) or box[2] < box[0] or box[3] < box[1]:
        raise _nonsense(f"the box {box} for {text[:20]!r}")
    across, down = _SLACK * width + 1, _SLACK * height + 1
    if box[0] < -across or box[1] < -down or box[2] > width + across or box[3] > height + down:
        raise _nonsense(f"the box {box} for {text[:20]!r} on an image of {width} × {height} pixels")
    x0, y0 = (min(max(float(v), 0.0), side - 1.0) for v, side in zip(box[:2], size, strict=True))
    x1, y1 = (min(max(float(v), low + 1.0), float(side)) for v, low, side in zip(box[2:], (x0, y0), size, strict=True))
    return x0, y0, x1, y1


def _finite(value: float) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _split(word: OcrWord) -> Iterator[OcrWord]:
    """A word with white space inside as several, each with its share of the box; none for white space alone."""
    parts = word.text.split()
    if len(parts) <= 1:
        if parts:
            yield word if parts[0] == word.text else replace(word, text=parts[0])
        return
    x0, y0, x1, y1 = word.box
    step = (x1 - x0) / (sum(map(len, parts)) + len(parts) - 1)
    at = x0
    for part in parts:
        yield replace(word, text=part, box=(at, y0, min(at + step * len(part), x1), y1))
        at += step * (len(part) + 1)


def _nonsense(what: str) -> OcrFailedError:
    return OcrFailedError(f"the OCR engine answered nonsense: {what}.", remedy=_REMEDY)
