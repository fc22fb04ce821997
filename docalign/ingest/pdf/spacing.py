"""Spaces that the page shows and nobody meant: letterspaced words, and words that the file delivers in two pieces.

Works on the words of one line in the reading frame and only takes spaces away: no character changes or gets lost.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.frame import union

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docalign.ingest.page import Word

__all__ = ["close_up", "glue", "weld"]

_MIN_LETTERS: Final = 5
"""Fewer single letters in a row may be variables, initials or answers, unless more stand beside them."""
_WIDER: Final = 1.45
"""A gap this many times the usual one between letters parts two words."""
_APART_EM: Final = 0.9
"""Letters further apart than this stand in columns."""
_TOUCHING_EM: Final = 0.08
_GO_ON: Final = "-‐'’.,;:!?)]”\u00ad"


def close_up(words: Sequence[Word]) -> Sequence[Word]:
    """`H E A D I N G  O N E` as two words; anything else unchanged.

    A run of single letters is letterspaced unless it counts (`a b c d e`), repeats (`x x x x x`) or is set in fixed
    pitch, where every letter stands alone, or in italics, as variables are.
    """
    if sum(len(w.text) == 1 for w in words) < _MIN_LETTERS:
        return words
    runs = [(single, list(group)) for single, group in groupby(words, key=_is_letter)]
    if not any(single and len(run) >= _MIN_LETTERS and _is_spaced_out(run) for single, run in runs):
        return words
    closed = (_closed(run) if single and _is_spaced_out(run) else run for single, run in runs)
    return [word for part in closed for word in part]


def _is_letter(word: Word) -> bool:
    return len(word.text) == 1 and (word.text.isalpha() or word.text in "-‐") and not word.mono


def _is_spaced_out(run: Sequence[Word]) -> bool:
    letters = [w.text.lower() for w in run]
    if len({(w.size, w.bold) for w in run}) > 1 or run[0].italic:
        return False  # variables of a formula
    if len(set(letters)) < 3 or median(b.box[0] - a.box[2] for a, b in pairwise(run)) > _APART_EM * run[0].size:
        return False
    counting = sum(ord(b) - ord(a) == 1 for a, b in pairwise(letters))
    return counting < 0.5 * (len(letters) - 1) and max(letters) < "\u2e80"


def _closed(run: Sequence[Word]) -> list[Word]:
    gaps = [b.box[0] - a.box[2] for a, b in pairwise(run)]
    usual = median(gaps)
    wide = _WIDER * max(usual, 0.05 * run[0].size)
    parts = [[run[0]]]
    for gap, word in zip(gaps, run[1:], strict=True):
        if gap > wide:
            parts.append([])
        parts[-1].append(word)
    return [glue(part) for part in parts]


def weld(pieces: Sequence[Sequence[Word]]) -> list[Word]:
    """The words of pieces of one line, left to right; a piece that can only go on with a word and touches one does."""
    words = list(pieces[0])
    for piece in pieces[1:]:
        left, right = words[-1], piece[0]
        em = max(min(left.size, right.size), 1.0)
        goes_on = right.text[0] in _GO_ON or (right.text[0].islower() and min(len(left.text), len(right.text)) > 1)
        touching = (
            goes_on and abs(right.box[0] - left.box[2]) < _TOUCHING_EM * em and abs(left.size - right.size) < 0.1 * em
        )
        if touching and left.mono == right.mono:
            words[-1] = glue([left, right])
            words.extend(piece[1:])
        else:
            words.extend(piece)
    return words


def glue(words: Sequence[Word]) -> Word:
    """Several words as one, in their order, with the first one's look and the lowest confidence."""
    if len(words) == 1:
        return words[0]
    sure = [w.confidence for w in words if w.confidence is not None]
    return replace(
        words[0],
        text="".join(w.text for w in words),
        box=union(w.box for w in words),
        confidence=min(sure, default=None),
        hyphen=words[-1].hyphen,
    )
