"""Line-end hyphens: which ones are part of the word and which only broke it.

A hyphen before a lower-case letter goes, unless the document spells the word with a hyphen elsewhere; before a capital
or a digit it stays. What goes is reported, so that nothing is lost silently.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docalign.ingest.layout.rows import Row

__all__ = ["Spellings", "joint"]

_HYPHENS: Final = "-‐\u00ad"
_BROKEN: Final = re.compile(r"[^\W_][-‐]$")
_SUSPENDED: Final = frozenset({"and", "or", "to", "und", "oder", "et", "ou", "y", "o"})
"""After these a hyphen stands for a word to come: pre- and post-war."""
_TAIL: Final = re.compile(r"(?:[^\W_]+[-‐])*[^\W_]+$")
_HEAD: Final = re.compile(r"[^\W_]+(?:[-‐][^\W_]+)*")
_WORD: Final = re.compile(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*")


class Spellings:
    """How often each word stands unbroken in the document, with and without hyphens."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._count: Counter[str] = Counter()
        for row in rows:
            for word in row.words:
                for match in _WORD.finditer(word.text):
                    if match.end() == len(word.text) or word.text[match.end()] not in _HYPHENS:
                        self._count[match.group().lower().replace("‐", "-")] += 1

    def count(self, word: str) -> int:
        return self._count[word.lower().replace("‐", "-")]


def joint(above: Row, below: Row, spellings: Spellings) -> str | None:
    """How the last word of a row meets the first of the next: `drop` the hyphen, `keep` it (both without a space
    between), or None: two words."""
    left, right = above.words[-1].text, below.words[0].text
    if not (above.words[-1].hyphen or _BROKEN.search(left)) or left[-1] not in _HYPHENS or len(left) < 2:
        return None
    if not left[-2].isalnum() or not right[:1].isalnum():
        return None
    if right.lower() in _SUSPENDED:
        return None
    tail, head = _TAIL.search(left[:-1]), _HEAD.match(right)
    if tail is None or head is None or not left[-2].isalpha():
        return "keep"
    capitals = above.text.isupper() and below.text.isupper() and right[0].isalpha()
    if not right[0].islower() and not capitals:
        return "keep"
    if "-" in tail.group() and not spellings.count(tail.group() + head.group()):
        return "keep"  # east-to-/west
    whole, hyphenated = tail.group() + head.group(), f"{tail.group()}-{head.group()}"
    return "keep" if spellings.count(hyphenated) > spellings.count(whole) else "drop"
