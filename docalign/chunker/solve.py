"""The solver: log-odds, sizes and hard rules in, the most probable segmentation out, exactly.

A segmentation of atoms 0…N−1 is a list of starts y, 0 always in it, and scores

    score(y) = Σ_{i ∈ y, i > 0} s_i + Σ_{chunks c of y} φ(tokens(c) / target)

(the start at 0 is certain, so its log-odds is left out: a constant). Everything here is exact dynamic programming
over chunk ends in float64, O(N × atoms per chunk) time and O(N) memory, in the form of a semi-Markov model
(Sarawagi & Cohen, NIPS 2004). Log-odds and φ are rounded to multiples of 2⁻¹⁰, so sums are exact and a tie is a tie
on every machine. The torch twin used in training is `docalign/train/segments.py`; it does not round.

It knows no text and no tokenizer: `atoms.py` makes the problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from docalign.chunker.prior import LengthPrior

__all__ = ["Problem", "boundary_marginals", "log_partition", "margins", "reach_within", "sample", "score", "viterbi"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GRID: Final = 1024.0
ORPHAN_COST: Final = float(2**20)
"""One orphan costs more than evidence can outweigh: orphans are minimised first, then the score decides."""
_BAND: Final = 2**14
"""φ is worked out for about this many chunks at a time: few enough to bound memory, many enough to be fast."""


@dataclass(frozen=True)
class Problem:
    """One document (or window) to segment; every array has shape `(atoms,)`.

    Attributes:
        log_odds: s_i, for "a chunk starts at atom i" against "it continues".
        sizes: tokens of each atom, ≥ 0.
        target: preferred tokens per chunk, or None for no φ at all.
        cap: no chunk of several atoms may be larger; None for no cap.
        orphan: what a cut before atom i costs because it leaves a heading at the end of a chunk (0 where it does
            not). None: no such rule (the raw distribution).
        prior: φ.
        reach: where a chunk that starts at atom i must end at the latest (the index behind its last atom, > i), for
            callers that know more than sums; None: as far as the cap allows.
        grid: log-odds and φ are rounded to multiples of 1/grid.
    """

    log_odds: Floats
    sizes: Floats
    target: float | None
    cap: float | None
    orphan: Floats | None = None
    prior: LengthPrior = field(default_factory=LengthPrior)
    reach: Ints | None = None
    grid: float = GRID

    def cut_scores(self) -> Floats:
        """What a cut before atom i adds, `(atoms,)`; the entry of atom 0 is 0."""
        scores = np.round(np.asarray(self.log_odds, dtype=np.float64) * self.grid) / self.grid
        if self.orphan is not None:
            scores = scores - ORPHAN_COST * self.orphan
        if len(scores):
            scores[0] = 0.0
        return scores


def reach_within(sizes: Floats, cap: float | Floats) -> Ints:
    """For each atom the latest end of a chunk that starts there and is within the cap (one for all, or one each).

    An atom over the cap is a chunk by itself: the atoms were cut as far as they can be.
    """
    edges = np.concatenate(([0.0], np.cumsum(sizes, dtype=np.float64)))
    fitting = np.searchsorted(edges, edges[:-1] + cap, side="right") - 1
    return np.maximum(fitting, np.arange(len(sizes)) + 1).astype(np.int64)


def _steps(problem: Problem) -> Callable[[int], Floats]:
    """`step(i)` gives φ of the chunks that start at atom i and end before i+1, i+2, …, as far as the cap allows."""
    edges = np.concatenate(([0.0], np.cumsum(problem.sizes, dtype=np.float64)))
    if problem.reach is not None:
        last = problem.reach
    else:
        last = reach_within(problem.sizes, np.inf if problem.cap is None else problem.cap)

    target = problem.target
    if target is None:
        return lambda i: np.zeros(int(last[i]) - i)
    before = np.concatenate(([0], np.cumsum(last - np.arange(len(last)), dtype=np.int64)))
    band, first, values = -1, 0, np.zeros(0)

    def step(i: int) -> Floats:
        nonlocal band, first, values
        if before[i] // _BAND != band:
            band = int(before[i] // _BAND)
            first, end = (int(np.searchsorted(before[:-1], _BAND * b)) for b in (band, band + 1))
            values = _phi(problem, target, edges, last[first:end], first)
        return values[before[i] - before[first] : before[i + 1] - before[first]]

    return step


def _phi(problem: Problem, target: float, edges: Floats, last: Ints, first: int) -> Floats:
    """φ of all chunks that start at atom `first` and the following, one start after the other.

    `last` is the latest end for each of these starts, `edges` the tokens before every atom.
    """
    starts = np.arange(first, first + len(last))
    lengths = last - starts
    start = np.repeat(starts, lengths)
    end = start + 1 + np.arange(len(start)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    phi = problem.prior((edges[end] - edges[start]) / target)
    return np.asarray(np.round(phi * problem.grid) / problem.grid)


def _independent(problem: Problem) -> bool:
    """Whether every cut stands for itself (no φ, no limit): then nothing needs to be searched."""
    return problem.target is None and problem.cap is None and problem.reach is None


def viterbi(problem: Problem) -> list[int]:
    """The starts of the best segmentation; ties go to fewer cuts, then to earlier ones. Empty for no atoms."""
    count = len(problem.sizes)
    if _independent(problem):
        return [i for i, gain in enumerate(problem.cut_scores()) if i == 0 or gain > 0]
    cuts, step = problem.cut_scores(), _steps(problem)
    best = np.zeros(count + 1)
    number = np.zeros(count + 1, dtype=np.int64)  # chunks from atom i on: the end counts nothing, a cut counts one
    following = np.zeros(count, dtype=np.int64)
    gain = np.append(cuts, 0.0)
    for i in range(count - 1, -1, -1):
        phi = step(i)
        ends = slice(i + 1, i + 1 + len(phi))
        totals = phi + gain[ends] + best[ends]
        top = np.flatnonzero(totals == totals.max())
        choice = i + 1 + int(top[np.argmin(number[ends][top])] if len(top) > 1 else top[0])
        following[i], best[i] = choice, totals[choice - i - 1]
        number[i] = number[choice] + 1
    starts, i = [], 0
    while i < count:
        starts.append(i)
        i = int(following[i])
    return starts


def score(problem: Problem, starts: list[int]) -> float:
    """score(y) of a segmentation, −inf when a chunk of several atoms is over the cap."""
    cuts, step = problem.cut_scores(), _steps(problem)
    total = 0.0
    for start, end in zip(starts, [*starts[1:], len(problem.sizes)], strict=True):
        phi = step(start)
        if end - start > len(phi):
            return float("-inf")
        total += phi[end - start - 1] + (cuts[start] if start else 0.0)
    return float(total)


def margins(problem: Problem, starts: Sequence[int]) -> Floats:
    """By how much each of `starts` is preferred to doing without it, `(len(starts),)`.

    The score of the best segmentation minus that of the best one in which no chunk starts there (max-marginals); +inf
    where there is none: the first start, and those the limit forces.
    """
    if _independent(problem):
        gain = problem.cut_scores()
        return np.array([gain[i] if i else np.inf for i in starts])
    count = len(problem.sizes)
    gain, step = np.append(problem.cut_scores(), 0.0), _steps(problem)
    behind = np.zeros(count + 1)
    for i in range(count - 1, -1, -1):
        phi = step(i)
        ends = slice(i + 1, i + 1 + len(phi))
        behind[i] = (phi + gain[ends] + behind[ends]).max()
    before = np.full(count + 1, -np.inf)
    before[0] = 0.0
    without = dict.fromkeys(starts, -np.inf)
    asked = np.array(sorted(without), dtype=np.int64)
    for i in range(count):
        phi = step(i)
        ends = slice(i + 1, i + 1 + len(phi))
        through = before[i] + phi + gain[ends]
        before[ends] = np.maximum(before[ends], through)
        # The chunks that start here and end behind j are those that skip j.
        best = np.maximum.accumulate((through + behind[ends])[::-1])[::-1]
        for j in asked[np.searchsorted(asked, i + 1) : np.searchsorted(asked, i + len(phi))]:
            without[int(j)] = max(without[int(j)], float(best[j - i]))
    return np.array([behind[0] - without[i] if without[i] > -np.inf else np.inf for i in starts])


def _backward(problem: Problem) -> Floats:
    """log β, `(atoms + 1,)`: the log-sum over segmentations of the atoms from i on, given that a chunk starts at i."""
    count = len(problem.sizes)
    gain, step = np.append(problem.cut_scores(), 0.0), _steps(problem)
    beta = np.zeros(count + 1)
    for i in range(count - 1, -1, -1):
        phi = step(i)
        ends = slice(i + 1, i + 1 + len(phi))
        beta[i] = _log_sum(phi + gain[ends] + beta[ends])
    return beta


def log_partition(problem: Problem) -> float:
    """log Z of the distribution P(y) ∝ exp(score(y))."""
    if _independent(problem):
        return float(np.logaddexp(0.0, problem.cut_scores()[1:]).sum())
    return float(_backward(problem)[0])


def boundary_marginals(problem: Problem) -> Floats:
    """P(a chunk starts at atom i), `(atoms,)`; 1.0 at atom 0. Forward–backward."""
    count = len(problem.sizes)
    if not count:
        return np.zeros(0)
    if _independent(problem):
        gain = problem.cut_scores()
        return np.concatenate(([1.0], np.exp(-np.logaddexp(0.0, -gain[1:]))))
    gain, step, beta = np.append(problem.cut_scores(), 0.0), _steps(problem), _backward(problem)
    alpha = np.full(count + 1, -np.inf)
    alpha[0] = 0.0
    for i in range(count):
        if alpha[i] == -np.inf:
            continue
        phi = step(i)
        ends = slice(i + 1, i + 1 + len(phi))
        alpha[ends] = np.logaddexp(alpha[ends], alpha[i] + phi + gain[ends])
    with np.errstate(under="ignore"):
        return np.asarray(np.clip(np.exp(alpha[:count] + beta[:count] - beta[0]), 0.0, 1.0))


def sample(problem: Problem, rng: np.random.Generator, number: int = 1) -> list[list[int]]:
    """`number` exact, independent segmentations: backward filtering once, then forward sampling."""
    count = len(problem.sizes)
    gain, step, beta = np.append(problem.cut_scores(), 0.0), _steps(problem), _backward(problem)
    found = []
    for _ in range(number):
        starts, i = [], 0
        while i < count:
            starts.append(i)
            phi = step(i)
            ends = slice(i + 1, i + 1 + len(phi))
            chances = np.exp(phi + gain[ends] + beta[ends] - beta[i])
            i += 1 + int(rng.choice(len(chances), p=chances / chances.sum()))
        found.append(starts)
    return found


def _log_sum(values: Floats) -> float:
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum()))
