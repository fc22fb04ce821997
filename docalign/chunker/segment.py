"""From log-odds to spans: atoms, the exact solver, and the proof that no span is over the limit.

The solver adds up the atoms' counts, but counts of parts need not add up to the count of the whole. So every chunk is
counted as it is; where one is over the limit, chunks around there may reach less far (`reach.py`) and the problem is
solved again. That ends: an atom by itself is always within the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from docalign.chunker.atoms import Atom, atoms_of
from docalign.chunker.prior import FreePrior, LengthPrior
from docalign.chunker.reach import Reach, orphan_weights
from docalign.chunker.solve import Problem, boundary_marginals, viterbi
from docalign.counting import Counter
from docalign.document import Document

__all__ = ["INSIDE_BLOCK", "Segment", "Segmentation", "Solved", "segment", "segment_with_boundaries", "solved"]

INSIDE_BLOCK: Final = -6.0
"""The fixed, low log-odds of a cut inside a block."""

_FREE_CAP: Final = 64.0
"""Where no size is asked for, a chunk ends after this many typical topics: only to bound the solver's work."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Segment:
    """`text[start:end]`, its exact count, the probability of its start, and the blocks it reaches."""

    start: int
    end: int
    tokens: int
    boundary: float
    blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The chunks of a document, and the probability that a chunk starts at each of its blocks, `(blocks,)`."""

    segments: list[Segment]
    boundaries: Floats


@dataclass(frozen=True, slots=True)
class Solved:
    """The solver's problem and its answer: `starts` are indexes of `atoms`. `reach` is None where there is no limit."""

    atoms: list[Atom]
    problem: Problem
    starts: list[int]
    reach: Reach | None


def segment(
    document: Document,
    log_odds: Floats,
    *,
    count: Counter,
    max_tokens: int | None,
    target: int | None,
    prior: LengthPrior,
    free_bias: float = 0.0,
    free_prior: FreePrior | None = None,
) -> list[Segment]:
    """The most probable legal chunking of a document.

    Args:
        log_odds: s per block, `(blocks,)`.
        count: text → tokens.
        max_tokens, target: None where only the boundaries matter; then `free_bias` is added to every s, and
            `free_prior` stands in for φ.
    """
    return segment_with_boundaries(
        document,
        log_odds,
        count=count,
        max_tokens=max_tokens,
        target=target,
        prior=prior,
        free_bias=free_bias,
        free_prior=free_prior,
    ).segments


def segment_with_boundaries(
    document: Document,
    log_odds: Floats,
    *,
    count: Counter,
    max_tokens: int | None,
    target: int | None,
    prior: LengthPrior,
    free_bias: float = 0.0,
    free_prior: FreePrior | None = None,
) -> Segmentation:
    """As `segment`, with the marginals of the legal policy at every block, chosen or not."""
    found = solved(
        document,
        log_odds,
        count=count,
        max_tokens=max_tokens,
        target=target,
        prior=prior,
        free_bias=free_bias,
        free_prior=free_prior,
    )
    atoms, reach = found.atoms, found.reach
    if not atoms:
        return Segmentation([], np.zeros(len(document.blocks)))
    marginals = boundary_marginals(found.problem)
    segments = [
        Segment(
            start=atoms[first].start,
            end=atoms[last - 1].end,
            tokens=reach.tokens(first, last)
            if reach
            else count(document.text[atoms[first].start : atoms[last - 1].end]),
            boundary=float(marginals[first]) if first and atoms[first].opens_block else 1.0,
            blocks=_blocks(atoms[first:last]),
        )
        for first, last in pairwise([*found.starts, len(atoms)])
    ]
    return Segmentation(segments, _at_blocks(atoms, marginals, len(document.blocks)))


def solved(
    document: Document,
    log_odds: Floats,
    *,
    count: Counter,
    max_tokens: int | None,
    target: int | None,
    prior: LengthPrior,
    free_bias: float = 0.0,
    free_prior: FreePrior | None = None,
) -> Solved:
    """As `segment`, before anything is described: the problem over atoms and the starts that solve it."""
    atoms = atoms_of(document, count, max_tokens)
    reach = Reach(document, atoms, count, max_tokens) if atoms and max_tokens is not None else None
    problem = Problem(
        log_odds=_atom_log_odds(atoms, log_odds, free_bias if max_tokens is None else 0.0),
        sizes=np.array([a.tokens for a in atoms], dtype=np.float64),
        target=None if target is None else float(target),
        cap=None if max_tokens is None else float(max_tokens),
        orphan=np.array(orphan_weights(atoms, reach)),
        prior=prior,
    )
    if max_tokens is None and free_prior is not None:
        typical = free_prior.typical_tokens
        problem = replace(problem, target=typical, cap=_FREE_CAP * typical, prior=free_prior.length_prior)
    problem, starts = _solve_within(problem, reach, max_tokens)
    return Solved(atoms, problem, starts, reach)


def _at_blocks(atoms: Sequence[Atom], marginals: Floats, blocks: int) -> Floats:
    values = np.zeros(blocks)
    for atom, value in zip(atoms, marginals, strict=True):
        if atom.opens_block and atom.block is not None:
            values[atom.block] = value
    return values


def _atom_log_odds(atoms: Sequence[Atom], log_odds: Floats, bias: float) -> Floats:
    # White space before the first block belongs to its chunk: that block's log-odds says nothing about a cut there.
    return np.array([log_odds[a.block] + bias if a.opens_block and a.block else INSIDE_BLOCK for a in atoms])


def _solve_within(problem: Problem, reach: Reach | None, max_tokens: int | None) -> tuple[Problem, list[int]]:
    """Solve until every chunk, counted as it is, keeps the limit; returns the problem solved and its starts."""
    if reach is None or max_tokens is None:
        return problem, viterbi(problem)
    while True:
        problem = replace(problem, reach=reach.ends)
        starts = viterbi(problem)
        ends = pairwise([*starts, len(problem.sizes)])
        over = [(i, j) for i, j in ends if j - i > 1 and reach.tokens(i, j) > max_tokens]
        if not over:
            return problem, starts
        reach.narrow(over)


def _blocks(atoms: Sequence[Atom]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(a.block for a in atoms if a.block is not None))
