"""A judge ranks the candidates of preference lines: every pair in both orders, then by points (a win 1, a tie ½)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations

from docalign.counting import counter
from docalign.preference import PreferenceLine
from docalign.rewards.judge import Cost, Judge
from docalign.rewards.pieces import block_spans
from docalign.rewards.reward import Sizes

__all__ = ["cost_of_ranking", "rank_by_judge"]


def cost_of_ranking(lines: Iterable[PreferenceLine], judge: Judge) -> Cost:
    """What `rank_by_judge` will ask; asks nothing."""
    return judge.cost_of_pairs(
        (line.document, block_spans(line.document, a), block_spans(line.document, b), _sizes(line))
        for line in lines
        for a, b in combinations(line.candidates, 2)
    )


def rank_by_judge(lines: Iterable[PreferenceLine], judge: Judge) -> Iterator[PreferenceLine]:
    """The lines with the judge's ranking in place of theirs; `scores` are points, from 0 to 1.

    Raises:
        JudgeError: the judge cannot be reached, or does not answer what it was asked.
    """
    for line in lines:
        points = [0.0] * len(line.candidates)
        spans = [block_spans(line.document, c) for c in line.candidates]
        for i, j in combinations(range(len(spans)), 2):
            verdict = judge.compare(line.document, spans[i], spans[j], _sizes(line))
            points[i] += {"first": 1.0, "tie": 0.5, "second": 0.0}[verdict]
            points[j] += {"first": 0.0, "tie": 0.5, "second": 1.0}[verdict]
        places: dict[float, list[int]] = defaultdict(list)
        for i, value in enumerate(points):
            places[value].append(i)
        yield replace(
            line,
            ranking=tuple(tuple(places[value]) for value in sorted(places, reverse=True)),
            source="judge",
            annotator=judge.chat.identity,
            scores=tuple(value / (len(points) - 1) for value in points),
        )


def _sizes(line: PreferenceLine) -> Sizes:
    return Sizes(line.target_tokens, line.max_tokens, counter(line.counter))
