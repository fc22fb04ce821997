"""Cutting: one stretch of text in parts that are within the limit, at the best places there are.

Rows of a table, lines of code, or sentences; then words; then graphemes; code points only where one grapheme alone
is over the limit. The work is linear in the text: no more than about twice a part is ever counted to find its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import regex

from docalign.counting import Counter
from docalign.errors import UsageError

__all__ = ["Cutter", "first_grapheme", "first_word", "grapheme_end"]

_SENTENCE: Final = re.compile(r"[.!?…;。！？][\"'”’»)\]]*\s+|\n+")
_LINE: Final = re.compile(r"\n+")
_WORD: Final = re.compile(r"\s+")
_NOT_SPACE: Final = re.compile(r"\s*\S+")
_GRAPHEME: Final = regex.compile(r"\X")
_CHARS_PER_TOKEN: Final = 4
"""A first guess at how much text fills the limit."""


class Cutter:
    """Cuts stretches of one text; `count` is text → tokens."""

    def __init__(self, text: str, count: Counter, limit: int) -> None:
        self.text, self.limit = text, limit
        self._count = count

    def count(self, start: int, end: int) -> int:
        """Tokens of `text[start:end]`."""
        return self._count(self.text[start:end])

    def fits(self, start: int, end: int) -> bool:
        """Whether `text[start:end]` is within the limit."""
        return self.count(start, end) <= self.limit

    def cut(
        self,
        start: int,
        end: int,
        *,
        rows: bool | Sequence[int],
        above: int | None = None,
        enough: int = 0,
    ) -> list[tuple[int, int, int]]:
        """Parts `(start, end, tokens)` of `text[start:end]`, each within the limit.

        Args:
            rows: cut at line ends before sentences; or where rows are known to start, in order.
            above: the first part must also fit together with the text from here on.
            enough: an end of the first part that is known to do so.

        Raises:
            UsageError: a single character has more tokens than the limit.
        """

        def alone(b: int) -> bool:
            return self.fits(position, b)

        def behind(b: int) -> bool:
            return self.fits(start, b) and self.fits(above or 0, b)

        parts: list[tuple[int, int]] = []
        position = start
        for piece_end in _pieces(self.text, start, end, rows=rows):
            while position < piece_end:
                stop: int | None
                if above is not None and not parts:
                    # A grapheme that fits by itself is not divided to fit behind a heading.
                    stop = self._longest(position, piece_end, behind, (_words, _graphemes)) or enough
                else:
                    stop = self._longest(position, piece_end, alone, (_words, _graphemes, _code_points))
                if stop is None:
                    raise UsageError(
                        f"one character ({self.text[position]!r} at {position}) has more tokens than the limit of "
                        f"{self.limit}.",
                        remedy="Raise --max-tokens.",
                    )
                parts.append((position, stop))
                position = stop
        return [(a, b, self.count(a, b)) for a, b in parts]

    def _longest(
        self,
        start: int,
        end: int,
        fits: Callable[[int], bool],
        kinds: tuple[Callable[[str, int, int], Iterator[int]], ...],
    ) -> int | None:
        """The end of the longest part from `start` on that fits: the whole, or up to an offset of the first kind that
        has a fitting one; None when none has."""
        over = self._first_over(start, end, fits)
        if over is None:
            return end
        for offsets in kinds:
            stop = _furthest(offsets(self.text, start, over), fits)
            if stop is not None:
                return stop
        return None

    def _first_over(self, start: int, end: int, fits: Callable[[int], bool]) -> int | None:
        """An end that does not fit, at most about twice as far as one that does; None when all of it fits."""
        width = _CHARS_PER_TOKEN * self.limit
        while start + width < end:
            if not fits(start + width):
                return start + width
            width *= 2
        return None if fits(end) else end


def first_word(text: str, start: int, end: int) -> int:
    """Where the first word of `text[start:end]` ends (the end, where there is none)."""
    match = _NOT_SPACE.match(text, start, end)
    return match.end() if match else end


def first_grapheme(text: str, start: int, end: int) -> int:
    """Where the first grapheme of `text[start:end]` ends."""
    match = _GRAPHEME.match(text, start, end)
    return int(match.end()) if match else end


def grapheme_end(text: str, offset: int) -> int:
    """`offset`, or the end of the grapheme that begins with the character before it and goes on behind it."""
    match = _GRAPHEME.match(text, offset - 1)
    return max(offset, int(match.end())) if match else offset


def _furthest(offsets: Iterator[int], fits: Callable[[int], bool]) -> int | None:
    """The last offset that fits, taking it that none does behind one that does not.

    Offsets are tried 1, 2, 4, … apart, then halved between: the work is linear in the text that is cut.
    """
    good: int | None = None
    pending: list[int] = []
    step = 1
    for offset in offsets:
        pending.append(offset)
        if len(pending) < step:
            continue
        if not fits(offset):
            pending.pop()
            break
        good, pending, step = offset, [], step * 2
    low, high = 0, len(pending)
    while low < high:
        middle = (low + high) // 2
        if fits(pending[middle]):
            good, low = pending[middle], middle + 1
        else:
            high = middle
    return good


def _pieces(text: str, start: int, end: int, *, rows: bool | Sequence[int]) -> Iterator[int]:
    """Ends of the natural pieces of a stretch: rows of a table, lines of code, sentences of anything else."""
    if not isinstance(rows, bool):
        yield from (at for at in rows if start < at < end and _between_graphemes(text, at))
        yield end
        return
    for match in (_LINE if rows else _SENTENCE).finditer(text, start, end):
        if start < match.end() < end and _between_graphemes(text, match.end()):
            yield match.end()
    yield end


def _words(text: str, start: int, end: int) -> Iterator[int]:
    """Offsets after each run of white space."""
    for match in _WORD.finditer(text, start, end):
        if match.end() < end and _between_graphemes(text, match.end()):
            yield match.end()


def _between_graphemes(text: str, offset: int) -> bool:
    """Whether a grapheme ends at `offset`, which stands behind white space: CR LF, or a space that carries a mark, is
    one grapheme. What stands before white space never joins with what stands behind it, so two characters decide."""
    match = _GRAPHEME.match(text, offset - 1, offset + 1)
    return match is not None and match.end() == offset


def _graphemes(text: str, start: int, end: int) -> Iterator[int]:
    for match in _GRAPHEME.finditer(text, start, end):
        yield match.end()


def _code_points(_: str, start: int, end: int) -> Iterator[int]:
    """The last resort: one grapheme may hold any number of code points, and the limit is a limit."""
    yield from range(start + 1, end + 1)
