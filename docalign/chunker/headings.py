"""The heading path of every block: which headings stand above it."""

from __future__ import annotations

import re
from typing import Final

from docalign.document import Document

__all__ = ["heading_paths", "heading_title"]

_ATX: Final = re.compile(r"^#{1,6} (.*?)(?: #+)?$")
_SETEXT: Final = re.compile(r"\n[ \t]*(?:=+|-+)[ \t]*$")
_MAX_TITLE_CHARS: Final = 300
"""A longer title ends in …: what stands in every chunk below it must not grow with the document."""
_MAX_LEVEL: Final = 6


def heading_title(text: str) -> str:
    """A heading's words: Markdown's marks taken off, white space folded."""
    bare = " ".join(_SETEXT.sub("", text.strip()).split())
    match = _ATX.match(bare)
    return match.group(1) if match else bare


def _short(title: str) -> str:
    return title if len(title) <= _MAX_TITLE_CHARS else f"{title[: _MAX_TITLE_CHARS - 1]}…"


def heading_paths(document: Document) -> list[tuple[str, ...]]:
    """For each block, the titles of the headings above it, outermost first; a heading's own title ends its path."""
    paths: list[tuple[str, ...]] = []
    stack: list[tuple[int, str]] = []
    path: tuple[str, ...] = ()
    for block in document.blocks:
        if block.kind == "heading":
            level = min(block.level or 1, _MAX_LEVEL)
            while stack and stack[-1][0] >= level:
                stack.pop()
            stack.append((level, _short(heading_title(document.block_text(block)))))
            path = tuple(title for _, title in stack)
        paths.append(path)
    return paths
