"""`docalign eval`: gold lines in, one report out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from docalign.commands.results import write_stdout
from docalign.errors import UsageError
from docalign.output.jsonout import dump

if TYPE_CHECKING:
    from docalign.config import Settings
    from docalign.evaluate.run import SpanChunker
    from docalign.train.gold import GoldLine

__all__ = ["run_eval"]

_OURS: Final = "docalign"
_FORMATS: Final = ("text", "json")


def run_eval(gold: Sequence[str], *, chunker: str, format: str, settings: Settings) -> None:  # noqa: A002
    """Chunk every gold line and print the scores: a table for people, or the whole object as JSON.

    Raises:
        UsageError: no such chunker or format, or no lines.
        DocalignError: a file that cannot be read, a line that is no gold, a model that is not there.
    """
    from docalign.evaluate.run import evaluate
    from docalign.train.gold import read_gold

    if format not in _FORMATS:
        raise UsageError(f"there is no report format {format!r}.", remedy=f"Choose one of {', '.join(_FORMATS)}.")
    chunk = _span_chunker(chunker, settings)
    report = evaluate(itertools.chain.from_iterable(read_gold(path) for path in gold), chunk)
    write_stdout(dump(report, indent=2) + b"\n" if format == "json" else _table(report).encode("utf-8"))


def _span_chunker(name: str, settings: Settings) -> SpanChunker:
    from docalign.evaluate.rules import RULES
    from docalign.evaluate.run import by_rule

    if name in RULES:
        return by_rule(RULES[name])
    if name != _OURS:
        known = ", ".join([_OURS, *RULES])
        raise UsageError(f"there is no chunker {name!r}.", remedy=f"Choose one of {known}.")
    return _our_chunker(settings)


def _our_chunker(settings: Settings) -> SpanChunker:
    """The model, asked for each line's own sizes, counted as the line says; without sizes where the line has none."""
    from docalign.chunker import Chunker, ChunkOptions

    chunker = Chunker.load(settings.model.path)

    def chunk(line: GoldLine) -> list[tuple[int, int]]:
        target, limit = (None, None) if line.is_transcript else line.sizes
        options = ChunkOptions(max_tokens=limit, target_tokens=target, tokenizer=line.counter)
        return [(c.start, c.end) for c in chunker.chunk(line.document, options)]

    return chunk


def _table(report: Mapping[str, Any]) -> str:
    columns = ("documents", "boundary_f1", "pk", "windowdiff", "boundary_similarity")
    broken = ("over_limit", "orphan_headings", "lost_characters")
    rows = [("all", report), *report.get("groups", {}).items(), *report.get("sources", {}).items()]
    width = max(len(name) for name, _ in rows)
    lines = [f"{'':<{width}}  " + "  ".join(columns)]
    for name, part in rows:
        cells = [f"{part[c]:>{len(c)}.3f}" if isinstance(part[c], float) else f"{part[c]:>{len(c)}}" for c in columns]
        lines.append(f"{name:<{width}}  " + "  ".join(cells))
    lines.append("")
    lines += [f"{name.replace('_', ' ')}: {report[name]}" for name in broken]
    lines.append(f"blocks per second: {report['blocks_per_s']}")
    lines += [f"reward {name}: {value:.3f}" for name, value in report["rewards"].items()]
    return "\n".join(lines) + "\n"
