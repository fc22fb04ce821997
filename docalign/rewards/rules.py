"""Rule rewards: what can be said of a chunking without asking anybody.

Each is a pure function with the signature of `Reward`. They say nothing about meaning: a chunking can satisfy all of
them and still cut an argument in two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from docalign.chunk import avoidable_orphans
from docalign.document import Document
from docalign.rewards.reward import Reward, Score, Sizes, Span

__all__ = ["BAND", "RULE_REWARDS", "headings_kept", "length_band", "within_limit"]

BAND: Final = (0.5, 1.25)
"""A chunk has a good length between these multiples of the target."""


def length_band(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of chunks whose length is within `BAND` of the target.

    The lower end does not hold for a document that is itself shorter and stays whole.
    """
    low, high = BAND[0] * sizes.target_tokens, BAND[1] * sizes.target_tokens
    lengths = [sizes.count(document.text[start:end]) for start, end in spans]
    if len(lengths) == 1:
        low = 0
    reasons = [
        f"chunk {i} has {n} tokens; {low:.0f}–{high:.0f} suit the target of {sizes.target_tokens}."
        for i, n in enumerate(lengths)
        if not low <= n <= high
    ]
    return _share_without(reasons, len(lengths))


def headings_kept(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of headings that do not end a chunk although there was room for something of what follows."""
    headings = sum(b.kind == "heading" for b in document.blocks)
    reasons = [
        f"the heading {document.block_text(document.blocks[i])[:60]!r} (block {i}) ends its chunk."
        for i in avoidable_orphans(document, spans, sizes.count, sizes.max_tokens)
    ]
    return _share_without(reasons, headings)


def within_limit(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of chunks that are not over the limit."""
    lengths = [sizes.count(document.text[start:end]) for start, end in spans]
    reasons = [
        f"chunk {i} has {n} tokens; the limit is {sizes.max_tokens}."
        for i, n in enumerate(lengths)
        if n > sizes.max_tokens
    ]
    return _share_without(reasons, len(lengths))


def _share_without(reasons: Sequence[str], of: int) -> Score:
    return Score(1.0 - len(reasons) / of if of else 1.0, tuple(reasons))


RULE_REWARDS: Final[Mapping[str, Reward]] = MappingProxyType(
    {"length_band": length_band, "headings_kept": headings_kept, "within_limit": within_limit}
)
