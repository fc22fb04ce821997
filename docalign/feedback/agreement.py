"""How far people agree, with each other and with themselves, as pure functions of opinions.

Three measures. Krippendorff's α for ordinal data over the ranks that annotators gave each candidate (1 is full
agreement, 0 what chance gives). Pairwise agreement: of the pairs of candidates that two annotators judged, the share
they ordered alike, a tie being an order of its own. Self-consistency: the same for one annotator's answer to a question
and to its repeat. Each comes with a 95 % interval by bootstrap over questions, because ranks of one question depend on
each other. Resampling says nothing where there is next to nothing to draw from: below `LEAST` questions, or where every
draw is the same (full agreement, say), no interval is claimed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, TypeVar

import numpy as np

from docalign.feedback.opinions import Opinion

__all__ = [
    "Estimate",
    "alpha",
    "bootstrap",
    "compared",
    "interval",
    "pairwise_agreement",
    "ranks_of",
    "self_consistency",
]

RESAMPLES: Final = 500
LEAST: Final = 5
"""Of questions (or documents): the fewest that an interval is drawn from."""
_SAME: Final = 1e-9

_Unit = TypeVar("_Unit")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval, from `of` questions; None where there is nothing to measure, or no interval."""

    value: float | None
    low: float | None
    high: float | None
    of: int


def bootstrap(
    units: Sequence[_Unit],
    statistic: Callable[[Sequence[_Unit]], float | None],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Estimate:
    """`statistic` of `units`, and its percentile interval over resamples of them."""
    value = statistic(units) if units else None
    if value is None:
        return Estimate(None, None, None, len(units))
    rng = np.random.default_rng(seed)
    draws = (statistic([units[i] for i in rng.integers(0, len(units), len(units))]) for _ in range(resamples))
    found = [draw for draw in draws if draw is not None]
    low, high = interval(found, len(units))
    return Estimate(float(value), low, high, len(units))


def interval(draws: Sequence[float], of: int) -> tuple[float, float] | tuple[None, None]:
    """The ends of a 95 % interval from resamples of `of` units; none where they cannot tell how sure the value is."""
    if of < LEAST or not draws or max(draws) - min(draws) < _SAME:
        return None, None
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def ranks_of(opinion: Opinion) -> dict[tuple[int, ...], float]:
    """By candidate, its rank from 1; ties share the mean of the ranks they take up."""
    ranks: dict[tuple[int, ...], float] = {}
    before = 0
    for group in opinion.ranking:
        ranks |= dict.fromkeys((opinion.candidates[p].starts for p in group), before + (len(group) + 1) / 2)
        before += len(group)
    return ranks


def compared(opinions: Iterable[Opinion]) -> list[list[Opinion]]:
    """Rankings by question, repeats left out, of questions that two or more annotators answered."""
    by_question: dict[str, dict[str, Opinion]] = defaultdict(dict)
    for opinion in opinions:
        if _is_order(opinion) and not opinion.is_repeat:
            by_question[opinion.of][opinion.annotator] = opinion
    return [list(answers.values()) for answers in by_question.values() if len(answers) > 1]


def alpha(opinions: Iterable[Opinion], *, seed: int = 0) -> Estimate:
    """Krippendorff's α, ordinal, over ranks of candidates."""
    return bootstrap(compared(opinions), _alpha, seed=seed)


def pairwise_agreement(opinions: Iterable[Opinion], *, seed: int = 0) -> Estimate:
    """The share of pairs of candidates that two annotators ordered alike."""

    def share(questions: Sequence[Sequence[Opinion]]) -> float | None:
        return _mean(same for answers in questions for a, b in combinations(answers, 2) for same in _alike(a, b))

    return bootstrap(compared(opinions), share, seed=seed)


def self_consistency(opinions: Sequence[Opinion], *, seed: int = 0) -> Estimate:
    """The share of pairs of candidates that an annotator ordered alike the second time."""
    first = {(o.of, o.annotator): o for o in opinions if not o.is_repeat and _is_order(o)}
    again = [(first[o.of, o.annotator], o) for o in opinions if o.is_repeat and (o.of, o.annotator) in first]

    def share(answers: Sequence[tuple[Opinion, Opinion]]) -> float | None:
        return _mean(same for a, b in answers for same in _alike(a, b))

    return bootstrap([pair for pair in again if _is_order(pair[1])], share, seed=seed)


def _is_order(opinion: Opinion) -> bool:
    """All-bad says nothing about order, although it is exported as a tie."""
    return len(opinion.ranking) > 0 and opinion.provenance.get("kind") != "all_bad"


def _alpha(questions: Sequence[Sequence[Opinion]]) -> float | None:
    import evalica
    import pandas as pd

    columns: list[Mapping[str, float]] = []
    for answers in questions:
        ranks = [(opinion.annotator, ranks_of(opinion)) for opinion in answers]
        columns += [{who: given[c] for who, given in ranks if c in given} for c in ranks[0][1]]
    if len({rank for column in columns for rank in column.values()}) < 2:
        return None  # nobody ever told two candidates apart
    try:
        return float(evalica.alpha(pd.DataFrame(columns).transpose(), distance="ordinal").alpha)
    except evalica.InsufficientRatingsError:
        return None


def _alike(one: Opinion, other: Opinion) -> Iterator[bool]:
    first, second = ranks_of(one), ranks_of(other)
    for a, b in combinations([c for c in first if c in second], 2):
        yield np.sign(first[a] - first[b]) == np.sign(second[a] - second[b])


def _mean(values: Iterable[bool]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None
