"""Noise: furniture that ingestion left in the text, and OCR garbage, stay apart from what can be read.

No chunker may drop text, so what counts is where noise ends up. A chunk of noise alone harms nobody; noise in a chunk
of readable text makes that text harder to find, the more so the larger its share. Up to `HARMLESS` of a chunk (a page
number in a paragraph's company) costs nothing, from `SPOILT` on the chunk's readable text counts as lost.
It cannot see garbage made of letters, unless the OCR engine was unsure of it; and it can be diluted by large chunks,
which the length rewards have to refuse.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from docalign.document import Block, Document
from docalign.rewards.pieces import pieces_of
from docalign.rewards.reward import NOT_JUDGED, Loss, Score, Sizes, Span, lose

__all__ = ["HARMLESS", "SPOILT", "noise_apart", "noise_blocks", "spoilt"]

HARMLESS: Final = 0.05
SPOILT: Final = 0.5
_UNSURE: Final = 0.5
"""An OCR confidence below this is garbage more often than not."""
_MANY_PAGES: Final = 3
_MAX_FURNITURE_WORDS: Final = 12
_MIN_CHARS: Final = 8
_PAGE_NUMBER: Final = re.compile(
    r"(?:(?:page|p\.|seite|s\.)\s*)?[-–—]?\s*\d{1,4}\s*[-–—]?(?:\s*(?:of|/|von)\s*\d{1,4})?", re.IGNORECASE
)
_DIGITS: Final = re.compile(r"\d+")


def noise_apart(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of the readable text (in characters) that is not spoilt by noise in its chunk."""
    why = noise_blocks(document)
    lengths = [b.end - b.start for b in document.blocks]
    readable = sum(n for n, noisy in zip(lengths, why, strict=True) if not noisy)
    if readable == sum(lengths) or not readable:
        return NOT_JUDGED
    losses = []
    for piece in pieces_of(document, spans, sizes):
        noise = clean = 0
        named = ""
        for i in range(piece.first, piece.end_block):
            block = document.blocks[i]
            inside = min(block.end, piece.end) - max(block.start, piece.start)
            if why[i]:
                noise += inside
                named = named or f"block {i} {why[i]}"
            else:
                clean += inside
        points = clean * spoilt(noise, clean)
        if points:
            share = noise / (noise + clean)
            reason = f"{share:.0%} of chunk {piece.index} is noise in the middle of text ({named})."
            losses.append(Loss(piece.index, points, reason))
    return lose(losses, readable)


def spoilt(noise: float, clean: float) -> float:
    """How much of a chunk's readable text its noise spoils, 0–1; both in characters."""
    share = noise / (noise + clean) if noise else 0.0
    return min(1.0, max(0.0, (share - HARMLESS) / (SPOILT - HARMLESS)))


def noise_blocks(document: Document) -> list[str]:
    """For each block what makes it noise; empty for text worth reading."""
    furniture = {_plain(f.text) for f in document.furniture}
    repeated = _repeated(document)
    return [_noise(document, block, furniture, repeated) for block in document.blocks]


def _noise(document: Document, block: Block, furniture: set[str], repeated: set[str]) -> str:
    if block.kind in ("table", "code"):
        return ""
    if block.confidence is not None and block.confidence < _UNSURE:
        return f"was read with a confidence of {block.confidence:.2f}"
    text = document.block_text(block)
    if len(text) <= 400 and len(text.split()) <= _MAX_FURNITURE_WORDS:
        plain = _plain(text)
        if block.kind != "heading" and (plain in furniture or plain in repeated):
            return "repeats a page header or footer"
        if block.page is not None and _PAGE_NUMBER.fullmatch(text.strip()):
            return "is a page number"
    return "holds hardly any letters" if _is_garbage(text) else ""


def _repeated(document: Document) -> set[str]:
    """Short texts that stand on many pages, digits aside; headings are not among them."""
    pages: dict[str, set[int]] = defaultdict(set)
    for block in document.blocks:
        if block.page is None or block.kind not in ("paragraph", "caption"):
            continue
        text = document.block_text(block)
        if len(text) <= 200 and len(text.split()) <= _MAX_FURNITURE_WORDS:
            pages[_plain(text)].add(block.page)
    return {text for text, found in pages.items() if len(found) >= _MANY_PAGES}


def _plain(text: str) -> str:
    return _DIGITS.sub("0", " ".join(text.lower().split()))


def _is_garbage(text: str) -> bool:
    visible = [c for c in text[:400] if not c.isspace()]
    if len(visible) < _MIN_CHARS:
        return False
    readable = sum(unicodedata.category(c)[0] in "LNM" for c in visible)
    return readable < 0.5 * len(visible)
