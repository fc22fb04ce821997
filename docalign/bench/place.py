"""Where the pieces of a peer lie in the document, and what went missing on the way.

Chunkers trim, join and re-wrap white space, so texts are compared without it. A piece is expected where the one before
ended; a piece that is no stretch of the document even so is counted as altered, and holds what it shares with it.
Nothing a peer says about offsets is believed: what it says is checked.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

from docalign.bench.ask import Piece
from docalign.document import Document
from docalign.rewards.reward import Span

__all__ = ["Ink", "Placement", "place"]

_REACH: Final = 400
"""How many characters beyond twice its length an altered piece is looked for."""
_LEAST: Final = 4
"""Shorter stretches in common say nothing."""


class Ink:
    """A text without its white space, and where each character of it stood."""

    def __init__(self, text: str) -> None:
        self.at = [i for i, c in enumerate(text) if not c.isspace()]
        self.text = "".join(text.split())
        if len(self.text) != len(self.at):  # split() and isspace() differ on a few separators
            self.text = "".join(text[i] for i in self.at)

    def index(self, offset: int) -> int:
        """How many inked characters stand before `offset`."""
        return bisect_left(self.at, offset)

    def span(self, first: int, end: int) -> Span:
        return self.at[first], self.at[end - 1] + 1

    def find(self, piece: str, begin: int) -> tuple[int, int] | None:
        """Where `piece` lies from `begin` on, the nearest place first; None where it is not to be found as it is."""
        found = self.text.find(piece, begin)
        if found >= 0:
            return found, found + len(piece)
        return None

    def like(self, piece: str, begin: int) -> list[tuple[int, int]]:
        """Stretches from `begin` on that an altered piece shares with the text; none where it is something else."""
        near = self.text[begin : begin + 2 * len(piece) + _REACH]
        blocks = SequenceMatcher(None, near, piece, autojunk=False).get_matching_blocks()
        found = [(begin + b.a, begin + b.a + b.size) for b in blocks if b.size >= _LEAST]
        return found if 2 * sum(e - s for s, e in found) >= len(piece) else []


@dataclass(frozen=True, slots=True)
class Placement:
    """The pieces on the document.

    Attributes:
        spans: where each placed piece lies, in order; `texts` are the pieces' own texts.
        tiles: spans that tile the document: a piece reaches to the next one's start. A heading that no piece holds
            goes with the piece behind it.
        lost: characters other than white space that no piece holds.
        altered: pieces that are no stretch of the document, white space aside.
        wrong_offsets: pieces whose stated offsets do not give their text; None where no piece states any.
    """

    spans: tuple[Span, ...]
    texts: tuple[str, ...]
    tiles: tuple[Span, ...]
    lost: int
    altered: int
    wrong_offsets: int | None


def place(document: Document, pieces: Sequence[Piece]) -> Placement:
    """Find every piece again."""
    text, ink = document.text, Ink(document.text)
    spans: list[Span] = []
    texts: list[str] = []
    altered, cursor = 0, 0
    held = bytearray(len(ink.text))
    for piece in pieces:
        compact = "".join(c for c in piece.text if not c.isspace())
        if not compact:
            continue
        found = _known(piece, ink) or ink.find(compact, cursor)
        shared = [found] if found else ink.like(compact, cursor)
        altered += found is None
        if not shared:
            continue
        for first, end in shared:
            held[first:end] = b"\1" * (end - first)
        end = shared[-1][1]
        spans.append(ink.span(shared[0][0], end))
        texts.append(piece.text)
        cursor = max(cursor, end)
    claims = [(p.claimed, p.text) for p in pieces if p.claimed is not None]
    wrong = sum(text[s[0] : s[1]] != said for s, said in claims) if claims else None
    return Placement(
        tuple(spans), tuple(texts), _tiles(document, spans), held.count(0), altered, wrong
    )  # fmt: skip


def _known(piece: Piece, ink: Ink) -> tuple[int, int] | None:
    if piece.span is None:
        return None
    first, end = ink.index(piece.span[0]), ink.index(piece.span[1])
    return (first, end) if end > first else None


def _tiles(document: Document, spans: Sequence[Span]) -> tuple[Span, ...]:
    starts = {0}
    ends = [e for _, e in spans]
    for number, (start, _) in enumerate(spans[1:], 1):
        starts.add(_with_headings(document, start, max(ends[:number], default=0)))
    return tuple(pairwise([*sorted(starts), len(document.text)])) if document.text else ()


def _with_headings(document: Document, start: int, before: int) -> int:
    """`start`, moved before headings that lie between it and where the earlier pieces end."""
    begins = [b.start for b in document.blocks]
    at = bisect_left(begins, start)
    if at >= len(begins) or begins[at] != start:
        return start
    while at > 0 and document.blocks[at - 1].kind == "heading" and document.blocks[at - 1].start >= before:
        at -= 1
    return document.blocks[at].start
