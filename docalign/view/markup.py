"""Escaping and small words of the HTML view. Every text of a document passes through `esc` before it is markup."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Final

__all__ = ["COLOURS", "colour", "esc", "number", "pages_label", "share"]

COLOURS: Final = 7
"""How many colours the style sheet defines (`k0` … `k6`); chunks take them in turn."""

# What an HTML document cannot carry: controls other than tab and line ends, lone surrogates.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def esc(text: str) -> str:
    """`text` as HTML text or attribute value."""
    return html.escape(_UNPRINTABLE.sub("\ufffd", text), quote=True)


def colour(index: int) -> str:
    """The class that colours chunk `index`."""
    return f"k{index % COLOURS}"


def number(value: float) -> str:
    """A coordinate in points, as short as it can be without moving by more than 0.05."""
    return f"{value:.1f}".removesuffix(".0")


def share(value: float) -> str:
    """A probability or confidence as a percentage."""
    return f"{value * 100:.0f}\N{NO-BREAK SPACE}%"


def pages_label(pages: Sequence[int]) -> str:
    """`p. 3` or `pp. 3–5`; empty for none."""
    if not pages:
        return ""
    return f"p. {pages[0]}" if len(pages) == 1 else f"pp. {pages[0]}–{pages[-1]}"
