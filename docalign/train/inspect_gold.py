"""Gold under a magnifying glass: every bad line with its reason, and the numbers that tell whether gold is balanced.

`train.gold` refuses the first bad line because training must not start; here all lines are looked at, so that a
person can mend them in one go.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from docalign.counting import counter
from docalign.errors import DocalignError, InvalidGoldError
from docalign.jsonl import JsonLinesError, read_json_lines
from docalign.train.gold import GoldLine

__all__ = ["GoldCheck", "check_gold", "gold_stats", "one_label"]

_QUARTILES: Final = 4
_MIN_LABELS: Final = 0.005


@dataclass(slots=True)
class GoldCheck:
    """`errors` are lines no training takes; `warnings` are lines or facts a person should look at."""

    lines: int = 0
    errors: list[DocalignError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_gold(paths: Sequence[str | Path]) -> GoldCheck:
    """Look at every line of the files.

    Raises:
        MissingInputError: a file cannot be read.
    """
    check = GoldCheck()
    seen: dict[str, str] = {}
    starts = blocks = 0
    for path in paths:
        before = check.lines
        for where, line in _lines(path, check):
            check.lines += 1
            starts += len(line.starts) - 1
            blocks += len(line.document.blocks) - 1
            if line.id in seen:
                check.warnings.append(f"{where}: the id {line.id!r} was used by {seen[line.id]} already.")
            seen.setdefault(line.id, where)
            check.warnings += [f"{where}: {doubt}" for doubt in _doubts(line)]
        if check.lines == before and not check.errors:
            check.errors.append(
                _error("the file holds no gold lines.", str(path), "Write docalign.gold/1 lines to it.")
            )
    if check.lines and (problem := _one_label(starts, blocks, paths)):
        check.errors.append(problem)
    return check


def one_label(windows: Iterable[Mapping[str, Any]], paths: Sequence[str | Path]) -> InvalidGoldError | None:
    """What is wrong with training windows (0/1 `starts` by block) that hold one label only; None if nothing is."""
    starts = blocks = 0
    for window in windows:
        starts += sum(window["starts"]) - 1
        blocks += len(window["starts"]) - 1
    return _one_label(starts, blocks, paths)


def _one_label(starts: int, blocks: int, paths: Sequence[str | Path]) -> InvalidGoldError | None:
    if _MIN_LABELS * blocks < starts < (1 - _MIN_LABELS) * blocks:
        return None
    which = "no block but the first starts a chunk" if not starts else f"{starts} of {blocks} blocks start a chunk"
    text = f"in all lines together {which}: there is one label only, and nothing to learn."
    return _error(text, ", ".join(map(str, paths)), "Give lines with more than one chunk of some blocks.")


def _error(what: str, where: str, remedy: str) -> InvalidGoldError:
    return InvalidGoldError(what, source=where, remedy=remedy)


def _lines(path: str | Path, check: GoldCheck) -> Iterator[tuple[str, GoldLine]]:
    try:
        for where, value in read_json_lines(path, on_bad=lambda error: check.errors.append(_no_json(error))):
            try:
                yield where, GoldLine.from_json(value, where=where)
            except InvalidGoldError as error:
                check.errors.append(error)
    except JsonLinesError as error:
        check.errors.append(_no_json(error))


def _no_json(error: JsonLinesError) -> InvalidGoldError:
    return _error(error.what, error.where, "Write one JSON object a line.")


def _doubts(line: GoldLine) -> Iterator[str]:
    """Gold that can be trained on and is probably a mistake."""
    document = line.document
    if len(document.blocks) < 2:
        yield "the document has one block: there is nothing to decide."
        return
    edges = [*line.starts, len(document.blocks)]
    for first, end in pairwise(edges):
        last = document.blocks[end - 1]
        if last.kind == "heading" and end < len(document.blocks):
            yield f"the chunk of blocks {first}–{end - 1} ends with the heading {document.block_text(last)[:40]!r}."
    if line.max_tokens is None:
        return
    try:
        count = counter(line.counter)
    except DocalignError as error:
        yield f"its lengths were not looked at: {error.what}"
        return
    for first, end in pairwise(edges):
        size = count(document.text[document.blocks[first].start : document.blocks[end - 1].end])
        if size > line.max_tokens and end - first > 1:
            yield f"the chunk of blocks {first}–{end - 1} has {size} tokens, more than max_tokens {line.max_tokens}."


def gold_stats(lines: Iterable[GoldLine]) -> dict[str, Any]:
    """Numbers over all lines, and by domain, source and condition.

    Returns:
        For `all` and for each group: `lines`, `documents`, `blocks`, `chunks`, `start_share` (of the blocks that may
        start a chunk or not), `headings` (share of blocks), `chunk_blocks` and `chunk_tokens` (quartiles; tokens by the
        line's own counter), `over_target` (share of chunks over their line's target).
    """
    groups: defaultdict[tuple[str, str], _Group] = defaultdict(_Group)
    for line in lines:
        names = {"all": "all", "domain": line.domain, "source": line.source, "condition": line.condition}
        sizes = _sizes(line)
        for group, name in names.items():
            if name is not None:
                groups[group, name].add(line, sizes)
    report: dict[str, Any] = {"all": groups["all", "all"].as_json()} if groups else {}
    for (group, name), found in sorted(groups.items()):
        if group != "all":
            report.setdefault(group, {})[name] = found.as_json()
    return report


def _sizes(line: GoldLine) -> list[int]:
    count, document = counter(line.counter), line.document
    edges = pairwise([*line.starts, len(document.blocks)])
    return [count(document.text[document.blocks[a].start : document.blocks[b - 1].end]) for a, b in edges]


@dataclass(slots=True)
class _Group:
    lines: int = 0
    documents: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    chunk_blocks: list[int] = field(default_factory=list)
    chunk_tokens: list[int] = field(default_factory=list)
    over_target: int = 0

    def add(self, line: GoldLine, sizes: Sequence[int]) -> None:
        self.lines += 1
        self.documents.add(line.document.source)
        self.kinds.update(b.kind for b in line.document.blocks)
        self.chunk_blocks += [b - a for a, b in pairwise([*line.starts, len(line.document.blocks)])]
        self.chunk_tokens += sizes
        self.over_target += sum(line.target_tokens is not None and s > line.target_tokens for s in sizes)

    def as_json(self) -> dict[str, Any]:
        blocks, chunks = self.kinds.total(), len(self.chunk_blocks)
        return {
            "lines": self.lines,
            "documents": len(self.documents),
            "blocks": blocks,
            "chunks": chunks,
            "start_share": round((chunks - self.lines) / max(1, blocks - self.lines), 4),
            "headings": round(self.kinds["heading"] / max(1, blocks), 4),
            "chunk_blocks": _quartiles(self.chunk_blocks),
            "chunk_tokens": _quartiles(self.chunk_tokens),
            "over_target": round(self.over_target / max(1, chunks), 4),
        }


def _quartiles(values: Sequence[int]) -> list[int]:
    return [round(q) for q in quantiles(values, n=_QUARTILES, method="inclusive")] if len(values) > 1 else [*values] * 3
