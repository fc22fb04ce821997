"""unstructured's chunking by title, on elements made of our blocks.

It counts characters, or tokens of an encoding that it fetches; so sizes are turned into characters by the document's
own ratio.
"""

from __future__ import annotations

from collections.abc import Sequence

from docalign.bench.ask import Ask, Cut, Piece, Setup

__all__ = ["by_title"]


def by_title(_: Setup) -> Cut:
    from unstructured.chunking.title import chunk_by_title
    from unstructured.documents import elements

    kinds = {
        "heading": elements.Title,
        "list_item": elements.ListItem,
        "table": elements.Table,
        "caption": elements.FigureCaption,
        "code": elements.CodeSnippet,
    }

    def cut(ask: Ask) -> Sequence[Piece]:
        document, scale = ask.document, ask.characters_per_token
        made = [kinds.get(b.kind, elements.NarrativeText)(document.block_text(b)) for b in document.blocks]
        chunks = chunk_by_title(
            made, max_characters=max(1, int(ask.limit * scale)), new_after_n_chars=int(ask.target * scale)
        )
        return [Piece(c.text) for c in chunks]

    return cut
