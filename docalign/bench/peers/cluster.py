"""ClusterSemanticChunker, written anew from Chroma's report "Evaluating Chunking Strategies for Retrieval" (2024).

The text is cut into pieces of about 50 tokens. A chunk's worth is the sum of the cosine similarities of its pieces,
each less the mean over all pairs; the best chunks of at most so many tokens are found by dynamic programming. Here
with MiniLM, and pieces end at sentences where they can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from docalign.bench.ask import Ask, Cut, Piece, Setup
from docalign.rewards.reward import Span

__all__ = ["best_chunks", "cluster_semantic"]

_PIECE_TOKENS: Final = 50
_BREAKS: Final = (re.compile(r"\n{2,}"), re.compile(r"\n"), re.compile(r"(?<=[.?!])\s+"), re.compile(r"\s+"))


def cluster_semantic(setup: Setup) -> Cut:
    embedder = setup.embedder

    def cut(ask: Ask) -> Sequence[Piece]:
        text = ask.document.text
        spans = list(_pieces(text, 0, len(text), ask))
        if not spans:
            return []
        vectors = np.asarray(embedder([text[a:b] for a, b in spans]))
        starts = best_chunks(vectors @ vectors.T, max(1, ask.size // _PIECE_TOKENS))
        edges = [*starts, len(spans)]
        chunks = [(spans[a][0], spans[b - 1][1]) for a, b in pairwise(edges)]
        return [Piece(text[a:b], claimed=(a, b)) for a, b in chunks]

    return cut


def best_chunks(similarity: npt.NDArray[np.float64], longest: int) -> list[int]:
    """First pieces of the chunks of at most `longest` pieces whose summed worth is greatest; `(pieces, pieces)` in."""
    n = len(similarity)
    below = np.tril_indices(n, -1)
    worth = similarity - (float(similarity[below].mean()) if n > 1 else 0.0)
    np.fill_diagonal(worth, 0.0)
    sums = np.zeros((n + 1, n + 1))
    sums[1:, 1:] = worth.cumsum(0).cumsum(1)
    best, back = np.zeros(n + 1), np.zeros(n + 1, dtype=int)
    for end in range(1, n + 1):
        firsts = np.arange(max(0, end - longest), end)
        inside = sums[end, end] - sums[firsts, end] - sums[end, firsts] + sums[firsts, firsts]
        values = best[firsts] + inside
        back[end] = firsts[int(values.argmax())]
        best[end] = values.max()
    starts, at = [], n
    while at > 0:
        at = int(back[at])
        starts.append(at)
    return starts[::-1]


def _pieces(text: str, start: int, end: int, ask: Ask, depth: int = 0) -> Iterator[Span]:
    """Spans of at most 50 tokens: cut at blank lines, lines, sentences and words in turn, short ones joined."""
    if not text[start:end].strip():
        return
    if ask.count(text[start:end]) <= _PIECE_TOKENS or depth == len(_BREAKS):
        yield start, end
        return
    edges = [start, *(m.end() for m in _BREAKS[depth].finditer(text, start, end)), end]
    open_at: int | None = None
    last = start
    for a, b in pairwise(edges):
        if open_at is not None and ask.count(text[open_at:b]) <= _PIECE_TOKENS:
            last = b
            continue
        if open_at is not None:
            yield from _pieces(text, open_at, last, ask, depth + 1)
        open_at, last = a, b
    if open_at is not None:
        yield from _pieces(text, open_at, last, ask, depth + 1)
