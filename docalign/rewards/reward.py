"""Reward: what every judge of a chunking looks like, whether rule, person, model or retrieval.

A reward reads a document, the spans somebody chunked it into and the sizes that were asked for, and answers a score
with its reasons. It never sees who made the chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from docalign.document import Document
from docalign.errors import UsageError

__all__ = ["NOT_JUDGED", "Loss", "Prepared", "Reward", "Score", "Sizes", "Span", "check_tiling", "lose"]

Span = tuple[int, int]
"""Start and end of a chunk in the document's text."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What was asked for: target and limit in tokens, and what counts them. None: no such size was asked for."""

    target_tokens: int | None
    max_tokens: int | None
    count: Callable[[str], int]

    def over(self, tokens: float) -> bool:
        """Whether a chunk of so many tokens is over the limit."""
        return self.max_tokens is not None and tokens > self.max_tokens


@dataclass(frozen=True, slots=True)
class Loss:
    """Points (of the 1 a score can have) that chunk `chunk`, counted from 0, costs, and why."""

    chunk: int
    points: float
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """A score (0 worst, 1 best) and, for every point lost, a sentence that says where and why.

    `losses` are the same reasons by chunk, where the reward can say which. `applies` is False where the document holds
    nothing to judge (no list, no heading, …); it never depends on the chunking, or not being judged would be a way to
    score. `flags` are remarks that cost nothing.
    """

    value: float
    reasons: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    applies: bool = True
    flags: tuple[str, ...] = ()


NOT_JUDGED = Score(1.0, applies=False)
"""The score where there is nothing to judge."""


class Reward(Protocol):
    """Scores the chunking `spans` of `document`. Deterministic and free of side effects."""

    def __call__(self, document: Document, spans: Sequence[Span], sizes: Sizes) -> Score: ...


class Prepared(Protocol):
    """A reward that has read one document: scores many chunkings of it, given as ids of the blocks that start a chunk.

    A reward that has a method `prepare(document, sizes)` returning this is asked once for all chunkings of a window;
    None says that the reward does not apply to the document.
    """

    def values(self, chunkings: Sequence[Sequence[int]]) -> Sequence[float]: ...


def lose(losses: Sequence[Loss], of: float, *, flags: Sequence[str] = ()) -> Score:
    """A score of 1 less each loss's share of `of`, at least 0. Losses that would go below 0 are scaled together."""
    losses = [loss for loss in losses if loss.points > 0]
    total = sum(loss.points for loss in losses)
    scale = 1.0 / max(of, total, 1e-12)
    scaled = tuple(Loss(loss.chunk, loss.points * scale, loss.reason) for loss in losses)
    value = max(0.0, 1.0 - total / of) if total else 1.0
    return Score(value, tuple(loss.reason for loss in scaled), scaled, flags=tuple(flags))


def check_tiling(document: Document, spans: Sequence[Span]) -> None:
    """Make sure that the spans are a chunking: in order, none empty, all the text and nothing twice.

    Raises:
        UsageError: names the first span that does not start where the one before it ends.
    """
    position = 0
    for number, (start, end) in enumerate(spans):
        if start != position or end <= start:
            raise UsageError(
                f"chunk {number} spans {start}–{end}, but the text before it ends at {position}: these spans do not "
                "tile the text.",
                source=document.source,
                remedy="Give chunks that follow each other without gap or overlap.",
            )
        position = end
    if position != len(document.text):
        raise UsageError(
            f"the chunks end at {position}, the text at {len(document.text)}: these spans do not tile the text.",
            source=document.source,
            remedy="Give all chunks of the document, and the document they were made of.",
        )
