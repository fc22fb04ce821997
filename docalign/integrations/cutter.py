"""What the integrations share: a text or a file in, chunks out, the model loaded when the first one comes.

A text keeps its characters: a chunk's `start` and `end` are offsets into what the caller handed over. Of a file, they
are offsets into the text that `ingest` makes of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal

from docalign.errors import UsageError

if TYPE_CHECKING:
    from docalign.chunk import Chunk
    from docalign.chunker import Chunker, ChunkOptions
    from docalign.document import Document
    from docalign.ingest import IngestOptions, WorkerPool

__all__ = ["Cutter", "Markup", "about", "document_of", "missing"]

Markup = Literal["markdown", "text"]
"""How a text marks its headings, lists and tables: as Markdown, or not at all."""

_MARKUPS: Final = ("markdown", "text")
_NOT_ABOUT: Final = ("schema", "text")


def missing(extra: str, error: ImportError) -> UsageError:
    """What to raise where the program an integration is for is not installed."""
    return UsageError(
        f"the integration {extra!r} needs {error.name}, which is not installed.",
        remedy=f"Run: pip install '.[{extra}]' in the docalign folder",
    )


def about(chunk: Chunk) -> dict[str, Any]:
    """All that a chunk says of itself but its text, JSON-like: what the frameworks call metadata."""
    return {name: value for name, value in chunk.to_json().items() if name not in _NOT_ABOUT}


def document_of(text: str, markup: Markup = "markdown", *, source: str = "-") -> Document | None:
    """The text, character by character, as a Document; None where it is nothing but white space.

    Raises:
        UsageError: no such markup.
    """
    from docalign.ingest.readers.markdown import markdown_document
    from docalign.ingest.readers.text import text_document

    if markup not in _MARKUPS:
        raise UsageError(f"there is no markup {markup!r}.", remedy=f"Choose one of {', '.join(_MARKUPS)}.")
    if not text or text.isspace():
        return None
    read = markdown_document if markup == "markdown" else text_document
    return read(text, source=source, sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


@dataclass
class Cutter:
    """A chunker with its options. Threads may share one; it chunks one document at a time.

    Args:
        options: sizes and what counts them, see `ChunkOptions`.
        model: a model folder or name; None for the shipped one.
        markup: how texts are marked up.
        reading: how files are read; None for the defaults.
        pool: worker processes that read files; without one every file starts and ends its own.
    """

    options: ChunkOptions
    model: str | None = None
    markup: Markup = "markdown"
    reading: IngestOptions | None = None
    pool: WorkerPool | None = None
    _chunker: Chunker | None = field(default=None, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    @classmethod
    def of(
        cls,
        *,
        model: str | None = None,
        markup: Markup = "markdown",
        reading: IngestOptions | None = None,
        **sizes: Any,
    ) -> Cutter:
        """From the arguments an integration takes: those of a Cutter, and as `sizes` those of `ChunkOptions`.

        Raises:
            UsageError: they make no sense.
        """
        from docalign.chunker import ChunkOptions

        if markup not in _MARKUPS:
            raise UsageError(f"there is no markup {markup!r}.", remedy=f"Choose one of {', '.join(_MARKUPS)}.")
        return cls(ChunkOptions(**sizes), model, markup, reading)

    @property
    def chunker(self) -> Chunker:
        """The model.

        Raises:
            ModelError: there is none.
        """
        from docalign.chunker import Chunker

        if self._chunker is None:
            self._chunker = Chunker.load(self.model)
        return self._chunker

    @property
    def count(self) -> Callable[[str], int]:
        """What counts tokens."""
        from docalign.counting import counter

        return counter(self.options.tokenizer or self.chunker.tokenizer)

    def text(self, text: str, *, source: str = "-", **sizes: Any) -> list[Chunk]:
        """The chunks of a text; none of one without a visible character.

        Raises:
            UsageError: sizes that make no sense. ModelError: no model.
        """
        document = document_of(text, self.markup, source=source)
        return [] if document is None else self.document(document, **sizes)

    def document(self, document: Document, **sizes: Any) -> list[Chunk]:
        """The chunks of a document; `sizes` replace options for this one.

        Raises:
            UsageError: sizes that make no sense. ModelError: no model.
        """
        with self._lock:
            return self.chunker.chunk(document, self._with(sizes))

    def read(self, source: str | Path | bytes, *, name: str | None = None) -> Document:
        """A file as a Document.

        Raises:
            DocalignError: it cannot be read.
        """
        from docalign.ingest import IngestOptions, ingest

        return ingest(source, name=name, options=self.reading or IngestOptions(), pool=self.pool)

    def file(self, source: str | Path | bytes, *, name: str | None = None) -> list[Chunk]:
        """The chunks of a file.

        Raises:
            DocalignError: it cannot be read, or not be chunked.
        """
        return self.document(self.read(source, name=name))

    def _with(self, sizes: Mapping[str, Any]) -> ChunkOptions:
        from dataclasses import replace

        return replace(self.options, **sizes) if sizes else self.options
