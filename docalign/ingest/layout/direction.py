"""Which way a text runs, told by its letters, and the order of the words of a line that mixes directions.

Extractors deliver characters in logical order; only words are put in order here. Vertical text is told by geometry and
therefore by the extractor (`pdf.text`), never here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from docalign.ingest.page import PageContent, Word

__all__ = ["has_rtl", "is_rtl", "joins_closely", "logical_order", "with_direction"]

_RTL: Final = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_CLOSE: Final = re.compile(r"[\u2e80-\u30ff\u31f0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
"""Scripts that put no spaces between words: Chinese and Japanese."""


def has_rtl(text: str) -> bool:
    """Whether a text has any letter of a script that runs from right to left."""
    return not text.isascii() and bool(_RTL.search(text))


def is_rtl(texts: Iterable[str]) -> bool:
    """Whether most letters of the texts are of a script that runs from right to left."""
    rtl = letters = 0
    for text in texts:
        if not text.isascii():
            rtl += len(_RTL.findall(text))
        letters += len(_LETTER.findall(text))
    return 2 * rtl > letters


def with_direction(page: PageContent) -> PageContent:
    """The page with its direction told, where no extractor told it."""
    if page.direction != "ltr" or all(w.text.isascii() for line in page.lines for w in line.words):
        return page
    return replace(page, direction="rtl") if is_rtl(w.text for line in page.lines for w in line.words) else page


def joins_closely(left: str, right: str) -> bool:
    """Whether two lines of a script without spaces meet."""
    return bool(_CLOSE.match(left[-1:]) and _CLOSE.match(right[:1]))


def logical_order(words: Sequence[Word], *, rtl: bool) -> list[Word]:
    """The words of one line as they are read. `words` come in the order in which the line's main direction (`rtl`: from
    right to left) meets them; words of the other direction, with numbers among them, turn round."""
    ordered: list[Word] = []
    run: list[Word] = []
    held: list[Word] = []  # numbers and signs behind a run: part of it only if another of its words follows
    for word in words:
        other = _runs_against(word.text, rtl=rtl)
        if other:
            run += [*held, word]
            held = []
        elif run and other is None:
            held.append(word)
        else:
            ordered += [*reversed(run), *held, word]
            run, held = [], []
    return [*ordered, *reversed(run), *held]


def _runs_against(text: str, *, rtl: bool) -> bool | None:
    """Whether a word runs against the line; None for numbers and signs, which follow what stands around them."""
    if _RTL.search(text):
        return not rtl
    return rtl if _LETTER.search(text) else None
