"""Which precision to export: each is measured on the user's own gold, in quality and speed, and the choice follows.

The fastest precision is chosen whose boundary F1 is at most `MOST_LOST` under that of fp32, by the mean over documents
(the interval is shown beside it). All precisions run on the same lines and windows in one process; speeds are taken in
turn, so that what else the machine does falls on all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any, Final

from docalign.chunker import Chunker, ChunkOptions
from docalign.chunker.context import Window, windows_of
from docalign.chunker.prompt import Renderer, hints_for
from docalign.counting import counter
from docalign.errors import UsageError
from docalign.evaluate.run import DocumentResult, evaluate_line, paired_difference
from docalign.models import info
from docalign.train.gold import GoldLine
from docalign.train.precisions import Precision

__all__ = ["MOST_LOST", "Measured", "choose", "measure", "table", "windows_for"]

MOST_LOST: Final = 0.005
_REPEATS: Final = 3
_PROBES: Final = 64


@dataclass(frozen=True, slots=True)
class Measured:
    """One precision: size of the graph, boundary F1 with its difference to fp32 by document, and run time speed.

    `same_label` is the share of slots with the label that torch in fp32 gives.
    """

    precision: Precision
    megabytes: float
    boundary_f1: float
    difference: float
    difference_interval: tuple[float, float]
    same_label: float
    mean_log_odds_difference: float
    window_tokens_per_s: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def windows_for(renderer: Renderer, lines: Sequence[GoldLine]) -> list[Window]:
    """Windows of the lines, as run time makes them; at most 64."""
    found: list[Window] = []
    for line in lines:
        document, count = line.document, counter(line.counter)
        target, limit = (None, None) if line.is_transcript else line.sizes
        sizes = [max(1, count(document.block_text(b))) for b in document.blocks]
        found += windows_of(document, hints_for(document, sizes, target, limit), renderer)
        if len(found) >= _PROBES:
            break
    return list(islice(found, _PROBES))


def measure(folders: dict[Precision, Path], lines: Sequence[GoldLine]) -> list[Measured]:
    """Measure exported folders, fp32 among them, on gold lines.

    Raises:
        UsageError: there are no lines.
    """
    if not lines:
        raise UsageError("there is no gold to compare on.", remedy="Give --compare GOLD with lines in it.")
    chunkers = {precision: Chunker.load(folder) for precision, folder in folders.items()}
    probes = windows_for(chunkers["fp32"].renderer, lines)
    results = {precision: [_result(chunker, line) for line in lines] for precision, chunker in chunkers.items()}
    speeds = _speeds(chunkers, probes)
    measured = []
    for precision, folder in folders.items():
        agreement = info(folder).config["agreement"]
        difference, low, high = paired_difference(results[precision], results["fp32"])
        measured.append(
            Measured(
                precision=precision,
                megabytes=round((folder / "model.onnx").stat().st_size / 1e6, 2),
                boundary_f1=round(mean(r.scores.boundary_f1 for r in results[precision]), 4),
                difference=round(difference, 4),
                difference_interval=(round(low, 4), round(high, 4)),
                same_label=agreement["same_label"],
                mean_log_odds_difference=agreement["mean_difference"],
                window_tokens_per_s=speeds[precision],
            )
        )
    return measured


def choose(measured: Sequence[Measured]) -> Precision:
    """The fastest precision that loses at most `MOST_LOST` of boundary F1; of equally fast ones the smallest."""
    good = [m for m in measured if m.difference >= -MOST_LOST]
    return max(good, key=lambda m: (m.window_tokens_per_s, -m.megabytes)).precision


def table(measured: Sequence[Measured], chosen: Precision) -> str:
    """The comparison for a terminal and for the card (Markdown)."""
    head = "| precision | MB | boundary F1 | against fp32 (95 %) | same label | window tokens/s |"
    rows = [head, "|---|---|---|---|---|---|"]
    for m in measured:
        low, high = m.difference_interval
        name = f"**{m.precision}**" if m.precision == chosen else m.precision
        rows.append(
            f"| {name} | {m.megabytes:.1f} | {m.boundary_f1:.4f} | {m.difference:+.4f} ({low:+.4f} to {high:+.4f}) | "
            f"{m.same_label:.4f} | {m.window_tokens_per_s:,.0f} |"
        )
    return "\n".join(rows)


def _result(chunker: Chunker, line: GoldLine) -> DocumentResult:
    def chunk(given: GoldLine) -> list[tuple[int, int]]:
        target, limit = (None, None) if given.is_transcript else given.sizes
        options = ChunkOptions(max_tokens=limit, target_tokens=target, tokenizer=given.counter)
        return [(c.start, c.end) for c in chunker.chunk(given.document, options)]

    return evaluate_line(line, chunk)


def _speeds(chunkers: dict[Precision, Chunker], probes: Sequence[Window]) -> dict[Precision, float]:
    """Window tokens a second, the median of repeats that take turns."""
    tokens = sum(len(w.ids) for w in probes)
    seconds: dict[Precision, list[float]] = {precision: [] for precision in chunkers}
    for repeat in range(_REPEATS + 1):
        for precision, chunker in chunkers.items():
            began = perf_counter()
            chunker.engine.log_odds(probes)
            if repeat:  # the first round warms up
                seconds[precision].append(perf_counter() - began)
    return {precision: round(tokens / median(spent), 1) for precision, spent in seconds.items()}
