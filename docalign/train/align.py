"""Find the blocks of a source text again among the blocks of its ingested copy.

Gold boundaries are known on a source's own blocks; ingestion of a rendered or scanned copy merges and splits blocks,
misreads words and sets furniture aside. `align` matches the two word sequences in order and says for each source
block which ingested block starts at its place. It does not judge: callers drop copies whose quality is low.

Words that occur once on both sides anchor the match (longest increasing run); between anchors the search repeats on
what lies there, and difflib ends it on short stretches. So the cost is near linear in the words.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

from docalign.document import Document

__all__ = ["Alignment", "align"]

_SHORT: Final = 400
"""A stretch with at most this many words on its longer side goes to difflib."""
_ALIKE: Final = 0.6
"""Two unequal words match when at least this share of their characters does (OCR errors)."""
_LIKENESS_CELLS: Final = 900
"""Unmatched stretches with more word pairs than this are not compared word by word."""
_REACH: Final = 6
"""Words into a source block within which its first match must lie for its start to be trusted."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where source blocks start in the ingested document.

    `starts[i]` is the id of the ingested block that starts where source block i starts, or None when none does.
    `quality` is the share of words, of both sides together, that found their partner (0–1).
    """

    starts: tuple[int | None, ...]
    quality: float

    def carry(self, gold: Iterable[int]) -> tuple[tuple[int, ...], float]:
        """Gold starts as ingested block ids (the first always 0), and the share that could be placed (0–1).

        The first gold start counts as placed: a document begins where it begins.
        """
        wanted = [g for g in gold if g > 0]
        found = [at for at in (self.starts[g] for g in wanted) if at is not None]
        return tuple(sorted({0, *found})), (len(found) / len(wanted) if wanted else 1.0)


@dataclass(frozen=True, slots=True)
class _Words:
    """Normalised words, the block each belongs to, and the position of every block's first word."""

    words: tuple[str, ...]
    block: tuple[int, ...]
    first: tuple[int, ...]


def align(gold_texts: Sequence[str], document: Document) -> Alignment:
    """Align source block texts, in reading order, with an ingested document.

    Returns:
        One entry per source text. A block without letters or digits has no place (None).
    """
    gold = _words(gold_texts)
    found = _words([document.block_text(b) for b in document.blocks])
    match = _match(gold.words, found.words)
    placed = tuple(_start_of(i, gold, found, match) for i in range(len(gold_texts)))
    matched = sum(m is not None for m in match)
    total = len(gold.words) + len(found.words)
    return Alignment(placed, 2 * matched / total if total else 0.0)


def _start_of(index: int, gold: _Words, found: _Words, match: Sequence[int | None]) -> int | None:
    """The ingested block that starts where source block `index` does."""
    low, high = gold.first[index], gold.first[index + 1]
    near = [(k, at) for k, at in enumerate(match[low : min(high, low + _REACH)]) if at is not None]
    if not near:
        return None
    offset, position = near[0]
    block = found.block[position]
    ahead = position - found.first[block]
    before = next((m for m in reversed(match[:low][-_REACH * 8 :]) if m is not None), -1)
    # Words in front of the match that nobody claims (a printed number, a misread word) belong to this start; words
    # that the previous source block claims mean that its end and this start share an ingested block.
    return block if before < found.first[block] and ahead <= offset + 3 else None


def _words(texts: Sequence[str]) -> _Words:
    words: list[str] = []
    block: list[int] = []
    first = [0]
    for index, text in enumerate(texts):
        for word in text.split():
            plain = "".join(c for c in unicodedata.normalize("NFKC", word).casefold() if c.isalnum())
            if plain:
                words.append(plain)
                block.append(index)
        first.append(len(words))
    return _Words(tuple(words), tuple(block), tuple(first))


def _match(a: Sequence[str], b: Sequence[str]) -> list[int | None]:
    """For each word of `a` its partner's position in `b`, increasing, or None."""
    match: list[int | None] = [None] * len(a)
    todo = [(0, len(a), 0, len(b))]
    while todo:
        a0, a1, b0, b1 = todo.pop()
        while a0 < a1 and b0 < b1 and a[a0] == b[b0]:
            match[a0] = b0
            a0, b0 = a0 + 1, b0 + 1
        while a0 < a1 and b0 < b1 and a[a1 - 1] == b[b1 - 1]:
            a1, b1 = a1 - 1, b1 - 1
            match[a1] = b1
        if a0 == a1 or b0 == b1:
            continue
        if max(a1 - a0, b1 - b0) <= _SHORT:
            _match_short(a, b, (a0, a1, b0, b1), match)
            continue
        anchors = _anchors(a[a0:a1], b[b0:b1])
        if not anchors:
            continue
        for i, j in anchors:
            match[a0 + i] = b0 + j
        corners = [(-1, -1), *anchors, (a1 - a0, b1 - b0)]
        todo.extend(
            (a0 + i + 1, a0 + k, b0 + j + 1, b0 + m) for (i, j), (k, m) in pairwise(corners) if i + 1 < k and j + 1 < m
        )
    return match


def _anchors(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Places where the same run of words occurs once on each side, in increasing order; longer runs are tried first."""
    for width in (4, 2, 1):
        at_a, at_b = _unique_runs(a, width), _unique_runs(b, width)
        pairs = sorted((i, at_b[run]) for run, i in at_a.items() if run in at_b)
        if pairs:
            return _increasing(pairs)
    return []


def _unique_runs(words: Sequence[str], width: int) -> dict[tuple[str, ...], int]:
    runs = [tuple(words[i : i + width]) for i in range(len(words) - width + 1)]
    counts = Counter(runs)
    return {run: i for i, run in enumerate(runs) if counts[run] == 1}


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of `pairs` (sorted by the first) whose second members increase (patience sorting)."""
    tails: list[int] = []
    ends: list[int] = []
    back: list[int] = []
    for index, (_, j) in enumerate(pairs):
        pile = bisect_left(tails, j)
        back.append(ends[pile - 1] if pile else -1)
        if pile == len(tails):
            tails.append(j)
            ends.append(index)
        else:
            tails[pile], ends[pile] = j, index
    chain = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(pairs[at])
        at = back[at]
    return chain[::-1]


def _match_short(a: Sequence[str], b: Sequence[str], span: tuple[int, int, int, int], match: list[int | None]) -> None:
    """Match a short stretch: exactly where words agree, by likeness where they do not."""
    a0, a1, b0, b1 = span
    for tag, i, k, j, m in SequenceMatcher(None, a[a0:a1], b[b0:b1], autojunk=False).get_opcodes():
        pairs: Iterable[tuple[int, int]] = ()
        if tag == "equal":
            pairs = zip(range(i, k), range(j, m), strict=True)
        elif tag == "replace" and (k - i) * (m - j) <= _LIKENESS_CELLS:
            pairs = ((i + x, j + y) for x, y in _alike(a[a0 + i : a0 + k], b[b0 + j : b0 + m]))
        for x, y in pairs:
            match[a0 + x] = b0 + y


def _alike(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """The monotone pairing of unequal words with the highest summed likeness, counting pairs over `_ALIKE` only."""
    like = [[_likeness(x, y) for y in b] for x in a]
    best = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], like[i][j] + best[i + 1][j + 1] if like[i][j] else 0.0)
    pairs, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        if like[i][j] and best[i][j] == like[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _likeness(x: str, y: str) -> float:
    matcher = SequenceMatcher(None, x, y, autojunk=False)
    ratio = matcher.ratio() if matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE else 0.0
    return ratio if ratio >= _ALIKE else 0.0
