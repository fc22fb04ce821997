"""LlamaIndex's sentence splitter, and its semantic splitter with MiniLM; both with the sentences of NLTK it brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from docalign.bench.ask import Ask, Cut, Piece, Setup

__all__ = ["semantic", "sentence"]


def sentence(_: Setup) -> Cut:
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.schema import Document

    def cut(ask: Ask) -> Sequence[Piece]:
        # The splitter wants tokens and only counts them.
        splitter = SentenceSplitter(
            chunk_size=ask.size, chunk_overlap=0, tokenizer=lambda text: range(ask.count(text)), include_metadata=False,
        )  # fmt: skip
        return _pieces(splitter.get_nodes_from_documents([Document(text=ask.document.text)]))

    return cut


def semantic(setup: Setup) -> Cut:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.node_parser import SemanticSplitterNodeParser
    from llama_index.core.schema import Document

    embedder = setup.embedder

    class MiniLM(BaseEmbedding):  # type: ignore[misc]
        def _get_text_embedding(self, text: str) -> list[float]:
            return embedder([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return embedder(texts)

        def _get_query_embedding(self, query: str) -> list[float]:
            return embedder([query])[0]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return embedder([query])[0]

    splitter = SemanticSplitterNodeParser(embed_model=MiniLM(embed_batch_size=256), include_metadata=False)
    return lambda ask: _pieces(splitter.get_nodes_from_documents([Document(text=ask.document.text)]))


def _pieces(nodes: Any) -> list[Piece]:
    return [
        Piece(
            n.get_content(),
            claimed=None if n.start_char_idx is None or n.end_char_idx is None else (n.start_char_idx, n.end_char_idx),
        )
        for n in nodes
    ]
