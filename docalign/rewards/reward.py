"""Reward: what every judge of a chunking looks like, whether rule, person, model or retrieval.

A reward reads a document, the spans somebody chunked it into and the sizes that were asked for, and answers a score
with its reasons. It never sees who made the chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from docalign.document import Document

__all__ = ["Reward", "Score", "Sizes", "Span"]

Span = tuple[int, int]
"""Start and end of a chunk in the document's text."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What was asked for: target and limit in tokens, and what counts them."""

    target_tokens: int
    max_tokens: int
    count: Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Score:
    """A score (0 worst, 1 best) and, for every point lost, a sentence that says where and why."""

    value: float
    reasons: tuple[str, ...] = ()


class Reward(Protocol):
    """Scores the chunking `spans` of `document`. Deterministic and free of side effects."""

    def __call__(self, document: Document, spans: Sequence[Span], sizes: Sizes) -> Score: ...
