"""LangChain: a `TextSplitter` for texts, a `BaseBlobParser` for files (extra `langchain`).

    splitter = DocalignTextSplitter(max_tokens=400)
    parser = DocalignBlobParser(max_tokens=400)

Every LangChain document carries what its chunk says of itself; `start_index` is always there and exact, because it is
the chunk's own offset and is not looked for in the text. LangChain's overlap would break that: give `embed_text=True,
overlap=N`, and take `metadata["embed_text"]` for the embedder.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from docalign.chunk import Chunk
from docalign.integrations.cutter import Cutter, Markup, about, missing

try:
    from langchain_core.document_loaders import BaseBlobParser
    from langchain_core.documents import Document
    from langchain_core.documents.base import Blob
    from langchain_text_splitters import TextSplitter
except ImportError as error:
    raise missing("langchain", error) from error

__all__ = ["DocalignBlobParser", "DocalignTextSplitter"]


class DocalignTextSplitter(TextSplitter):
    """Splits texts where docalign's model would begin a chunk.

    Args:
        max_tokens: the limit, in tokens of `tokenizer` (None: the model's own).
        target_tokens: the size aimed at.
        markup: `markdown` or `text`.
        model: a model folder or name; None for the shipped one.

    Raises:
        UsageError: sizes that make no sense.
    """

    def __init__(
        self,
        *,
        max_tokens: int = 512,
        target_tokens: int | None = None,
        tokenizer: str | None = None,
        markup: Markup = "markdown",
        model: str | None = None,
        embed_text: bool = False,
        overlap: int = 0,
    ) -> None:
        self.cutter = Cutter.of(
            model=model,
            markup=markup,
            max_tokens=max_tokens,
            target_tokens=target_tokens,
            tokenizer=tokenizer,
            embed_text=embed_text,
            overlap=overlap,
        )
        super().__init__(
            chunk_size=max_tokens,
            chunk_overlap=0,
            length_function=lambda text: self.cutter.count(text),
            add_start_index=True,
            strip_whitespace=False,
        )

    def split_text(self, text: str) -> list[str]:
        """The texts of the chunks; together they are `text`."""
        return [chunk.text for chunk in self.cutter.text(text)]

    def create_documents(self, texts: list[str], metadatas: list[dict[Any, Any]] | None = None) -> list[Document]:
        """The chunks of several texts, each with the metadata of its text and its own."""
        given = metadatas or [{} for _ in texts]
        return [
            _document(chunk, metadata)
            for text, metadata in zip(texts, given, strict=True)
            for chunk in self.cutter.text(text, source=str(metadata.get("source", "-")))
        ]


class DocalignBlobParser(BaseBlobParser):
    """Reads files of any format docalign knows, and gives one LangChain document a chunk, with pages and boxes.

    Args: those of `DocalignTextSplitter` without `markup`; `reading` are the `IngestOptions`.
    """

    def __init__(self, *, model: str | None = None, reading: Any = None, **sizes: Any) -> None:
        self.cutter = Cutter.of(model=model, reading=reading, **sizes)

    def lazy_parse(self, blob: Blob) -> Iterator[Document]:
        """The chunks of one file.

        Raises:
            DocalignError: it cannot be read.
        """
        source = str(blob.source or "-")
        for chunk in self.cutter.file(blob.as_bytes(), name=source):
            yield _document(chunk, {"source": source, **blob.metadata})


def _document(chunk: Chunk, metadata: dict[Any, Any]) -> Document:
    found = {**copy.deepcopy(metadata), **about(chunk), "start_index": chunk.start}
    return Document(id=chunk.id, page_content=chunk.text, metadata=found)
