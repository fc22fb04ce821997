"""The outline hint: where a rule that packs whole sections to the target would start chunks.

Where a chunk starts depends on sums of sizes (does the next section still fit?), which a language model is poor at
and a few lines of arithmetic are perfect at. So the prompt carries the opinion of two rules as a hint, and the model
reads the text to see where they are right. What it costs to leave the target to the solver alone was measured: with
perfect knowledge of the headings, boundary F1 on marked gold stays at .82 (`benchmarks/target_question.py`).

The rules are hints only: nothing here decides a boundary.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

__all__ = ["Section", "looks_like_heading", "pack", "pack_sections"]

_NO_LEVEL: Final = 9
_ENOUGH: Final = 0.6
"""A chunk that holds this share of the target takes no further section."""
_MAX_HEADING_WORDS: Final = 12
_ENDS_LIKE_TEXT: Final = re.compile(r"[.;:,!?]$")
_BEGINS_LIKE_HEADING: Final = re.compile(r"[A-Z0-9§(]")


@dataclass(frozen=True, slots=True)
class Section:
    """What a rule knows of a block: its tokens, and its heading level (None: no heading; 0: a heading of no level)."""

    tokens: int
    level: int | None


def looks_like_heading(text: str) -> bool:
    """At most 12 words, begins with a capital, a digit, § or (, and does not end like a sentence."""
    return (
        _BEGINS_LIKE_HEADING.match(text) is not None
        and _ENDS_LIKE_TEXT.search(text) is None
        and len(text.split(maxsplit=_MAX_HEADING_WORDS)) <= _MAX_HEADING_WORDS
    )


def pack(units: Sequence[Section], target: float) -> list[int]:
    """Starts when blocks are packed until the next one would go over the target."""
    starts, filled = [0] if units else [], 0
    for i, unit in enumerate(units):
        if filled and filled + unit.tokens > target:
            starts.append(i)
            filled = 0
        filled += unit.tokens
    return starts


def pack_sections(
    units: Sequence[Section], target: float, limit: float, *, opening_level: int | None = None
) -> list[int]:
    """Starts when whole leaf sections are packed to the target, and longer ones divided into even parts.

    A section joins the open chunk while both fit the target, it stands no higher in the outline than the chunk's
    first, and the chunk is under 0.6 × target. `opening_level` is the level of what stands before the first heading
    (None: below all).
    """
    if not units:
        return []
    sums = [0, *accumulate(u.tokens for u in units)]
    starts: list[int] = []
    filled, level_above = 0, 0
    for first, end in _leaf_sections(units):
        length, level = sums[end] - sums[first], units[first].level or (None if first else opening_level) or _NO_LEVEL
        if starts and filled + length <= target and level >= level_above and filled < _ENOUGH * target:
            filled += length
            continue
        starts.append(first)
        level_above, filled = level, length
        if length > limit:
            cuts = _even_cuts(units, first, end, sums, parts=-(-length // target))
            starts += cuts
            filled = sums[end] - sums[cuts[-1] if cuts else first]
    return starts


def _leaf_sections(units: Sequence[Section]) -> list[tuple[int, int]]:
    """`(first, end)` of the leaf sections: each begins at a heading that follows no heading."""
    heads = [i for i in range(1, len(units)) if units[i].level is not None and units[i - 1].level is None]
    return list(pairwise([0, *heads, len(units)]))


def _even_cuts(units: Sequence[Section], first: int, end: int, sums: Sequence[int], *, parts: float) -> list[int]:
    """Where to cut a section into about `parts` even parts: not after a heading, not just before its end."""
    part_tokens = (sums[end] - sums[first]) / parts
    cuts: list[int] = []
    begun = first
    for j in range(first + 1, end):
        enough = sums[j] - sums[begun] + units[j].tokens / 2 >= part_tokens
        if enough and units[j - 1].level is None and sums[end] - sums[j] > 0.4 * part_tokens:
            cuts.append(j)
            begun = j
    return cuts
