"""Which generators people like: Bradley–Terry strengths, and whether length or place pass as quality.

Strengths are evalica's, as the chance to win against an average generator's candidate; a tie is half a win for each.
The pairs of one opinion share its weight. Intervals are 95 % by bootstrap over documents: opinions about one document
are not independent. As in `agreement`, too few of them give none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from docalign.feedback.agreement import RESAMPLES, Estimate, bootstrap, interval, ranks_of
from docalign.feedback.opinions import Opinion

__all__ = ["Compared", "comparisons", "generator_strengths", "share_won"]


@dataclass(frozen=True, slots=True)
class Compared:
    """Two candidates of one opinion: who made them, who won (0.5: a tie), and how much it counts."""

    document_id: int
    left: str
    right: str
    left_won: float
    weight: float
    more_chunks: int
    """Which has more chunks: 1 the left one, -1 the right one, 0 neither."""
    position: int
    """-1 where the left one was shown first, 1 where the right one was."""


def comparisons(opinions: Sequence[Opinion]) -> list[Compared]:
    """Every pair of candidates that an opinion ranks, repeats and all-bad left out."""
    return [c for o in opinions if not o.is_repeat and o.provenance.get("kind") != "all_bad" for c in _pairs(o)]


def generator_strengths(compared: Sequence[Compared], *, seed: int = 0) -> dict[str, Estimate]:
    """By generator, strongest first: the chance that its candidate beats one of an average generator's.

    Empty where fewer than two generators were compared.
    """
    between = [c for c in compared if c.left != c.right]
    names = sorted({name for c in between for name in (c.left, c.right)})
    if len(names) < 2:
        return {}
    documents = _by_document(between)
    value = _strengths(between, names)
    rng = np.random.default_rng(seed)
    draws: dict[str, list[float]] = defaultdict(list)
    for _ in range(RESAMPLES):
        chosen = [c for i in rng.integers(0, len(documents), len(documents)) for c in documents[i]]
        for name, strength in _strengths(chosen, names).items():
            draws[name].append(strength)
    met = {name: len({c.document_id for c in between if name in (c.left, c.right)}) for name in names}
    found = {}
    for name in sorted(value, key=lambda n: -value[n]):
        low, high = interval(draws[name], met[name])
        found[name] = Estimate(value[name], low, high, met[name])
    return found


def share_won(compared: Sequence[Compared], what: str, *, seed: int = 0) -> Estimate:
    """Of the decided pairs, the share won by the candidate with `more_chunks`, or the one `shown_first`."""

    def share(documents: Sequence[Sequence[Compared]]) -> float | None:
        won = [_won_by(c, what) for document in documents for c in document]
        return float(np.mean([w for w in won if w is not None])) if any(w is not None for w in won) else None

    return bootstrap(_by_document([c for c in compared if _won_by(c, what) is not None]), share, seed=seed)


def _won_by(c: Compared, what: str) -> bool | None:
    left = c.more_chunks if what == "more_chunks" else -c.position
    return None if c.left_won == 0.5 or left == 0 else (c.left_won == 1.0) == (left > 0)


def _pairs(opinion: Opinion) -> Iterator[Compared]:
    ranks = ranks_of(opinion)
    ranked = [(p, c) for p, c in enumerate(opinion.candidates) if c.starts in ranks]
    pairs = list(combinations(ranked, 2))
    for (p, a), (q, b) in pairs:
        yield Compared(
            opinion.stretch.document_id,
            _name(a.generator, a.model_version),
            _name(b.generator, b.model_version),
            0.5 if ranks[a.starts] == ranks[b.starts] else float(ranks[a.starts] < ranks[b.starts]),
            opinion.weight / len(pairs),
            (len(a.starts) > len(b.starts)) - (len(a.starts) < len(b.starts)),
            -1 if p < q else 1,
        )


def _strengths(compared: Sequence[Compared], names: Sequence[str]) -> Mapping[str, float]:
    """Scores of `names`, as chances against their geometric mean; of the names met in `compared` only."""
    import evalica
    import pandas as pd

    # One tie of everybody with everybody, of little weight: without it whoever never lost is infinitely strong.
    met = [n for n in names if any(n in (c.left, c.right) for c in compared)]
    prior = list(combinations(met, 2))
    winners = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    result = evalica.bradley_terry(
        [c.left for c in compared] + [a for a, _ in prior],
        [c.right for c in compared] + [b for _, b in prior],
        [winners[c.left_won] for c in compared] + [evalica.Winner.Draw] * len(prior),
        index=pd.Index(met),
        weights=[c.weight for c in compared] + [0.5] * len(prior),
        limit=1000,
    )
    scores = result.scores
    average = float(np.exp(np.log(scores).mean()))
    return {str(name): float(score / (score + average)) for name, score in scores.items()}


def _by_document(compared: Sequence[Compared]) -> list[list[Compared]]:
    documents: dict[int, list[Compared]] = defaultdict(list)
    for c in compared:
        documents[c.document_id].append(c)
    return list(documents.values())


def _name(generator: str, version: str | None) -> str:
    return f"{generator} {version}" if version else generator
