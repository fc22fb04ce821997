"""`embed_text`: what an embedder should see of a chunk (heading path, a little of what came before, the text).

A chunk that begins within a table has the table's header rows again, above its own. All of it together is within the
limit; the text goes first, then the header rows, then the headings from the innermost outward, then the overlap.
`text` itself is untouched: chunks still tile the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from docalign.chunker.options import ChunkOptions
from docalign.chunker.segment import Segment
from docalign.counting import Counter
from docalign.document import Document

__all__ = ["embed_text"]

_WORD_START: Final = re.compile(r"(?<=\s)\S")
_CHARS_PER_TOKEN: Final = 12
"""Text further back than this per token of overlap is not looked at."""


def embed_text(
    document: Document, part: Segment, headings: tuple[str, ...], options: ChunkOptions, count: Counter
) -> str:
    """The embedder's text of a chunk, at most `options.max_tokens` tokens."""
    text = document.text[part.start : part.end]

    def fits(value: str) -> bool:
        return options.max_tokens is None or count(value) <= options.max_tokens

    header, known = _table_header(document, part, lambda header: fits(header + text))
    path = _path(headings, text, lambda value: fits(value + header + text))
    before = _overlap(document, part, options, count, known)
    return path + header + _longest_end(before, lambda end: fits(path + header + end + text)) + text


def _table_header(document: Document, part: Segment, fits: Callable[[str], bool]) -> tuple[str, int]:
    """The header rows of the table that the chunk begins within (only the last of them where not all fit), and the
    offset of the row below them; nothing and 0 where it begins elsewhere."""
    block = document.blocks[part.blocks[0]] if part.blocks else None
    if block is None or not 0 < block.header_rows < len(block.rows):
        return "", 0
    header = block.rows[: block.header_rows]
    below = block.rows[block.header_rows][0]
    if part.start < below:
        return "", 0
    for start in (header[0][0], header[-1][0]):
        text = document.text[start : header[-1][1]].rstrip() + "\n"
        if fits(text):
            return text, below
    return "", 0


def _longest_end(before: str, fits: Callable[[str], bool]) -> str:
    """The longest end of `before` that begins with a word and fits; empty when none does."""
    starts = [0, *(m.start() for m in _WORD_START.finditer(before))] if before else []
    low, high = 0, len(starts)
    while low < high:
        middle = (low + high) // 2
        if fits(before[starts[middle] :]):
            high = middle
        else:
            low = middle + 1
    return before[starts[low] :] if low < len(starts) else ""


def _path(headings: tuple[str, ...], text: str, fits: Callable[[str], bool]) -> str:
    """As many headings as fit, innermost first, outermost written first; those that open the text are not repeated.

    `fits` says whether a path may stand above the text."""
    opening = {" ".join(line.lstrip("#").split()) for line in text.splitlines()[:8]}
    wanted = [h for h in headings if h not in opening]
    for first in range(len(wanted)):
        path = " > ".join(wanted[first:]) + "\n\n"
        if fits(path):
            return path
    return ""


def _overlap(document: Document, part: Segment, options: ChunkOptions, count: Counter, known: int) -> str:
    """The last words before the chunk, from offset `known` on, at most `options.overlap` tokens."""
    if not options.overlap:
        return ""
    first = max(known, part.start - _CHARS_PER_TOKEN * options.overlap)
    if first > known and (word := _WORD_START.search(document.text, first, part.start)):
        first = word.start()
    elif first > known:
        return ""
    return _longest_end(document.text[first : part.start], lambda end: count(end) <= options.overlap)
