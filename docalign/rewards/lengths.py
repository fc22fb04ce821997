"""Length: the limit, the band around the target, and fragments.

Limit and band are shares of the *text*, not of the chunks, so a chunk that is far too long cannot hide among many small
ones. Fragments are counted one by one, so many of them cannot hide in little text.
None of them can see whether a long chunk had to be long, or whether a short one is a whole section.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from docalign.document import Document
from docalign.rewards.pieces import calls_for, pieces_of
from docalign.rewards.reward import NOT_JUDGED, Loss, Score, Sizes, Span, lose

__all__ = ["BAND", "FRAGMENT", "ZERO", "band_credit", "length_band", "not_too_short", "within_limit"]

BAND: Final = (0.5, 1.25)
"""A chunk has a good length between these multiples of the target."""
ZERO: Final = (0.2, 1.75)
"""At these multiples of the target and beyond, a length earns nothing; towards the band, credit grows evenly."""
FRAGMENT: Final = 0.2
"""A chunk under this multiple of the target is a fragment."""


def within_limit(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of the text (in tokens) that lies in chunks within the limit."""
    pieces = pieces_of(document, spans, sizes)
    if sizes.max_tokens is None or not pieces:
        return NOT_JUDGED
    losses = [
        Loss(p.index, p.tokens, f"chunk {p.index} has {p.tokens} tokens; the limit is {sizes.max_tokens}.")
        for p in pieces
        if p.over
    ]
    return lose(losses, sum(p.tokens for p in pieces))


def length_band(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of the text (in tokens) that lies in chunks of good length: within `BAND` of the target.

    Outside the band a chunk earns less the further it is, nothing at `ZERO`. A document that is shorter and stays
    whole is not too short.
    """
    pieces = pieces_of(document, spans, sizes)
    if sizes.target_tokens is None or not pieces:
        return NOT_JUDGED
    low, high = BAND[0] * sizes.target_tokens, BAND[1] * sizes.target_tokens
    losses = []
    for piece in pieces:
        credit = band_credit(piece.tokens / sizes.target_tokens, alone=len(pieces) == 1)
        if credit < 1.0:
            reason = (
                f"chunk {piece.index} has {piece.tokens} tokens; {low:.0f}–{high:.0f} suit the target of "
                f"{sizes.target_tokens}."
            )
            losses.append(Loss(piece.index, piece.tokens * (1.0 - credit), reason))
    return lose(losses, sum(p.tokens for p in pieces))


def band_credit(ratio: float, *, alone: bool = False) -> float:
    """What a chunk of `ratio` × target earns, 0–1; `alone`: it is the whole document, which cannot be too short."""
    if ratio > BAND[1]:
        return max(0.0, (ZERO[1] - ratio) / (ZERO[1] - BAND[1]))
    if ratio < BAND[0] and not alone:
        return max(0.0, (ratio - ZERO[0]) / (BAND[0] - ZERO[0]))
    return 1.0


def not_too_short(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """1 less the number of fragments (under `FRAGMENT` × target) for each chunk the target calls for.

    A document that is itself a fragment is not judged.
    """
    pieces = pieces_of(document, spans, sizes)
    total = sizes.count(document.text)
    if sizes.target_tokens is None or total < FRAGMENT * sizes.target_tokens or not pieces:
        return NOT_JUDGED
    least = FRAGMENT * sizes.target_tokens
    losses = [
        Loss(p.index, 1.0, f"chunk {p.index} has {p.tokens} tokens; under {least:.0f} is a fragment.")
        for p in pieces
        if p.tokens < least
    ]
    return lose(losses, calls_for(total, sizes))
