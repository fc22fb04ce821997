"""Captions know the table (or listing) they stand by.

A caption above and one below look alike between two tables: the side on which this document's captions stand where
there is no doubt decides, above where that says nothing. Figures are no blocks, so their captions have no link.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docalign.document import Block

__all__ = ["tie_captions"]

_NAMES: Final = (
    ("table", re.compile(r"(?:table|tab\.|exhibit|chart|box)\b", re.I)),
    ("code", re.compile(r"(?:listing|algorithm)\b", re.I)),
)


def tie_captions(blocks: Sequence[Block], text: str) -> tuple[Block, ...]:
    """The blocks, captions with `caption_of` set where a block of their kind is the next or the previous one."""
    sides: dict[int, tuple[bool, bool]] = {}
    for block in blocks:
        head = text[block.start : block.start + 20]
        wanted = next((kind for kind, name in _NAMES if name.match(head)), None) if block.kind == "caption" else None
        if wanted:
            sides[block.id] = (_is(blocks, block.id - 1, wanted), _is(blocks, block.id + 1, wanted))
    below = sum(after and not before for before, after in sides.values())
    above = sum(before and not after for before, after in sides.values())
    tied = {}
    for number, (before, after) in sides.items():
        if before or after:
            tied[number] = number + 1 if after and (not before or below >= above) else number - 1
    return tuple(replace(b, caption_of=tied[b.id]) if b.id in tied else b for b in blocks)


def _is(blocks: Sequence[Block], index: int, kind: str) -> bool:
    return 0 <= index < len(blocks) and blocks[index].kind == kind
