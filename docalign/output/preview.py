"""Preview: chunks for eyes on a terminal, the first lines of each under its size, pages and headings.

Not for programs: it leaves text out on purpose and its shape may change.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from docalign.output.words import one_line, page_range, printable, visible
from docalign.wording import counted

if TYPE_CHECKING:
    from docalign.chunk import Chunk
    from docalign.document import Document

__all__ = ["render_preview"]

_WIDTH: Final = 96
_LINES: Final = 3


def render_preview(document: Document, chunks: Sequence[Chunk]) -> bytes:
    """A few lines for each chunk, 96 characters wide."""
    scanned = sum(page.ocr for page in document.pages)
    facts = [counted(len(chunks), "chunk"), counted(len(document.blocks), "block")]
    if document.pages:
        facts.append(counted(len(document.pages), "page") + (f" ({scanned} read by OCR)" if scanned else ""))
    lines = [f"{printable(one_line(document.source))}: {', '.join(facts)}"]
    for chunk in chunks:
        lines += ["", *_chunk_lines(chunk)]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _chunk_lines(chunk: Chunk) -> list[str]:
    facts = [f"{chunk.index + 1:>3}", f"{chunk.tokens} tokens"]
    if chunk.pages:
        facts.append(page_range(chunk.pages))
    facts.append(f"boundary {chunk.boundary:.2f}")
    if chunk.confidence is not None:
        facts.append(f"OCR confidence {chunk.confidence:.2f}")
    lines = [" · ".join(facts)]
    if chunk.headings:
        lines.append("      " + textwrap.shorten(_safe(" › ".join(chunk.headings)), _WIDTH - 6, placeholder=" …"))
    text = textwrap.wrap(_safe(chunk.text), _WIDTH - 8, max_lines=_LINES, placeholder=" …")
    return lines + [f"      │ {line}" for line in text]


def _safe(text: str) -> str:
    return visible(one_line(text))
