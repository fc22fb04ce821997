"""Chonkie: a chunker with its interface, for its pipelines and for code written against it (extra `chonkie`).

    chunks = DocalignChunker(chunk_size=400)("# A text …")

`start_index` and `end_index` are offsets into the text; `metadata` has what the chunk says of itself beside.
"""

from __future__ import annotations

from docalign.integrations.cutter import Cutter, Markup, about, missing
from docalign.models import resolve

try:
    from chonkie.chunker.base import BaseChunker
    from chonkie.types import Chunk
except ImportError as error:
    raise missing("chonkie", error) from error

__all__ = ["DocalignChunker"]


class DocalignChunker(BaseChunker):
    """Chunks texts where docalign's model would begin a chunk.

    Args:
        chunk_size: the limit, in tokens of the model's own tokenizer.
        target_tokens: the size aimed at.
        markup: `markdown` or `text`.
        model: a model folder or name; None for the shipped one.

    Raises:
        UsageError: sizes that make no sense. ModelMissingError: no such model.
    """

    def __init__(
        self,
        chunk_size: int = 512,
        *,
        target_tokens: int | None = None,
        markup: Markup = "markdown",
        model: str | None = None,
    ) -> None:
        from tokenizers import Tokenizer

        super().__init__(Tokenizer.from_file(str(resolve(model) / "tokenizer.json")))
        self.chunk_size = chunk_size
        self.cutter = Cutter.of(model=model, markup=markup, max_tokens=chunk_size, target_tokens=target_tokens)

    def chunk(self, text: str) -> list[Chunk]:
        """The chunks of a text; together they are `text`."""
        return [
            Chunk(
                id=chunk.id,
                text=chunk.text,
                start_index=chunk.start,
                end_index=chunk.end,
                token_count=chunk.tokens,
                metadata=about(chunk),
            )
            for chunk in self.cutter.text(text)
        ]

    def __repr__(self) -> str:
        return f"DocalignChunker(chunk_size={self.chunk_size})"
