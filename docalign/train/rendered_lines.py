"""Gold lines of rendered copies: draws of the mixture, printed or scanned, ingested, with their gold carried over.

A copy whose gold cannot be found again on its blocks is dropped and counted: training on misplaced starts teaches
noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from docalign.document import Document
from docalign.errors import DocalignError
from docalign.train.gold import GoldLine
from docalign.train.mixture import Draw
from docalign.train.rendered import Mode, rendered_gold

__all__ = ["MIN_QUALITY", "RenderCounts", "rendered_lines"]

MIN_QUALITY: Final = 0.9
"""Share of words matched times share of starts placed, under which a copy is dropped."""
_MIN_STARTS: Final = 2


@dataclass
class RenderCounts:
    """How many copies were kept, dropped for bad alignment, or could not be made."""

    kept: int = 0
    misaligned: int = 0
    failed: int = 0


def rendered_lines(draws: Iterable[Draw], mode: Mode, number: int, counts: RenderCounts) -> Iterator[GoldLine]:
    """`number` gold lines on rendered copies. A printed heading looks like one, so the bare condition is left out."""
    for draw in draws:
        if counts.kept >= number:
            return
        condition = "marked" if draw.condition == "bare" else draw.condition
        line = replace(draw, condition=condition).line()
        if line is None or line.is_transcript:
            continue
        source = {"id": line.id, "title": line.document.source, "blocks": _as_corpus(line.document)}
        try:
            copy, starts, quality = rendered_gold(source, line.starts, seed=draw.seed, mode=mode)
        except DocalignError:
            counts.failed += 1
            continue
        if quality < MIN_QUALITY or len(starts) < _MIN_STARTS:
            counts.misaligned += 1
            continue
        counts.kept += 1
        yield replace(
            line,
            id=f"{line.id}~{mode}",
            document=copy,
            starts=starts,
            condition=f"{mode}-{condition}",
            alignment=round(quality, 4),
        )


def _as_corpus(document: Document) -> list[dict[str, object]]:
    return [{"kind": b.kind, "level": b.level, "text": document.block_text(b)} for b in document.blocks]
