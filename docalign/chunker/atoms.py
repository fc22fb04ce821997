"""Atoms: a document's text in pieces that always have a legal segmentation.

Atoms tile the text. An atom is a block with the white space behind it, or a part of a block that does not fit the
limit together with the heading run above it: table rows and lines of code first, then sentences, words, graphemes.
So every atom is within the limit, and a heading run always fits with something of what follows it (unless the run
itself is too long: then the limit wins).

It knows no model: `solve.py` decides which atoms start a chunk. How a stretch is cut is in `cutting.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from docalign.chunker.cutting import Cutter, first_grapheme, first_word, grapheme_end
from docalign.counting import Counter
from docalign.document import Block, Document

__all__ = ["Atom", "atoms_of", "heading_runs"]


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


@dataclass(frozen=True, slots=True)
class _Unit:
    """A stretch to make atoms of; `opens` says whether it begins with the block's own text."""

    start: int
    end: int
    block: Block | None
    opens: bool

    @property
    def heading(self) -> bool:
        return self.opens and self.block is not None and self.block.kind == "heading"


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
    cutter = None if max_tokens is None else Cutter(document.text, count, max_tokens)
    for unit in _units(document):
        if cutter is None:
            made = [_atom(unit, unit.start, unit.end, count(document.text[unit.start : unit.end]))]
        elif unit.heading:
            made = _heading(unit, run, cutter)
        else:
            made = _body(unit, run, cutter)
        atoms += made
        if not made[-1].heading:
            run = []
        elif unit.heading:
            run.append(made[-1])
    return atoms


def heading_runs(atoms: Sequence[Atom]) -> Iterator[tuple[int, int]]:
    """`(first, end)` of each run of uncut headings with nothing between them; `end` is the atom behind the last."""
    first = None
    for i, atom in enumerate(atoms):
        if atom.heading and first is None:
            first = i
        elif not atom.heading and first is not None:
            yield first, i
            first = None
    if first is not None:
        yield first, len(atoms)


def _units(document: Document) -> Iterator[_Unit]:
    """Each block with what stands between it and the next; the first from 0 on."""
    blocks, text = document.blocks, document.text
    if not blocks:
        if text:
            yield _Unit(0, len(text), None, opens=False)
        return
    edges = [0, *(b.start for b in blocks[1:]), len(text)]
    for (start, end), block in zip(pairwise(edges), blocks, strict=True):
        yield _Unit(start, end, block, opens=True)


def _atom(unit: _Unit, start: int, end: int, tokens: int, *, opens: bool = True) -> Atom:
    return Atom(start, end, tokens, unit.block.id if unit.block else None, unit.opens and opens, unit.heading and opens)


def _heading(unit: _Unit, run: Sequence[Atom], cutter: Cutter) -> list[Atom]:
    """A heading stays whole where it can: white space that could make it too long is parted from it."""
    block = unit.block
    assert block is not None
    if unit.start < block.start:  # the document begins with white space
        before = _cut(unit, unit.start, block.start, cutter, opens=False)
        return [*before, *_heading(_Unit(block.start, unit.end, block, opens=True), run, cutter)]
    tokens = cutter.count(unit.start, unit.end)
    last = unit.end == len(cutter.text)
    if tokens <= cutter.limit and not (last and run and not cutter.fits(run[0].start, unit.end)):
        return [_atom(unit, unit.start, unit.end, tokens)]
    end = grapheme_end(cutter.text, block.end)
    own = cutter.count(block.start, end)
    if own > cutter.limit or end == unit.end:
        return _cut(unit, unit.start, unit.end, cutter)
    return [_atom(unit, unit.start, end, own), *_cut(unit, end, unit.end, cutter, opens=False)]


def _body(unit: _Unit, run: Sequence[Atom], cutter: Cutter) -> list[Atom]:
    """A block that is no heading: whole where it fits behind the run above it, else cut so that its beginning does."""
    above, enough = _suffix_with_room(unit, run, cutter)
    tokens = cutter.count(unit.start, unit.end)
    if tokens <= cutter.limit and (above is None or cutter.fits(above, unit.end)):
        return [_atom(unit, unit.start, unit.end, tokens)]
    return _cut(unit, unit.start, unit.end, cutter, above=above, enough=enough)


def _cut(
    unit: _Unit, start: int, end: int, cutter: Cutter, *, above: int | None = None, enough: int = 0, opens: bool = True
) -> list[Atom]:
    """The atoms of a stretch that has to be cut; none of them is a heading."""
    spans = cutter.cut(start, end, rows=_rows(unit), above=above, enough=enough)
    block = unit.block.id if unit.block else None
    return [Atom(a, b, n, block, unit.opens and opens and a == start, False) for a, b, n in spans]


def _rows(unit: _Unit) -> bool | list[int]:
    """Where the rows of a table start; where they are not known, whether lines are rows."""
    if unit.block is None:
        return False
    return [start for start, _ in unit.block.rows] or unit.block.kind in ("table", "code")


def _suffix_with_room(unit: _Unit, run: Sequence[Atom], cutter: Cutter) -> tuple[int | None, int]:
    """Where the longest end of a heading run begins that fits the limit with the first word (or, when no end does,
    the first grapheme) of what follows, and where that word ends; None when not even the last heading does."""
    near = _near(run, cutter.limit)
    if not near:
        return None, unit.start
    for find in (first_word, first_grapheme):
        enough = find(cutter.text, unit.start, unit.end)
        if not (cutter.fits(near[-1].start, enough) and cutter.fits(unit.start, enough)):
            continue
        low, high = 0, len(near) - 1  # `high` fits, everything below `low` does not
        while low < high:
            middle = (low + high) // 2
            if cutter.fits(near[middle].start, enough):
                high = middle
            else:
                low = middle + 1
        return near[high].start, enough
    return None, unit.start


def _near(run: Sequence[Atom], limit: int) -> Sequence[Atom]:
    """The end of a run that can matter: whole counts may be below the sum of the parts' counts, but not by half."""
    first, total = len(run), 0
    while first > 0 and total <= 2 * limit:
        first -= 1
        total += max(1, run[first].tokens)
    return run[first:]
