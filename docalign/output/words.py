"""Small phrases the readable formats share: page ranges, and text that any encoding can carry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["one_line", "page_range", "printable", "visible"]

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot carry, replaced by U+FFFD."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def visible(text: str) -> str:
    """The text with what could move a terminal's cursor or colour it (controls, line breaks) as U+FFFD."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def one_line(text: str) -> str:
    """The text with every run of white space as one blank."""
    return " ".join(text.split())


def page_range(pages: Sequence[int]) -> str:
    """`page 3`, `pages 3–5`, or `pages 3, 7` where some between are missing."""
    if len(pages) == 1:
        return f"page {pages[0]}"
    whole = list(pages) == list(range(pages[0], pages[-1] + 1))
    return "pages " + (f"{pages[0]}–{pages[-1]}" if whole else ", ".join(map(str, pages)))
