"""Headings: kept with their text, starting their chunk, and not crossed into a higher section.

A *section start* is a heading that follows no heading; its level is that heading's. They believe the document: where
headings are not marked as such, there is nothing to judge, and where a heading is marked wrongly they are wrong with
it. A heading of unknown level counts as the deepest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from docalign.chunk import avoidable_orphans
from docalign.document import Document
from docalign.rewards.pieces import Piece, pieces_of, words_of
from docalign.rewards.reward import NOT_JUDGED, Loss, Score, Sizes, Span, lose

__all__ = ["NO_LEVEL", "Outline", "depth_respected", "headings_kept", "headings_start", "outline_of"]

NO_LEVEL: Final = 9
"""The level of a heading that states none."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Where sections start (block ids), the level each block's section has (0 before the first heading), and which
    section starts could be crossed into from deeper ones."""

    starts: tuple[int, ...]
    levels: tuple[int, ...]
    crossable: tuple[int, ...]


def outline_of(document: Document) -> Outline:
    """The section starts of a document."""
    starts: list[int] = []
    levels: list[int] = []
    level, before = 0, ""
    for block in document.blocks:
        if block.kind == "heading" and before != "heading":
            starts.append(block.id)
            level = block.level or NO_LEVEL
        levels.append(level)
        before = block.kind
    crossable, deepest = [], 0
    for k in starts:
        if k and levels[k] < deepest:
            crossable.append(k)
        deepest = max(deepest, levels[k])
    return Outline(tuple(starts), tuple(levels), tuple(crossable))


def headings_kept(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of headings that do not end a chunk although there was room for something of what follows."""
    headings = sum(b.kind == "heading" for b in document.blocks)
    if not headings:
        return NOT_JUDGED
    pieces = pieces_of(document, spans, sizes)
    losses = []
    for i in avoidable_orphans(document, spans, sizes.count, sizes.max_tokens):
        index = next(p.index for p in reversed(pieces) if p.start < document.blocks[i].end)
        reason = f"the heading {words_of(document, document.blocks[i])!r} (block {i}) ends its chunk."
        losses.append(Loss(index, 1.0, reason))
    return lose(losses, headings)


def headings_start(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of sections that are not glued behind the rest of another: a chunk that begins in the middle of a section
    ends with it at the latest.

    A chunk that begins with a heading, or with the document, may hold several sections. No section of a chunk over the
    limit counts, but the one it begins with: such a chunk has kept nothing apart.
    """
    outline = outline_of(document)
    sections = [k for k in outline.starts if k]
    if not sections:
        return NOT_JUDGED
    losses = []
    for piece in pieces_of(document, spans, sizes):
        if not piece.over and not _begins_inside(document, piece):
            continue
        for k in _inside(sections, piece, document):
            why = "which is over the limit" if piece.over else "which begins in the middle of another section"
            reason = (
                f"the section {words_of(document, document.blocks[k])!r} (block {k}) is in chunk {piece.index}, {why}."
            )
            losses.append(Loss(piece.index, 1.0, reason))
    return lose(losses, len(sections))


def depth_respected(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of sections not crossed into from below: a chunk that begins in a section goes on into sections of the same
    level or deeper ones only.

    Counted among the section starts that have a deeper section somewhere before them. In a chunk over the limit all of
    these are crossed, but one it begins with.
    """
    outline = outline_of(document)
    if not outline.crossable:
        return NOT_JUDGED
    losses = []
    for piece in pieces_of(document, spans, sizes):
        if piece.first == len(document.blocks):
            continue
        level = outline.levels[piece.first]
        for k in _inside(outline.crossable, piece, document):
            if piece.over or outline.levels[k] < level:
                reason = (
                    f"chunk {piece.index} begins in a section of level {level} and goes on into "
                    f"{words_of(document, document.blocks[k])!r} (block {k}), of level {outline.levels[k]}."
                )
                if outline.levels[k] >= level:
                    reason = (
                        f"chunk {piece.index} is over the limit and runs into block {k}, where a higher section starts."
                    )
                losses.append(Loss(piece.index, 1.0, reason))
    return lose(losses, len(outline.crossable))


def _begins_inside(document: Document, piece: Piece) -> bool:
    """Whether a chunk begins in the middle of a section."""
    if piece.first == len(document.blocks) or (piece.first == 0 and piece.opens):
        return False
    return not piece.opens or document.blocks[piece.first].kind != "heading"


def _inside(starts: Sequence[int], piece: Piece, document: Document) -> list[int]:
    """The blocks of `starts` that begin in a chunk, but not at its beginning."""
    return [k for k in starts if piece.first < k < piece.end_block and document.blocks[k].start > piece.start]
