"""Misreadings at a chosen rate: what OCR does to letters, on blocks that stay as they are.

Real scans vary in everything at once; a curve needs one thing to vary. So characters are exchanged for what Tesseract
and its kind take them for, dropped or doubled, and words are joined or split, until the share of characters touched is
the rate asked for. Kinds and layout stay: only the reading suffers.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import Final

from docalign.document import Document

__all__ = ["misread", "misread_text"]

_TAKEN_FOR: Final = {
    "a": "o", "b": "h", "c": "e", "d": "cl", "e": "c", "f": "t", "g": "q", "h": "b", "i": "l", "j": "i", "k": "lc",
    "l": "1", "m": "rn", "n": "ri", "o": "0", "p": "n", "q": "g", "r": "t", "s": "5", "t": "f", "u": "ii", "v": "y",
    "w": "vv", "x": "k", "y": "v", "z": "2", "A": "4", "B": "8", "C": "G", "D": "O", "E": "F", "F": "P", "G": "6",
    "H": "I1", "I": "l", "L": "I", "M": "IVI", "N": "II", "O": "0", "P": "F", "R": "B", "S": "5", "T": "I", "U": "LI",
    "V": "Y", "W": "VV", "Z": "2", "0": "O", "1": "l", "2": "Z", "5": "S", "6": "G", "8": "B", ".": ",", ",": ".",
}  # fmt: skip


def misread(document: Document, rate: float, *, seed: int) -> Document:
    """The document with about `rate` (0–1) of its characters misread; block by block, so every block keeps its id."""
    if rate <= 0:
        return document
    draw = random.Random(f"misread {seed} {document.sha256}")
    parts: list[str] = []
    blocks = []
    position = end = 0
    for block in document.blocks:
        gap = document.text[end : block.start]
        text = misread_text(document.block_text(block), rate, draw) or "?"
        start = position + len(gap)
        # Rows and lines lose their places with the letters; nothing that is compared here reads them.
        blocks.append(replace(block, start=start, end=start + len(text), rows=(), header_rows=0, lines=()))
        parts += [gap, text]
        position, end = start + len(text), block.end
    text = "".join(parts) + document.text[end:]
    sha = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return replace(document, text=text, sha256=sha, blocks=tuple(blocks)).check()


def misread_text(text: str, rate: float, draw: random.Random) -> str:
    """One block's text; never empty where it was not, and white space at its ends stays away."""
    made = []
    for character in text:
        if draw.random() >= rate:
            made.append(character)
        elif character == " ":
            made.append("")
        else:
            kind = draw.random()
            if kind < 0.7:
                made.append(_TAKEN_FOR.get(character, character))
            elif kind < 0.85:
                made.append("")
            else:
                made.append(character + " ")
    return "".join(made).strip()
