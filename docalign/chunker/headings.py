"""The heading path of every block: which headings stand above it."""

from __future__ import annotations

import re
from typing import Final

from docalign.document import Document

__all__ = ["heading_paths", "heading_title"]

_ATX: Final = re.compile(r"^#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?$")
_SETEXT: Final = re.compile(r"\n[ \t]*(?:=+|-+)[ \t]*$")


def heading_title(text: str) -> str:
    """A heading's words: Markdown's marks taken off, white space folded."""
    bare = _SETEXT.sub("", text.strip())
    match = _ATX.match(bare)
    return " ".join((match.group(1) if match else bare).split())


def heading_paths(document: Document) -> list[tuple[str, ...]]:
    """For each block, the titles of the headings above it, outermost first; a heading's own title ends its path."""
    paths: list[tuple[str, ...]] = []
    stack: list[tuple[int, str]] = []
    path: tuple[str, ...] = ()
    for block in document.blocks:
        if block.kind == "heading":
            level = block.level or 1
            while stack and stack[-1][0] >= level:
                stack.pop()
            stack.append((level, heading_title(document.block_text(block))))
            path = tuple(title for _, title in stack)
        paths.append(path)
    return paths
