"""Candidates: different chunkings of one stretch, for people to compare.

They come from the current model (its own answer, exact samples at several temperatures from the legal and from the raw
distribution, its answers at other sizes), from a previous model where there is one, and from the rule baselines. Two
that people could hardly tell apart are never both kept. Everything here is a pure function: the same stretch, scores
and seed give the same candidates.

Candidates say where chunks start by blocks. A cut that the limit forces inside a block is not shown: it is nobody's
opinion.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from docalign.chunker.atoms import Atom, atoms_of
from docalign.chunker.prior import LengthPrior
from docalign.chunker.reach import Reach, orphan_weights
from docalign.chunker.segment import INSIDE_BLOCK
from docalign.chunker.solve import Problem, sample, viterbi
from docalign.counting import Counter, counter
from docalign.document import Document
from docalign.evaluate.rules import RULES
from docalign.feedback.values import Candidate
from docalign.train.gold import GoldLine

__all__ = ["MAX_CANDIDATES", "NEAR", "Scores", "distance", "distinct", "policy_candidates", "rule_candidates"]

Floats = npt.NDArray[np.float64]

MAX_CANDIDATES: Final = 8
NEAR: Final = 0.2
"""Chunkings closer than this are near-identical (see `distance`)."""

_TEMPERATURES: Final = (0.7, 1.0, 1.5)
_RULES: Final = ("pack", "guess+policy", "kind+policy")
_RAW_CAP: Final = 4.0
"""Chunks of the raw distribution reach up to this multiple of the limit, only to bound the work."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model says of the blocks of a stretch, `(blocks,)`, when asked for chunks of `target_tokens`."""

    log_odds: Floats
    target_tokens: int
    max_tokens: int
    prior: LengthPrior
    model_version: str


def distance(a: Sequence[int], b: Sequence[int]) -> float:
    """The share of cuts that are in one chunking only (0 the same, 1 none in common); block 0 is no cut."""
    one, other = set(a) - {0}, set(b) - {0}
    return len(one ^ other) / len(one | other) if one | other else 0.0


def distinct(candidates: Iterable[Candidate], limit: int = MAX_CANDIDATES) -> tuple[Candidate, ...]:
    """The first candidates, in order, of which no two are near-identical."""
    kept: list[Candidate] = []
    for candidate in candidates:
        if len(kept) == limit:
            break
        if all(distance(candidate.starts, other.starts) >= NEAR for other in kept):
            kept.append(candidate)
    return tuple(kept)


def policy_candidates(
    document: Document, scores: Sequence[Scores], count: Counter, *, generator: str = "policy", seed: int = 0
) -> list[Candidate]:
    """What a model would answer at each of the sizes, the first of them the one asked for, and samples at that size.

    Args:
        document: the stretch as a document of its own.
        generator: what the candidates' generators are called: `policy`, `policy-resized`, `policy-sampled`,
            `policy-raw` (samples without the rules).
    """
    asked, *others = scores
    rng = np.random.default_rng(random.Random(f"candidates {seed} {generator}").getrandbits(64))
    legal, raw = _legal(document, asked, count), _raw(document, asked, count)
    answers = [_candidate(generator, asked, legal, viterbi(legal.problem), {})]
    for other in others:
        resized = _legal(document, other, count)
        answers.append(_candidate(f"{generator}-resized", other, resized, viterbi(resized.problem), {}))
    samples = []
    for temperature in _TEMPERATURES:
        for name, exam in (("sampled", legal), ("raw", raw)):
            (starts,) = sample(_heated(exam.problem, temperature), rng)
            about = {"temperature": temperature}
            samples.append(_candidate(f"{generator}-{name}", asked, exam, starts, about))
    return [c for pair in zip_longest(answers, samples) for c in pair if c is not None]


def rule_candidates(
    document: Document, *, target_tokens: int, max_tokens: int, counter_name: str, names: Sequence[str] = _RULES
) -> list[Candidate]:
    """What the rule baselines answer."""
    line = GoldLine("stretch", None, document, (0,), counter_name, target_tokens, max_tokens)
    counter(counter_name)  # an unknown one is said here
    sizes = {"target_tokens": target_tokens, "max_tokens": max_tokens}
    return [Candidate(tuple(RULES[name](line)), name, None, sizes) for name in names]


@dataclass(frozen=True, slots=True)
class _Exam:
    problem: Problem
    atoms: Sequence[Atom]


def _legal(document: Document, scores: Scores, count: Counter) -> _Exam:
    """Only chunks within the limit, and no heading left behind."""
    atoms = atoms_of(document, count, scores.max_tokens)
    reach = Reach(document, atoms, count, scores.max_tokens)
    problem = Problem(
        log_odds=_of_atoms(atoms, scores.log_odds),
        sizes=np.array([a.tokens for a in atoms], dtype=np.float64),
        target=float(scores.target_tokens),
        cap=float(scores.max_tokens),
        orphan=np.array(orphan_weights(atoms, reach)),
        prior=scores.prior,
        reach=reach.ends,
    )
    return _Exam(problem, atoms)


def _raw(document: Document, scores: Scores, count: Counter) -> _Exam:
    """No rules: what training and rewards learn from."""
    atoms = atoms_of(document, count, None)
    problem = Problem(
        log_odds=_of_atoms(atoms, scores.log_odds),
        sizes=np.array([a.tokens for a in atoms], dtype=np.float64),
        target=float(scores.target_tokens),
        cap=_RAW_CAP * scores.max_tokens,
        prior=scores.prior,
    )
    return _Exam(problem, atoms)


def _of_atoms(atoms: Sequence[Atom], log_odds: Floats) -> Floats:
    return np.array([log_odds[a.block] if a.opens_block and a.block else INSIDE_BLOCK for a in atoms])


def _heated(problem: Problem, temperature: float) -> Problem:
    """P ∝ exp(score / temperature); the rules stay as they are."""
    prior = LengthPrior(tuple(v / temperature for v in problem.prior.values), problem.prior.knots)
    return replace(problem, log_odds=problem.log_odds / temperature, prior=prior)


def _candidate(
    generator: str, scores: Scores, exam: _Exam, atoms: Sequence[int], about: Mapping[str, Any]
) -> Candidate:
    blocks = {exam.atoms[i].block for i in atoms if exam.atoms[i].opens_block}
    starts = sorted({0} | {b for b in blocks if b is not None})
    sizes = {"target_tokens": scores.target_tokens, "max_tokens": scores.max_tokens}
    return Candidate(tuple(starts), generator, scores.model_version, sizes | dict(about))
