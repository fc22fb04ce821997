"""Atoms: a document's text in pieces that always have a legal segmentation.

Atoms tile the text. An atom is a block with the white space behind it, or a part of a block that does not fit the
limit together with the heading run above it: table rows and lines of code first, then sentences, words, graphemes.
So every atom is within the limit, and a heading run always fits with something of what follows it (unless the run
itself is too long: then the limit wins).

It knows no model: `solve.py` decides which atoms start a chunk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import regex

from docalign.counting import Counter
from docalign.document import Block, Document
from docalign.errors import UsageError

__all__ = ["AVOIDABLE", "UNAVOIDABLE", "Atom", "atoms_of", "orphan_weights"]

AVOIDABLE: Final = 1000.0
UNAVOIDABLE: Final = 1.0

_SENTENCE: Final = re.compile(r"[.!?…;。！？][\"'”’»)\]]*\s+|\n+")
_LINE: Final = re.compile(r"\n+")
_WORD: Final = re.compile(r"\s+")
_GRAPHEME: Final = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Atom:
    """`text[start:end]`, counted. `block` is None for text that belongs to no block (white space only)."""

    start: int
    end: int
    tokens: int
    block: int | None
    opens_block: bool
    heading: bool
    """An uncut heading."""


def atoms_of(document: Document, count: Counter, max_tokens: int | None) -> list[Atom]:
    """The atoms of a document, tiling its text; empty for an empty text.

    Args:
        count: text → tokens.
        max_tokens: the limit, or None for none (then an atom is a block).

    Raises:
        UsageError: a single character has more tokens than the limit.
    """
    atoms: list[Atom] = []
    run: list[Atom] = []  # the headings directly above
    for start, end, block in _units(document):
        tokens = count(document.text[start:end])
        heading = block is not None and block.kind == "heading"
        above = [] if heading or max_tokens is None else _suffix_with_room(run, max_tokens)
        taken = sum(a.tokens for a in above)
        if max_tokens is None or (tokens + taken <= max_tokens and _fits(document, above, end, count, max_tokens)):
            made = [Atom(start, end, tokens, block.id if block else None, True, heading)]
        else:
            cutter = _Cutter(document.text, count, max_tokens)
            spans = cutter.cut(start, end, block, above[0].start if above else start, taken)
            made = [Atom(a, b, n, block.id if block else None, i == 0, False) for i, (a, b, n) in enumerate(spans)]
        atoms += made
        run = [*run, made[0]] if made[0].heading else []
    return atoms


def _units(document: Document) -> Iterator[tuple[int, int, Block | None]]:
    """`(start, end, block)`: each block with what stands between it and the next; the first from 0 on."""
    if not document.blocks:
        if document.text:
            yield 0, len(document.text), None
        return
    edges = [0, *(b.start for b in document.blocks[1:]), len(document.text)]
    for (start, end), block in zip(pairwise(edges), document.blocks, strict=True):
        yield start, end, block


def _suffix_with_room(run: Sequence[Atom], max_tokens: int) -> list[Atom]:
    """The longest end of a heading run that leaves room for at least one token under the limit."""
    kept: list[Atom] = []
    for atom in reversed(run):
        if sum(a.tokens for a in kept) + atom.tokens >= max_tokens:
            break
        kept.insert(0, atom)
    return kept


def _fits(document: Document, above: Sequence[Atom], end: int, count: Counter, max_tokens: int) -> bool:
    """Whether run and block really fit: counts of parts need not add up to the count of the whole."""
    return not above or count(document.text[above[0].start : end]) <= max_tokens


class _Cutter:
    """Cuts one stretch of text so that every part is within the limit."""

    def __init__(self, text: str, count: Counter, limit: int) -> None:
        self._text, self._count, self._limit = text, count, limit

    def cut(
        self, start: int, end: int, block: Block | None, run_start: int, taken: int
    ) -> list[tuple[int, int, int]]:
        """Parts `(start, end, tokens)` of `text[start:end]`; the first also fits behind the run from `run_start` on,
        which holds `taken` tokens."""

        def behind_run(a: int, b: int) -> int:
            return max(taken + self._count(self._text[a:b]), self._count(self._text[run_start:b]))

        def alone(a: int, b: int) -> int:
            return self._count(self._text[a:b])

        spans: list[tuple[int, int]] = []
        position = start
        for piece_end in _pieces(self._text, start, end, block):
            while position < piece_end:
                first = not spans and taken
                stop = self._within(position, piece_end, behind_run if first else alone)
                if stop is None and first:
                    # Not even one grapheme fits behind this run: the limit wins, the run stays alone.
                    stop = self._within(position, piece_end, alone)
                if stop is None:
                    raise UsageError(
                        f"one character ({self._text[position]!r} at {position}) has more tokens than the limit of "
                        f"{self._limit}.",
                        remedy="Raise --max-tokens.",
                    )
                spans.append((position, stop))
                position = stop
        return [(a, b, self._count(self._text[a:b])) for a, b in spans]

    def _within(self, start: int, end: int, size: Callable[[int, int], int]) -> int | None:
        """The end of the longest part from `start` on that is within the limit: whole, or at words, graphemes,
        code points; None when not even one code point is."""
        if size(start, end) <= self._limit:
            return end
        for offsets in (_words, _graphemes, _code_points):
            stop = self._furthest(start, offsets(self._text, start, end), size)
            if stop is not None:
                return stop
        return None

    def _furthest(self, start: int, offsets: Iterator[int], size: Callable[[int, int], int]) -> int | None:
        """The last offset whose part is within the limit, looking no further than about twice the part.

        Offsets are tried 1, 2, 4, … apart, then halved between: the work is linear in the text that is cut.
        """
        good: int | None = None
        pending: list[int] = []
        step = 1
        for offset in offsets:
            pending.append(offset)
            if len(pending) < step:
                continue
            if size(start, offset) > self._limit:
                break
            good, pending, step = offset, [], step * 2
        low, high = 0, len(pending)
        while low < high:
            middle = (low + high) // 2
            if size(start, pending[middle]) <= self._limit:
                good, low = pending[middle], middle + 1
            else:
                high = middle
        return good


def _pieces(text: str, start: int, end: int, block: Block | None) -> Iterator[int]:
    """Ends of the natural pieces of a block: rows of a table, lines of code, sentences of anything else."""
    pattern = _LINE if block is not None and block.kind in ("table", "code") else _SENTENCE
    for match in pattern.finditer(text, start, end):
        if start < match.end() < end:
            yield match.end()
    yield end


def _words(text: str, start: int, end: int) -> Iterator[int]:
    """Offsets after each run of white space, a grapheme never divided (CR LF, a space with a mark)."""
    for match in _WORD.finditer(text, start, end):
        if match.end() < end and not regex.match(r"\p{M}|\u200d", text[match.end()]):
            yield match.end()


def _graphemes(text: str, start: int, end: int) -> Iterator[int]:
    for match in _GRAPHEME.finditer(text, start, end):
        yield match.end()


def _code_points(text: str, start: int, end: int) -> Iterator[int]:
    """The last resort: one grapheme may hold any number of code points, and the limit is a limit."""
    yield from range(start + 1, end + 1)


def orphan_weights(atoms: Sequence[Atom], max_tokens: int | None) -> list[float]:
    """What a cut before each atom costs in orphan headings: AVOIDABLE, UNAVOIDABLE (in a run too long) or 0."""
    weights = [0.0] * len(atoms)
    i = 0
    while i < len(atoms):
        first = i
        while i < len(atoms) and atoms[i].heading:
            i += 1
        if i > first:
            whole = sum(a.tokens for a in atoms[first : i + 1])
            inside = AVOIDABLE if max_tokens is None or whole <= max_tokens else UNAVOIDABLE
            for j in range(first + 1, i):
                weights[j] = inside
            if i < len(atoms):
                weights[i] = AVOIDABLE
        i += 1
    return weights
