"""A gold line as chunks, so that everything that shows chunks can show gold."""

from __future__ import annotations

from docalign.chunk import Chunk
from docalign.chunker.describe import describe
from docalign.chunker.segment import Segment
from docalign.counting import counter
from docalign.evaluate.spans import spans_of
from docalign.train.gold import GoldLine

__all__ = ["gold_chunks"]


def gold_chunks(line: GoldLine) -> list[Chunk]:
    """The chunks that the line's starts make, counted by the line's own counter; every `boundary` is 1.

    Raises:
        UsageError: the line's counter is unknown here.
    """
    document, count = line.document, counter(line.counter)
    segments = [
        Segment(
            start=start,
            end=end,
            tokens=count(document.text[start:end]),
            boundary=1.0,
            blocks=tuple(b.id for b in document.blocks if start <= b.start < end),
        )
        for start, end in spans_of(document, line.starts)
    ]
    return describe(document, segments, settings=f"gold {line.id} {document.sha256}")
