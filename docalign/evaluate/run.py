"""Evaluation on gold lines: any chunker, every metric, one JSON object.

A chunker is a function from a gold line to the character spans it would chunk the line's document into. Metrics are
computed by document and then averaged; sources with headings are also pooled apart from transcripts, because the two
ask for different things. Only the chunker's own time counts for `blocks_per_s`.

It reads no files and prints nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from types import MappingProxyType
from typing import Any, Final

from docalign.chunk import Violations, violations
from docalign.counting import counter
from docalign.errors import UsageError
from docalign.evaluate.boundaries import BoundaryScores, bootstrap_interval, boundary_scores
from docalign.evaluate.rules import Rule
from docalign.evaluate.spans import spans_of, starts_of
from docalign.rewards.reward import Reward, Sizes, Span
from docalign.rewards.rules import RULE_REWARDS
from docalign.train.gold import GoldLine

__all__ = ["DocumentResult", "SpanChunker", "by_rule", "evaluate", "evaluate_line", "paired_difference", "summarise"]

SpanChunker = Callable[[GoldLine], Sequence[Span]]
"""Gold line → spans of its document's text, which it must chunk to `line.sizes` counted by `line.counter`."""

_METRICS: Final = ("boundary_f1", "precision", "recall", "pk", "windowdiff", "boundary_similarity")


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """What one document contributes. `elapsed_s` is the chunker's own time; `rewards` are 0–1 by name."""

    id: str
    source: str
    transcript: bool
    blocks: int
    chunks: int
    scores: BoundaryScores
    rewards: Mapping[str, float]
    broken: Violations
    elapsed_s: float


def by_rule(rule: Rule) -> SpanChunker:
    """A rule baseline (or anything that answers block ids) as a chunker."""
    return lambda line: spans_of(line.document, rule(line))


def evaluate(
    lines: Iterable[GoldLine], chunk: SpanChunker, *, rewards: Mapping[str, Reward] = RULE_REWARDS
) -> dict[str, Any]:
    """Run `chunk` on every line; returns the object `docalign eval` prints.

    Raises:
        UsageError: no lines, or a line's counter is unknown.
    """
    return summarise([evaluate_line(line, chunk, rewards=rewards) for line in lines])


def evaluate_line(
    line: GoldLine, chunk: SpanChunker, *, rewards: Mapping[str, Reward] = RULE_REWARDS
) -> DocumentResult:
    """Chunk one line and measure the result."""
    document, count = line.document, counter(line.counter)
    target, limit = line.sizes
    sizes = Sizes(target_tokens=target, max_tokens=limit, count=count)
    began = perf_counter()
    spans = tuple(chunk(line))
    elapsed_s = perf_counter() - began
    return DocumentResult(
        id=line.id,
        source=line.source,
        transcript=line.is_transcript,
        blocks=len(document.blocks),
        chunks=len(spans),
        scores=boundary_scores(starts_of(document, spans), line.starts, len(document.blocks)),
        rewards=MappingProxyType({name: reward(document, spans, sizes).value for name, reward in rewards.items()}),
        # A transcript states no sizes: only its boundaries matter, so no chunk of it can be over a limit.
        broken=violations(document, spans, count, line.max_tokens),
        elapsed_s=elapsed_s,
    )


def summarise(results: Sequence[DocumentResult]) -> dict[str, Any]:
    """Means over documents, in all, for `headed` and `transcripts` (`groups`), and by source (`sources`).

    `intervals` are 95 % bootstrap intervals over documents.

    Raises:
        UsageError: no results.
    """
    if not results:
        raise UsageError("there is nothing to evaluate: no gold lines.", remedy="Give a file of gold lines.")
    groups: dict[str, list[DocumentResult]] = defaultdict(list)
    sources: dict[str, list[DocumentResult]] = defaultdict(list)
    for result in results:
        groups["transcripts" if result.transcript else "headed"].append(result)
        sources[result.source].append(result)
    return _summary(results) | {
        "groups": {name: _summary(part) for name, part in sorted(groups.items())},
        "sources": {name: _summary(part) for name, part in sorted(sources.items())},
    }


def paired_difference(
    ours: Sequence[DocumentResult], theirs: Sequence[DocumentResult], metric: str = "boundary_f1"
) -> tuple[float, float, float]:
    """Mean of ours − theirs by document, and the ends of its 95 % bootstrap interval.

    Raises:
        UsageError: the results are not about the same lines in the same order.
    """
    if not ours or [r.id for r in ours] != [r.id for r in theirs]:
        raise UsageError("the two results are about different lines.", remedy="Evaluate both on the same gold lines.")
    differences = [getattr(a.scores, metric) - getattr(b.scores, metric) for a, b in zip(ours, theirs, strict=True)]
    return (_mean(differences), *bootstrap_interval(differences))


def _summary(results: Sequence[DocumentResult]) -> dict[str, Any]:
    scores = [asdict(r.scores) for r in results]
    elapsed_s = sum(r.elapsed_s for r in results)
    names = results[0].rewards
    intervals = {m: bootstrap_interval([s[m] for s in scores]) for m in ("boundary_f1", "boundary_similarity")}
    return {
        "documents": len(results),
        **{metric: round(_mean([s[metric] for s in scores]), 6) for metric in _METRICS},
        "rewards": {name: round(_mean([r.rewards[name] for r in results]), 6) for name in names},
        "over_limit": sum(r.broken.over_limit for r in results),
        "orphan_headings": sum(r.broken.orphan_headings for r in results),
        "lost_characters": sum(r.broken.lost_characters for r in results),
        "blocks_per_s": round(sum(r.blocks for r in results) / max(elapsed_s, 1e-9), 1),
        "blocks": sum(r.blocks for r in results),
        "chunks": sum(r.chunks for r in results),
        "intervals": {metric: [round(end, 6) for end in ends] for metric, ends in intervals.items()},
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
