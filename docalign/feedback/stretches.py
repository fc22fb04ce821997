"""Which stretches of a document people look at: one or two pages, or about as much text where there are no pages.

A stretch is judged at once, so it has to fit a screen and a minute, and still leave something to decide: at least a few
blocks, and more text than one chunk. What has neither is passed over.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Final

from docalign.document import Document

__all__ = ["MAX_BLOCKS", "MAX_PAGES", "MIN_BLOCKS", "stretches_of"]

MIN_BLOCKS: Final = 4
MAX_BLOCKS: Final = 80
MAX_PAGES: Final = 2

_MIN_TARGETS: Final = 1.4
"""Less text than this many chunks of the target leaves nothing to compare."""
_JOIN_TARGETS: Final = 3.0
"""A page with less text than this is shown with the next one."""
_TEXT_TARGETS: Final = 4.0
"""How much text without pages is shown at once; from three quarters of it on, it ends before a heading."""

Span = tuple[int, int]
"""First block and the one after the last."""


def stretches_of(
    document: Document, tokens: Sequence[int], target_tokens: int, *, limit: int | None = None, seed: int = 0
) -> list[Span]:
    """The stretches of a document, in order; they do not overlap.

    Args:
        tokens: of each block.
        limit: at most this many, drawn from all over the document.
    """
    runs = _pages(document) if document.pages else _texts(document, tokens, target_tokens)
    joined = _joined(runs, tokens, target_tokens) if document.pages else runs
    parts = [part for first, after in joined for part in _within(first, after)]
    fit = [
        (first, after)
        for first, after in parts
        if after - first >= MIN_BLOCKS and sum(tokens[first:after]) >= _MIN_TARGETS * target_tokens
    ]
    if limit is None or len(fit) <= limit:
        return fit
    return sorted(random.Random(f"stretches {seed} {document.sha256}").sample(fit, limit))


def _pages(document: Document) -> list[Span]:
    """Runs of blocks that begin on the same page; a block without a page stays with the one before."""
    pages: list[int | None] = []
    for block in document.blocks:
        pages.append(block.page if block.page is not None or not pages else pages[-1])
    ends = [0]
    for _, run in groupby(pages):
        ends.append(ends[-1] + len(list(run)))
    return list(pairwise(ends))


def _joined(runs: Sequence[Span], tokens: Sequence[int], target: int) -> list[Span]:
    """Pages with little text, two by two."""
    found: list[Span] = []
    pages = 0
    for first, after in runs:
        little = found and sum(tokens[found[-1][0] : found[-1][1]]) < _JOIN_TARGETS * target
        if little and pages < MAX_PAGES:
            found[-1] = (found[-1][0], after)
            pages += 1
        else:
            found.append((first, after))
            pages = 1
    return found


def _texts(document: Document, tokens: Sequence[int], target: int) -> list[Span]:
    ends, filled = [0], 0
    for block in document.blocks:
        enough = filled >= _TEXT_TARGETS * target
        at_heading = block.kind == "heading" and filled >= 0.75 * _TEXT_TARGETS * target
        if block.id > ends[-1] and (enough or at_heading):
            ends.append(block.id)
            filled = 0
        filled += tokens[block.id]
    return list(pairwise([*ends, len(document.blocks)]))


def _within(first: int, after: int) -> list[Span]:
    """Even parts of at most `MAX_BLOCKS` blocks."""
    number = -(-(after - first) // MAX_BLOCKS)
    return list(pairwise([first + (after - first) * part // number for part in range(number + 1)])) if number else []
