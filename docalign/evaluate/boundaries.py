"""Boundary metrics: how close the chunk starts of one segmentation are to those of another.

Segmentations are the block ids that start a chunk. Block 0 starts a chunk in every segmentation, so it never counts
as a boundary, whether it is listed or not. All functions are pure; the metrics over windows and boundary similarity
agree with segeval 2.0.11.

It measures one document at a time and knows no gold lines; averaging is `run`.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = [
    "BoundaryScores",
    "bootstrap_interval",
    "boundary_f1",
    "boundary_precision",
    "boundary_recall",
    "boundary_scores",
    "boundary_similarity",
    "pk",
    "window_size",
    "windowdiff",
]

_MIN_WINDOW: Final = 2
_NEAR_MISS: Final = 0.5


@dataclass(frozen=True, slots=True)
class BoundaryScores:
    """The metrics of one document, each 0–1. Higher is better, but for `pk` and `windowdiff`, which count errors."""

    boundary_f1: float
    precision: float
    recall: float
    pk: float
    windowdiff: float
    boundary_similarity: float


def boundary_scores(predicted: Iterable[int], gold: Iterable[int], blocks: int) -> BoundaryScores:
    """Every metric for a document of `blocks` blocks."""
    predicted, gold = tuple(predicted), tuple(gold)
    return BoundaryScores(
        boundary_f1=boundary_f1(predicted, gold),
        precision=boundary_precision(predicted, gold),
        recall=boundary_recall(predicted, gold),
        pk=pk(predicted, gold, blocks),
        windowdiff=windowdiff(predicted, gold, blocks),
        boundary_similarity=boundary_similarity(predicted, gold),
    )


def boundary_f1(predicted: Iterable[int], gold: Iterable[int]) -> float:
    """2 |P ∩ G| / (|P| + |G|); 1.0 when neither has a boundary."""
    p, g = _boundaries(predicted), _boundaries(gold)
    return 2 * len(p & g) / (len(p) + len(g)) if p or g else 1.0


def boundary_precision(predicted: Iterable[int], gold: Iterable[int]) -> float:
    """|P ∩ G| / |P|; without predicted boundaries 1.0, for none of them is wrong."""
    p, g = _boundaries(predicted), _boundaries(gold)
    return len(p & g) / len(p) if p else 1.0


def boundary_recall(predicted: Iterable[int], gold: Iterable[int]) -> float:
    """|P ∩ G| / |G|; without gold boundaries 1.0, for none of them is missed."""
    p, g = _boundaries(predicted), _boundaries(gold)
    return len(p & g) / len(g) if g else 1.0


def window_size(gold: Iterable[int], blocks: int) -> int:
    """k of Pk and WindowDiff, in blocks: half the mean gold segment, rounded to even, at least 2 (segeval's rule)."""
    segments = len(_boundaries(gold)) + 1
    return max(_MIN_WINDOW, round(blocks / segments / 2))


def pk(predicted: Iterable[int], gold: Iterable[int], blocks: int) -> float:
    """Share of block pairs k apart that one segmentation puts in one segment and the other does not.

    0.0 for a document too short for a window.
    """
    return _window_errors(predicted, gold, blocks, lambda p, g: (p == 0) != (g == 0))


def windowdiff(predicted: Iterable[int], gold: Iterable[int], blocks: int) -> float:
    """Share of windows of k + 1 blocks in which the two segmentations have different numbers of boundaries.

    0.0 for a document too short for a window.
    """
    return _window_errors(predicted, gold, blocks, lambda p, g: p != g)


def boundary_similarity(predicted: Iterable[int], gold: Iterable[int]) -> float:
    """Fournier's B = 1 − (A + T/2) / (A + T + M), with near misses of one block (n_t = 2).

    T pairs a boundary of one segmentation with a boundary of the other one block away, from left to right and each
    boundary once; M counts boundaries both have, A the rest. 1.0 when neither has a boundary.
    """
    p, g = _boundaries(predicted), _boundaries(gold)
    matches = len(p & g)
    only_one = sorted(p ^ g)
    near = 0
    i = 0
    while i + 1 < len(only_one):
        here, there = only_one[i], only_one[i + 1]
        if there - here == 1 and (here in p) != (there in p):
            near += 1
            i += 1
        i += 1
    added = len(only_one) - 2 * near
    edits = added + near + matches
    return 1.0 - (added + _NEAR_MISS * near) / edits if edits else 1.0


def bootstrap_interval(
    values: Sequence[float], *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean; the values are one per document.

    For the difference of two chunkers on the same documents, give the differences by document (a paired bootstrap).

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("a bootstrap needs at least one value")
    draws = random.Random(seed)  # resampling, not secrets
    n = len(values)
    means = sorted(sum(draws.choices(values, k=n)) / n for _ in range(resamples))
    tail = (1.0 - level) / 2
    return means[int(tail * resamples)], means[min(resamples - 1, int((1.0 - tail) * resamples))]


def _boundaries(starts: Iterable[int]) -> set[int]:
    return set(starts) - {0}


def _window_errors(
    predicted: Iterable[int], gold: Iterable[int], blocks: int, differ: Callable[[int, int], bool]
) -> float:
    """Share of the windows `i … i + k` where `differ(predicted, gold)` holds of the boundaries inside."""
    p, g = sorted(_boundaries(predicted)), sorted(_boundaries(gold))
    k = min(window_size(g, blocks), blocks - 1)
    windows = blocks - k
    if k < 1:
        return 0.0
    errors = sum(differ(_count(p, i, i + k), _count(g, i, i + k)) for i in range(windows))
    return errors / windows


def _count(boundaries: Sequence[int], first: int, last: int) -> int:
    """Boundaries b with first < b <= last: those between the two blocks."""
    return bisect_right(boundaries, last) - bisect_right(boundaries, first)
