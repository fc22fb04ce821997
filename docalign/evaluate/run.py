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
from docalign.evaluate.calibration import calibrate
from docalign.evaluate.rules import Rule
from docalign.evaluate.spans import spans_of, starts_of
from docalign.rewards.reward import Reward, Sizes, Span
from docalign.rewards.rules import RULE_REWARDS
from docalign.train.gold import GoldLine

__all__ = [
    "Chunking",
    "DocumentResult",
    "SpanChunker",
    "by_rule",
    "evaluate",
    "evaluate_line",
    "paired_difference",
    "summarise",
]


@dataclass(frozen=True, slots=True)
class Chunking:
    """A chunker's answer with the probability that a chunk starts at each block, `(blocks,)`."""

    spans: Sequence[Span]
    boundaries: Sequence[float]


SpanChunker = Callable[[GoldLine], Sequence[Span] | Chunking]
"""Gold line → spans of its document's text, which it must chunk to `line.sizes` counted by `line.counter`."""

_SIZE_EDGES: Final = (150, 300, 600)
_METRICS: Final = ("boundary_f1", "precision", "recall", "pk", "windowdiff", "boundary_similarity")


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """What one document contributes. `elapsed_s` is the chunker's own time; `rewards` are 0–1 by name, those that
    had something to judge.

    `form` is how its blocks came about (`plain`, `native`, `pdf`, `scan`), `size` the range its target lies in.
    `calibration` pairs the probability of a start with the truth, by block, where the chunker gives probabilities.
    """

    id: str
    source: str
    domain: str
    form: str
    size: str
    transcript: bool
    blocks: int
    chunks: int
    scores: BoundaryScores
    rewards: Mapping[str, float]
    broken: Violations
    elapsed_s: float
    calibration: tuple[tuple[float, bool], ...] = ()


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
    answer = chunk(line)
    spans = tuple(answer.spans if isinstance(answer, Chunking) else answer)
    elapsed_s = perf_counter() - began
    scores = {name: reward(document, spans, sizes) for name, reward in rewards.items()}
    return DocumentResult(
        id=line.id,
        source=line.source,
        domain=line.domain or "none",
        form=_form(line),
        size=_size(line),
        transcript=line.is_transcript,
        blocks=len(document.blocks),
        chunks=len(spans),
        scores=boundary_scores(starts_of(document, spans), line.starts, len(document.blocks)),
        rewards=MappingProxyType({n: s.value for n, s in scores.items() if s.applies}),
        # A transcript states no sizes: only its boundaries matter, so no chunk of it can be over a limit.
        broken=violations(document, spans, count, line.max_tokens),
        elapsed_s=elapsed_s,
        calibration=_pairs(answer, line) if isinstance(answer, Chunking) else (),
    )


def _pairs(answer: Chunking, line: GoldLine) -> tuple[tuple[float, bool], ...]:
    gold = set(line.starts)
    return tuple((float(p), i in gold) for i, p in enumerate(answer.boundaries) if i)


def _form(line: GoldLine) -> str:
    form = (line.condition or "").split("-", 1)[0]
    if form in ("native", "pdf", "scan"):
        return form
    if any(page.ocr for page in line.document.pages):
        return "scan"
    return "pdf" if line.document.pages else "plain"


def _size(line: GoldLine) -> str:
    if line.is_transcript:
        return "none"
    target = line.sizes[0]
    edges = [0, *_SIZE_EDGES]
    low, high = max(e for e in edges if e < target), next((e for e in _SIZE_EDGES if e >= target), None)
    return f"target {low + 1}–{high}" if high else f"target over {low}"


def summarise(results: Sequence[DocumentResult]) -> dict[str, Any]:
    """Means over documents: in all, for `headed` and `transcripts` (`groups`), and by `sources`, `domains`, `forms`
    (plain, native, pdf, scan) and `sizes` (ranges of the target).

    `intervals` are 95 % bootstrap intervals over documents. `calibration` says what the boundary probabilities are
    worth, where the chunker gives any.

    Raises:
        UsageError: no results.
    """
    if not results:
        raise UsageError("there is nothing to evaluate: no gold lines.", remedy="Give a file of gold lines.")
    calibration = calibrate(pair for r in results for pair in r.calibration)
    return (
        _summary(results)
        | {
            "groups": _parts(results, lambda r: "transcripts" if r.transcript else "headed"),
            "sources": _parts(results, lambda r: r.source),
            "domains": _parts(results, lambda r: r.domain),
            "forms": _parts(results, lambda r: r.form),
            "sizes": _parts(results, lambda r: r.size),
        }
        | ({"calibration": calibration.to_json()} if calibration else {})
    )


def _parts(results: Sequence[DocumentResult], name_of: Callable[[DocumentResult], str]) -> dict[str, Any]:
    parts: dict[str, list[DocumentResult]] = defaultdict(list)
    for result in results:
        parts[name_of(result)].append(result)
    return {name: _summary(part) for name, part in sorted(parts.items())}


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
    rewards: dict[str, list[float]] = defaultdict(list)
    for result in results:
        for name, value in result.rewards.items():
            rewards[name].append(value)
    intervals = {m: bootstrap_interval([s[m] for s in scores]) for m in _METRICS}
    return {
        "documents": len(results),
        **{metric: round(_mean([s[metric] for s in scores]), 6) for metric in _METRICS},
        "rewards": {name: round(_mean(values), 6) for name, values in rewards.items()},
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
