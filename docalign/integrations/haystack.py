"""Haystack: a component that splits documents, and one that reads files (extra `haystack`).

    pipeline.add_component("split", DocalignDocumentSplitter(max_tokens=400))
    pipeline.add_component("read", DocalignConverter(max_tokens=400))

Every document they give has in `meta` what its chunk says of itself, `split_idx_start` and `source_id` as Haystack's
own splitters name them, and what its source had there. A saved pipeline is loaded with
`allowed_modules=["docalign.integrations.haystack"]`.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from docalign.chunk import Chunk
from docalign.ingest.options import IngestOptions, OcrMode
from docalign.integrations.cutter import Cutter, Markup, about, missing

try:
    from haystack import Document, component, default_from_dict, default_to_dict
    from haystack.dataclasses import ByteStream
except ImportError as error:
    raise missing("haystack", error) from error

__all__ = ["DocalignConverter", "DocalignDocumentSplitter"]


@component
class DocalignDocumentSplitter:
    """Splits documents where docalign's model would begin a chunk.

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
        max_tokens: int = 512,
        target_tokens: int | None = None,
        tokenizer: str | None = None,
        markup: Markup = "markdown",
        model: str | None = None,
    ) -> None:
        sizes: dict[str, Any] = {"max_tokens": max_tokens, "target_tokens": target_tokens, "tokenizer": tokenizer}
        self._given = {**sizes, "markup": markup, "model": model}
        self.cutter = Cutter.of(model=model, markup=markup, **sizes)

    def warm_up(self) -> None:
        """Load the model before the first document."""
        _ = self.cutter.chunker

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """The chunks of all documents; one without text gives none."""
        return {
            "documents": [
                _document(chunk, {**document.meta, "source_id": document.id})
                for document in documents
                for chunk in self.cutter.text(document.content or "", source=document.id)
            ]
        }

    def to_dict(self) -> dict[str, Any]:
        """As pipelines are saved."""
        saved: dict[str, Any] = default_to_dict(self, **self._given)
        return saved

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> DocalignDocumentSplitter:
        """As pipelines are loaded."""
        made: DocalignDocumentSplitter = default_from_dict(cls, data)
        return made


@component
class DocalignConverter:
    """Reads files of any format docalign knows; one document a chunk, with pages and boxes in its `meta`.

    Args: those of `DocalignDocumentSplitter` without `markup`; `ocr` and `languages` as on the command line.
    """

    def __init__(
        self,
        max_tokens: int = 512,
        target_tokens: int | None = None,
        tokenizer: str | None = None,
        model: str | None = None,
        ocr: OcrMode = "auto",
        languages: str = "eng",
    ) -> None:
        sizes: dict[str, Any] = {"max_tokens": max_tokens, "target_tokens": target_tokens, "tokenizer": tokenizer}
        self._given = {**sizes, "model": model, "ocr": ocr, "languages": languages}
        reading = IngestOptions(ocr=ocr, languages=languages)
        self.cutter = Cutter.of(model=model, reading=reading, **sizes)

    def warm_up(self) -> None:
        """Load the model before the first file."""
        _ = self.cutter.chunker

    @component.output_types(documents=list[Document])
    def run(
        self, sources: list[str | Path | ByteStream], meta: dict[str, Any] | None = None
    ) -> dict[str, list[Document]]:
        """The chunks of all files.

        Raises:
            DocalignError: one of them cannot be read.
        """
        made: list[Document] = []
        for source in sources:
            if isinstance(source, ByteStream):
                name = str(source.meta.get("file_path", "-"))
                chunks, found = self.cutter.file(source.data, name=name), dict(source.meta)
            else:
                chunks, found = self.cutter.file(source), {"file_path": str(source)}
            made += [_document(chunk, {**found, **(meta or {})}) for chunk in chunks]
        return {"documents": made}

    def to_dict(self) -> dict[str, Any]:
        """As pipelines are saved."""
        saved: dict[str, Any] = default_to_dict(self, **self._given)
        return saved

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> DocalignConverter:
        """As pipelines are loaded."""
        made: DocalignConverter = default_from_dict(cls, data)
        return made


def _document(chunk: Chunk, meta: dict[str, Any]) -> Document:
    return Document(content=chunk.text, meta={**deepcopy(meta), **about(chunk), "split_idx_start": chunk.start})
