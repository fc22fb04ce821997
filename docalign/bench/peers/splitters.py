"""semantic-text-splitter (text-splitter, in Rust) and semchunk: exact offsets, a counter of one's own."""

from __future__ import annotations

from collections.abc import Sequence

from docalign.bench.ask import Ask, Cut, Piece, Setup

__all__ = ["semchunk", "text_splitter"]


def text_splitter(_: Setup) -> Cut:
    from semantic_text_splitter import TextSplitter

    def cut(ask: Ask) -> Sequence[Piece]:
        splitter = TextSplitter.from_callback(ask.count, (ask.target, ask.limit))
        return [Piece(t, claimed=(s, s + len(t))) for s, t in splitter.chunk_indices(ask.document.text)]

    return cut


def semchunk(_: Setup) -> Cut:
    import semchunk as library

    def cut(ask: Ask) -> Sequence[Piece]:
        chunker = library.chunkerify(ask.count, chunk_size=ask.size)
        texts, offsets = chunker(ask.document.text, offsets=True)
        return [Piece(t, claimed=(int(s), int(e))) for t, (s, e) in zip(texts, offsets, strict=True)]

    return cut
