"""docling: a `BaseChunker` for its `DoclingDocument`, with docling's own items in each chunk's metadata.

    for chunk in DocalignChunker(max_tokens=400).chunk(converted.document): …

docling-core is not among docalign's extras, because it asks for an older typer than docalign's; it runs with the newer
one, so `pip install --no-deps docling-core` beside its other requirements does. A DoclingDocument saved as JSON is
input of `docalign chunk` and needs none of this.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, ClassVar

from docalign.document import Document
from docalign.errors import UsageError
from docalign.ingest.readers.docling_json import read_docling_items
from docalign.integrations.cutter import Cutter

try:
    from docling_core.transforms.chunker.base import BaseChunker
    from docling_core.transforms.chunker.doc_chunk import DocChunk, DocMeta
    from docling_core.types.doc.document import DoclingDocument, RefItem
    from pydantic import PrivateAttr
except ImportError as error:
    raise UsageError(
        f"the integration 'docling' needs {error.name}, which is not installed.",
        remedy="Run: pip install --no-deps docling-core, and what it names as missing.",
    ) from error

__all__ = ["DocalignChunk", "DocalignChunker", "DocalignMeta"]


class DocalignMeta(DocMeta):
    """docling's metadata, and what a docalign chunk says of itself; `start` and `end` are offsets into the text of
    `DocalignChunker.document`."""

    start: int
    end: int
    tokens: int
    pages: list[int]
    boxes: list[dict[str, Any]]
    boundary: float

    excluded_embed: ClassVar[list[str]] = [
        *DocMeta.excluded_embed, "start", "end", "tokens", "pages", "boxes", "boundary"
    ]  # fmt: skip
    excluded_llm: ClassVar[list[str]] = excluded_embed


class DocalignChunk(DocChunk):
    """A chunk with that metadata."""

    meta: DocalignMeta


class DocalignChunker(BaseChunker):
    """Chunks DoclingDocuments where docalign's model would begin a chunk."""

    max_tokens: int = 512
    target_tokens: int | None = None
    tokenizer: str | None = None
    model: str | None = None
    _cutter: Cutter | None = PrivateAttr(default=None)

    @property
    def cutter(self) -> Cutter:
        """Made when first asked for."""
        if self._cutter is None:
            self._cutter = Cutter.of(
                model=self.model,
                max_tokens=self.max_tokens,
                target_tokens=self.target_tokens,
                tokenizer=self.tokenizer,
            )
        return self._cutter

    def document(self, dl_doc: DoclingDocument) -> Document:
        """The Document that offsets point into.

        Raises:
            EmptyInputError: it has no text.
        """
        return _read(dl_doc)[0]

    def chunk(self, dl_doc: DoclingDocument, **kwargs: Any) -> Iterator[DocalignChunk]:  # noqa: ARG002 - docling's own signature
        """The chunks of a document.

        Raises:
            EmptyInputError: it has no text. ModelError: no model.
        """
        document, refs = _read(dl_doc)
        for chunk in self.cutter.document(document):
            items = [RefItem(cref=refs[block]).resolve(dl_doc) for block in chunk.blocks]
            meta = DocalignMeta(
                doc_items=items,
                headings=list(chunk.headings) or None,
                origin=dl_doc.origin,
                start=chunk.start,
                end=chunk.end,
                tokens=chunk.tokens,
                pages=list(chunk.pages),
                boxes=chunk.to_json()["boxes"],
                boundary=chunk.boundary,
            )
            yield DocalignChunk(text=chunk.text, meta=meta)


def _read(dl_doc: DoclingDocument) -> tuple[Document, tuple[str, ...]]:
    value = dl_doc.export_to_dict()
    sha256 = hashlib.sha256(json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
    return read_docling_items(value, str(dl_doc.name), sha256)
