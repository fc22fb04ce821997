"""A structured document: blocks whose author said what is a heading; the common form of all that gold is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docalign.document import Document

__all__ = ["Structured"]


@dataclass(frozen=True, slots=True)
class Structured:
    """One document.

    `blocks` are mappings with `kind`, `level` (1–6 for headings) and `text`. `topic_starts` are the blocks where the
    topics of a transcript begin. `native` is the Document that ingestion makes of the file, block for block as in
    `blocks`, where there is one: gold on it shows the model what it will see at run time.
    """

    id: str
    source: str
    title: str
    blocks: Sequence[Mapping[str, Any]]
    domain: str | None = None
    licence: str | None = None
    topic_starts: Sequence[int] | None = None
    native: Document | None = None

    @property
    def headings(self) -> int:
        return sum(b["kind"] == "heading" for b in self.blocks)

    @property
    def text(self) -> str:
        return "\n".join(b["text"] for b in self.blocks)

    def as_corpus(self) -> dict[str, Any]:
        """The corpus object that the gold policy and the renderer read."""
        value: dict[str, Any] = {
            "id": self.id,
            "source": self.source,
            "title": self.title,
            "domain": self.domain,
            "blocks": self.blocks,
        }
        if self.topic_starts is not None:
            value["topic_starts"] = list(self.topic_starts)
        return value
