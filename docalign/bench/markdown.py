"""A document as Markdown, for peers that read marks instead of blocks; every character knows where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from docalign.bench.ask import Piece
from docalign.bench.place import Ink
from docalign.document import Document

__all__ = ["Markdown", "markdown_of"]


@dataclass(frozen=True, slots=True)
class Markdown:
    """`text`, and for each of its characters the offset in the document (−1: a mark that stands in no document)."""

    text: str
    origin: tuple[int, ...]

    def pieces(self, texts: Iterable[str]) -> Iterator[Piece]:
        """Chunks of the Markdown as pieces of the document; offsets in the Markdown are nobody's claim."""
        ink, cursor = Ink(self.text), 0
        for text in texts:
            compact = "".join(c for c in text if not c.isspace())
            found = ink.find(compact, cursor) if compact else None
            if found is None:
                yield Piece(text)
                continue
            cursor = found[1]
            places = [self.origin[ink.at[i]] for i in range(*found) if self.origin[ink.at[i]] >= 0]
            if places:  # a mark alone is no piece
                yield Piece(text, span=(places[0], places[-1] + 1))


def markdown_of(document: Document) -> Markdown:
    """Headings with `#`, list items with `-`, everything else as it is; a blank line between blocks."""
    parts: list[str] = []
    origin: list[int] = []
    for block in document.blocks:
        mark = "#" * (block.level or 1) + " " if block.kind == "heading" else "- " if block.kind == "list_item" else ""
        text = document.block_text(block)
        if block.kind == "heading":  # a heading is one line, or it is none
            text = "".join(" " if c in "\r\n" else c for c in text)
        gap = "\n\n" if parts else ""
        parts += [gap, mark, text]
        origin += [*([-1] * (len(gap) + len(mark))), *range(block.start, block.end)]
    return Markdown("".join(parts), tuple(origin))
