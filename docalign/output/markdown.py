"""Markdown: the chunks of a document to read or to paste, each under a line that says where it comes from.

The text of a chunk stands verbatim between the comment lines; nothing in it is escaped or rewrapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from docalign.output.words import one_line, page_range, printable
from docalign.wording import counted

if TYPE_CHECKING:
    from docalign.chunk import Chunk
    from docalign.document import Document

__all__ = ["render_markdown"]


def render_markdown(document: Document, chunks: Sequence[Chunk]) -> bytes:
    """The whole document, a comment line before each chunk."""
    parts = [f"<!-- {_comment(document.source)}: {counted(len(chunks), 'chunk')} -->\n"]
    parts.extend(f"\n<!-- {_comment(_about(chunk))} -->\n\n{printable(chunk.text).rstrip()}\n" for chunk in chunks)
    return "".join(parts).encode("utf-8")


def _about(chunk: Chunk) -> str:
    facts = [f"chunk {chunk.index}", f"{chunk.tokens} tokens"]
    if chunk.pages:
        facts.append(page_range(chunk.pages))
    facts.append(f"characters {chunk.start}–{chunk.end}")
    if chunk.headings:
        facts.append(" › ".join(chunk.headings))
    return " · ".join(facts)


def _comment(text: str) -> str:
    # Two hyphens would end an HTML comment early.
    return printable(one_line(text)).replace("--", "‐‐")
