"""`docalign eval`: gold lines in, one report out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.commands.results import out_path, write_result
from docalign.errors import UsageError
from docalign.output.jsonout import dump

if TYPE_CHECKING:
    from docalign.config import Settings
    from docalign.evaluate.run import SpanChunker
    from docalign.train.gold import GoldLine

__all__ = ["our_chunker", "run_eval"]

_OURS: Final = "docalign"
_FORMATS: Final = ("text", "json", "html")


def run_eval(
    gold: Sequence[str],
    *,
    chunker: str,
    format: str,  # noqa: A002
    out: str | None,
    settings: Settings,
) -> None:
    """Chunk every gold line and write the scores: a table for people, the whole object as JSON, or an HTML page.

    Raises:
        UsageError: no such chunker or format, or no lines.
        DocalignError: a file that cannot be read, a line that is no gold, a model that is not there.
    """
    from docalign.evaluate.run import evaluate
    from docalign.train.gold import read_gold

    if format not in _FORMATS:
        raise UsageError(f"there is no report format {format!r}.", remedy=f"Choose one of {', '.join(_FORMATS)}.")
    place = out_path(out, gold)
    chunk = _span_chunker(chunker, settings)
    report = evaluate(itertools.chain.from_iterable(read_gold(path) for path in gold), chunk)
    title = f"{chunker} on {', '.join(Path(path).name for path in gold)}"
    write_result(_render(report, format, title), place)


def _render(report: Mapping[str, Any], format: str, title: str) -> bytes:  # noqa: A002
    if format == "json":
        return dump(report, indent=2) + b"\n"
    if format == "text":
        return _table(report).encode("utf-8")
    from docalign.evaluate.report import report_html

    return report_html(report, title=title).encode("utf-8", "replace")


def _span_chunker(name: str, settings: Settings) -> SpanChunker:
    from docalign.evaluate.rules import RULES
    from docalign.evaluate.run import by_rule

    if name in RULES:
        return by_rule(RULES[name])
    if name != _OURS:
        known = ", ".join([_OURS, *RULES])
        raise UsageError(f"there is no chunker {name!r}.", remedy=f"Choose one of {known}.")
    return our_chunker(settings)


def our_chunker(settings: Settings) -> SpanChunker:
    """The model, asked for each line's own sizes, counted as the line says; without sizes where the line has none."""
    from docalign.chunker import Chunker, ChunkOptions
    from docalign.evaluate.run import Chunking

    chunker = Chunker.load(settings.model.path)

    def chunk(line: GoldLine) -> Chunking:
        target, limit = (None, None) if line.is_transcript else line.sizes
        options = ChunkOptions(max_tokens=limit, target_tokens=target, tokenizer=line.counter)
        chunks, boundaries = chunker.chunk_with_boundaries(line.document, options)
        return Chunking([(c.start, c.end) for c in chunks], boundaries.tolist())

    return chunk


def _table(report: Mapping[str, Any]) -> str:
    columns = ("documents", "boundary_f1", "pk", "windowdiff", "boundary_similarity")
    broken = ("over_limit", "orphan_headings", "lost_characters")
    parts = [report.get(key, {}) for key in ("groups", "domains", "sources", "forms", "sizes")]
    rows = [("all", report), *(row for part in parts if len(part) > 1 for row in part.items())]
    width = max(len(name) for name, _ in rows)
    lines = [f"{'':<{width}}  " + "  ".join(columns)]
    for name, part in rows:
        cells = [f"{part[c]:>{len(c)}.3f}" if isinstance(part[c], float) else f"{part[c]:>{len(c)}}" for c in columns]
        lines.append(f"{name:<{width}}  " + "  ".join(cells))
    lines.append("")
    lines += [f"{name.replace('_', ' ')}: {report[name]}" for name in broken]
    lines.append(f"blocks per second: {report['blocks_per_s']}")
    lines += [f"reward {name}: {value:.3f}" for name, value in report["rewards"].items()]
    if "calibration" in report:
        found = report["calibration"]
        lines.append(f"calibration error {found['expected_calibration_error']:.4f}, Brier {found['brier']:.4f}")
    return "\n".join(lines) + "\n"
