"""Chunk: a stretch of a document's text with everything that points back, and the checks behind the promises.

`violations` is the one place that says what a broken promise is; property tests, `docalign eval` and the
benchmarks all call it. It does not decide where chunks start: that is `chunker/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from docalign.document import Document, Region

__all__ = ["Chunk", "Violations", "violations"]

SCHEMA: Final = "docalign.chunk/1"


@dataclass(frozen=True, slots=True)
class Chunk:
    """`document.text[start:end]`, counted in tokens of the counter the user chose.

    `boundary` is the probability (0–1) that a chunk starts here under the legal policy; 1.0 for the
    first chunk and for a cut the limit forced. `confidence` is the mean OCR confidence (0–1).
    """

    id: str
    doc: str
    index: int
    text: str
    start: int
    end: int
    tokens: int
    headings: tuple[str, ...]
    pages: tuple[int, ...]
    boxes: tuple[Region, ...]
    blocks: tuple[int, ...]
    confidence: float | None
    boundary: float
    embed_text: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The fixed `docalign.chunk/1` object; `embed_text` only where it was asked for."""
        value: dict[str, Any] = {
            "schema": SCHEMA,
            "id": self.id,
            "doc": self.doc,
            "index": self.index,
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "tokens": self.tokens,
            "headings": list(self.headings),
            "pages": list(self.pages),
            "boxes": [{"page": r.page, "box": list(r.box)} for r in self.boxes],
            "blocks": list(self.blocks),
            "confidence": self.confidence,
            "boundary": self.boundary,
        }
        if self.embed_text is not None:
            value["embed_text"] = self.embed_text
        return value


@dataclass(frozen=True, slots=True)
class Violations:
    """How often a chunking breaks a promise; all zero when it keeps them."""

    lost_characters: int
    over_limit: int
    orphan_headings: int

    def __bool__(self) -> bool:
        return bool(self.lost_characters or self.over_limit or self.orphan_headings)


def violations(
    document: Document, spans: Sequence[tuple[int, int]], count: Callable[[str], int], max_tokens: int | None
) -> Violations:
    """Count broken promises of a chunking given as `(start, end)` spans of the text.

    Args:
        count: text → tokens, the counter the user chose.
        max_tokens: the limit; None when there is none (then orphans are always avoidable).
    """
    text = document.text
    position = lost = 0
    for start, end in spans:
        lost += abs(start - position)
        position = end
    lost += abs(len(text) - position)
    over = 0 if max_tokens is None else sum(count(text[s:e]) > max_tokens for s, e in spans)
    return Violations(lost, over, len(avoidable_orphans(document, spans, count, max_tokens)))


def avoidable_orphans(
    document: Document, spans: Sequence[tuple[int, int]], count: Callable[[str], int], max_tokens: int | None
) -> list[int]:
    """Ids of headings that end a chunk although there was room for something of what follows.

    A heading belongs to its run (headings with nothing between them). The cut after it is avoidable when
    the whole run and the first word after it fit the limit together; for the last heading of a run that is too
    long for that, when the heading alone and the first word fit. A heading at the end of the document is none.
    """
    blocks, text = document.blocks, document.text
    starts = {s for s, _ in spans}
    orphans = []
    for i in range(len(blocks) - 1):
        if blocks[i].kind != "heading" or not any_start(starts, blocks[i].end, blocks[i + 1].start):
            continue
        first, last = i, i
        while first > 0 and blocks[first - 1].kind == "heading":
            first -= 1
        while last + 1 < len(blocks) and blocks[last + 1].kind == "heading":
            last += 1
        if last + 1 == len(blocks):
            word_end = blocks[last].end
        else:
            following = blocks[last + 1]
            words = text[following.start : following.end].split(maxsplit=1)
            word_end = following.start + len(words[0]) if words else following.end
        fits_run = max_tokens is None or count(text[blocks[first].start : word_end]) <= max_tokens
        fits_last = i == last and (max_tokens is None or count(text[blocks[i].start : word_end]) <= max_tokens)
        if fits_run or fits_last:
            orphans.append(i)
    return orphans


def any_start(starts: set[int], low: int, high: int) -> bool:
    """Whether a chunk starts in `low..high` (inclusive): between the end of one block and the start of the next."""
    return any(p in starts for p in range(low, high + 1))
