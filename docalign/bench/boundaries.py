"""Boundary quality and promises kept, of every peer on the same gold lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from docalign.bench.ask import Ask, Cut, Peer, SizeChoice
from docalign.bench.guarantees import Kept, kept_promises
from docalign.bench.place import place
from docalign.bench.registry import OURS
from docalign.evaluate.boundaries import BoundaryScores, bootstrap_interval, boundary_scores
from docalign.evaluate.spans import starts_of
from docalign.train.gold import GoldLine

__all__ = [
    "CURVE_ARMS",
    "METRICS",
    "Row",
    "asked",
    "by_condition",
    "choose_sizes",
    "error_curve",
    "kept_in_all",
    "measure_lines",
    "summary",
]

CURVE_ARMS: Final = (OURS, "rules alone", "rules in place of the LLM")
METRICS: Final = ("boundary_f1", "pk", "windowdiff", "boundary_similarity")


@dataclass(frozen=True, slots=True)
class Row:
    """One peer on one line; `error` says how it failed, and then it has no boundary but the first."""

    scores: BoundaryScores
    kept: Kept
    seconds: float
    error: str | None = None


def asked(line: GoldLine, size: SizeChoice) -> Ask:
    target, limit = line.sizes
    return Ask(line.document, target, limit, line.counter, size, free=line.is_transcript)


def measure_lines(lines: Sequence[GoldLine], cut: Cut, size: SizeChoice) -> list[Row]:
    """One peer on every line. A peer that fails on a line answers one chunk, and the failure is counted."""
    return [_measure(line, cut, size) for line in lines]


def _measure(line: GoldLine, cut: Cut, size: SizeChoice) -> Row:
    ask = asked(line, size)
    begun, error = time.perf_counter(), None
    try:
        pieces = list(cut(ask))
    except Exception as failure:  # noqa: BLE001 - other people's code may fail in any way, and is reported
        pieces, error = [], f"{type(failure).__name__}: {str(failure)[:160]}"
    seconds = time.perf_counter() - begun
    found = place(line.document, pieces)
    starts = starts_of(line.document, found.tiles)
    scores = boundary_scores(starts, line.starts, len(line.document.blocks))
    limit = None if line.is_transcript else ask.limit
    return Row(scores, kept_promises(line.document, found, ask.count, limit, len(pieces)), seconds, error)


def choose_sizes(lines: Sequence[GoldLine], cuts: Mapping[Peer, Cut]) -> dict[str, SizeChoice]:
    """For peers that take one size: target or limit, whichever gives the better F1 on these lines."""
    choice: dict[str, SizeChoice] = {}
    for peer, cut in cuts.items():
        if not peer.one_size:
            continue
        means = {size: sum(r.scores.boundary_f1 for r in measure_lines(lines, cut, size)) for size in _SIZES}
        choice[peer.name] = "limit" if means["limit"] > means["target"] else "target"
    return choice


_SIZES: Final[tuple[SizeChoice, ...]] = ("target", "limit")


def summary(rows: Sequence[Row], ours: Sequence[Row]) -> dict[str, Any]:
    """Means with bootstrap intervals, and how far docalign is ahead on the same lines (a paired bootstrap).

    `rows` may be of the first lines only.
    """
    value: dict[str, Any] = {"windows": len(rows)}
    for metric in METRICS:
        values = [getattr(r.scores, metric) for r in rows]
        value[metric] = _mean(values)
        value[f"{metric}_interval"] = _ends(bootstrap_interval(values))
    ahead = [a.scores.boundary_f1 - b.scores.boundary_f1 for a, b in zip(ours[: len(rows)], rows, strict=True)]
    low, high = bootstrap_interval(ahead)
    value["docalign_ahead"] = {"f1": _mean(ahead), "low": round(low, 4), "high": round(high, 4)}
    value["failures"] = sum(r.error is not None for r in rows)
    first = next((r.error for r in rows if r.error), None)
    return value | ({"first_failure": first} if first else {})


def _summaries(rows: Mapping[Peer, Sequence[Row]]) -> dict[str, Any]:
    ours = next(found for peer, found in rows.items() if peer.name == OURS)
    return {peer.name: summary(found, ours) for peer, found in rows.items()}


def by_condition(
    gold: Mapping[str, Sequence[GoldLine]], cuts: Mapping[Peer, Cut], sizes: Mapping[str, SizeChoice],
    generative: int, say: Callable[[str], None],
) -> tuple[dict[str, Any], dict[str, dict[Peer, list[Row]]]]:  # fmt: skip
    """The report of every condition, and the rows it was made of."""
    report: dict[str, Any] = {}
    all_rows: dict[str, dict[Peer, list[Row]]] = {}
    for condition, lines in gold.items():
        rows: dict[Peer, list[Row]] = {}
        for peer, cut in cuts.items():
            if condition not in (_GENERATIVE_ON if peer.generative else _SLOW_ON if peer.slow else gold):
                continue
            say(f"{condition}: {peer.name}")
            some = lines[:generative] if peer.generative else lines
            rows[peer] = measure_lines(some, cut, sizes.get(peer.name, "target"))
        report[condition] = {"windows": len(lines), "arms": _summaries(rows)}
        all_rows[condition] = rows
    return report, all_rows


_GENERATIVE_ON: Final = ("headless",)
_SLOW_ON: Final = ("digital", "ocr", "headless")
"""Peers that run a model over every sentence are measured where it matters; marked and bare texts are alike to them."""


def error_curve(
    curve: Mapping[float, Sequence[GoldLine]], cuts: Mapping[Peer, Cut], sizes: Mapping[str, SizeChoice],
    say: Callable[[str], None],
) -> list[dict[str, Any]]:  # fmt: skip
    """F1 of every peer at every rate of misread characters; the slow ones are left out."""
    points = []
    for rate, lines in curve.items():
        if not lines:
            continue
        say(f"misread characters: {rate:.0%}")
        arms = {}
        for peer, cut in cuts.items():
            if not peer.slow and (not peer.ours or peer.name in CURVE_ARMS):
                values = [r.scores.boundary_f1 for r in measure_lines(lines, cut, sizes.get(peer.name, "target"))]
                arms[peer.name] = {"f1": _mean(values), "interval": _ends(bootstrap_interval(values))}
        points.append({"error_rate": rate, "windows": len(lines), "arms": arms})
    return points


def kept_in_all(rows: Mapping[str, Mapping[Peer, Sequence[Row]]]) -> dict[str, Kept]:
    """Promises of every peer, added up over all conditions."""
    total: dict[str, Kept] = {}
    for by_peer in rows.values():
        for peer, found in by_peer.items():
            for row in found:
                kept = replace(row.kept, failures=int(row.error is not None))
                total[peer.name] = total[peer.name] + kept if peer.name in total else kept
    return total


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)


def _ends(interval: tuple[float, float]) -> list[float]:
    return [round(end, 4) for end in interval]
