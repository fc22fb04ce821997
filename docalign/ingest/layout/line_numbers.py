"""Line numbers in the margin (pleadings, depositions, manuscripts, source listings): furniture, never in a sentence.

They are whole numbers in a narrow strip outside the text, counting down the page by ones or fives. Extractors deliver
them as pieces of their own or as the first word of a line, so this module also cuts them off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.rows import Row, Sheet, make_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from docalign.ingest.page import Word

__all__ = ["part_line_numbers"]

_MIN_NUMBERS: Final = 5
_STRIP_EM: Final = 2.0
"""Width of the strip that the numbers of a page share, in their size."""
_APART_EM: Final = 0.7
"""White space between a number and its line, in sizes."""
_COVERED: Final = 0.35
"""The numbers reach over at least this share of the page's text, from top to bottom."""
_COUNTING: Final = 0.7
"""Share of neighbours that differ by one step; what is left is for numbers that OCR misread."""
_EVEN: Final = 0.25
_TEXT_WORDS: Final = 3
"""Words a line beside the numbers, on average."""


@dataclass(frozen=True, slots=True)
class _Number:
    row: Row
    word: Word
    value: int


def part_line_numbers(sheets: Sequence[Sheet]) -> tuple[list[Sheet], list[list[Row]]]:
    """The sheets without their line numbers, and for each sheet these numbers as rows."""
    found = [_line_numbers(sheet) for sheet in sheets]
    parted = [_without(sheet, numbers) if numbers else sheet for sheet, numbers in zip(sheets, found, strict=True)]
    rows = [[make_row(n.row.page, [n.word], n.row.rank, ocr=n.row.ocr) for n in numbers] for numbers in found]
    return parted, rows


def _line_numbers(sheet: Sheet) -> list[_Number]:
    """The line numbers of a page, from top to bottom; none where it has none."""
    if len(sheet.rows) < _MIN_NUMBERS:
        return []
    for last in (False, True):  # the left margin, then the right one
        numbers = _in_strip(list(_candidates(sheet, last=last)))
        if (
            len(numbers) >= _MIN_NUMBERS
            and _counts(numbers)
            and _is_even(numbers)
            and _is_margin(numbers, sheet, last=last)
        ):
            return numbers
    return []


def _candidates(sheet: Sheet, *, last: bool) -> Iterator[_Number]:
    for row in sheet.rows:
        word = row.words[-1 if last else 0]
        near = row.words[-2:] if last else row.words[:2]
        if len(near) == 2 and near[1].box[0] - near[0].box[2] < _APART_EM * max(word.size, 1.0):
            continue
        if word.text.isascii() and word.text.isdigit() and len(word.text) <= 3:
            yield _Number(row, word, int(word.text))


def _in_strip(numbers: Sequence[_Number]) -> list[_Number]:
    """The numbers whose left or right sides share a vertical line, from top to bottom."""
    best: list[_Number] = []
    for side in (0, 2) if numbers else ():
        middle = median(n.word.box[side] for n in numbers)
        width = _STRIP_EM * max(1.0, median(n.word.size for n in numbers))
        near = [n for n in numbers if abs(n.word.box[side] - middle) < width / 2]
        best = max(best, near, key=len)
    return sorted(best, key=lambda n: n.row.middle)


def _counts(numbers: Sequence[_Number]) -> bool:
    """Whether the values grow down the page by one step: 1, 2, 3 or 5, 10, 15."""
    steps = [b.value - a.value for a, b in pairwise(numbers)]
    usual = max(set(steps), key=lambda s: (steps.count(s), -s))
    return usual in (1, 5) and steps.count(usual) >= _COUNTING * len(steps)


def _is_even(numbers: Sequence[_Number]) -> bool:
    """Whether the numbers stand at equal distances, as the chapters of a table of contents do not."""
    steps = [b.row.middle - a.row.middle for a, b in pairwise(numbers)]
    usual = median(steps)
    return sum(abs(step - usual) < _EVEN * max(usual, 1.0) for step in steps) >= _COUNTING * len(steps)


def _is_margin(numbers: Sequence[_Number], sheet: Sheet, *, last: bool) -> bool:
    """Whether all text keeps off the numbers' strip, they reach down most of it, and it is sentences."""
    own = {id(n.word) for n in numbers}
    words = [w for r in sheet.rows for w in r.words if id(w) not in own]
    top, bottom = numbers[0].row.box[1], numbers[-1].row.box[3]
    beside = [w for w in words if top - 2 < (w.box[1] + w.box[3]) / 2 < bottom + 2]
    if not beside or not words:
        return False
    x0, x1 = min(n.word.box[0] for n in numbers), max(n.word.box[2] for n in numbers)
    inside = sum(w.box[0] < x1 and w.box[2] > x0 for w in beside)
    beyond = sum(w.box[0] >= x1 if last else w.box[2] <= x0 for w in beside)
    if inside + beyond > 0.03 * len(beside):
        return False
    height = max(w.box[3] for w in words) - min(w.box[1] for w in words)
    return bottom - top >= _COVERED * height and _is_prose(beside, sheet, top, bottom, len(numbers))


def _is_prose(words: Sequence[Word], sheet: Sheet, top: float, bottom: float, lines: int) -> bool:
    """Whether what stands beside the numbers is sentences: neither a table nor a list of contents."""
    figures = sum(any(map(str.isdigit, w.text)) for w in words)
    rows = [r for r in sheet.rows if top - 2 < r.middle < bottom + 2]
    first = [next((w for w in r.words if not w.text.isdigit()), r.words[0]) for r in rows]
    going_on = sum(w.text[:1].islower() for w in first)
    return len(words) >= _TEXT_WORDS * lines and figures < 0.3 * len(words) and going_on >= max(2, 0.12 * lines)


def _without(sheet: Sheet, numbers: Sequence[_Number]) -> Sheet:
    cut = {id(n.row): n.word for n in numbers}
    rows: list[Row] = []
    for row in sheet.rows:
        rest = [w for w in row.words if w is not cut.get(id(row))]
        if len(rest) == len(row.words):
            rows.append(row)
        elif rest:
            rows.append(make_row(row.page, rest, row.rank, ocr=row.ocr, role=row.role))
    return replace(sheet, rows=tuple(rows))
