"""What a request asks for: the options of `docalign chunk` as a query, checked once, and as plain values for a job."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from docalign.chunker import ChunkOptions
from docalign.config import Settings
from docalign.counting import CHARS, WORDS
from docalign.errors import OcrMissingError, UsageError
from docalign.ingest import IngestOptions

from .settings import Bounds

__all__ = ["MEDIA_TYPES", "ChunkQuery", "Order", "order_for"]

MEDIA_TYPES: Final = {
    "jsonl": "application/x-ndjson",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "preview": "text/plain; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_MOST: Final = 10_000_000


class ChunkQuery(BaseModel):
    """The options of `docalign chunk`; what is left out is as the service's own docalign.toml says."""

    model_config = ConfigDict(extra="forbid")

    max_tokens: Annotated[int | None, Field(ge=1, le=_MOST, description="No chunk has more tokens.")] = None
    target_tokens: Annotated[int | None, Field(ge=1, le=_MOST, description="The size chunks lean towards.")] = None
    tokenizer: Annotated[
        str | None, Field(max_length=200, description=f"What counts tokens: `{WORDS}`, `{CHARS}`, or the model's own.")
    ] = None
    embed_text: Annotated[bool | None, Field(description="Add a field for the embedder.")] = None
    overlap: Annotated[int | None, Field(ge=0, le=_MOST, description="Tokens of what came before in it.")] = None
    format: Annotated[
        Literal["jsonl", "json", "md", "html", "preview", "parquet"] | None, Field(description="What to write.")
    ] = None
    ocr: Annotated[Literal["auto", "always", "never"] | None, Field(description="When pages are read by OCR.")] = None
    languages: Annotated[
        str | None, Field(max_length=200, description="Tesseract's names of the languages to expect, joined by `+`.")
    ] = None
    ocr_engine: Annotated[Literal["auto", "tesseract", "hard"] | None, Field(description="What reads them.")] = None
    strict: Annotated[bool | None, Field(description="A page that cannot be read fails its file.")] = None
    use_outline: Annotated[bool | None, Field(description="Believe a PDF's own outline.")] = None
    use_tags: Annotated[bool | None, Field(description="Believe a PDF's own tags.")] = None
    name: Annotated[
        str | None, Field(min_length=1, max_length=255, description="What chunks call the input; its suffix tells.")
    ] = None


@dataclass(frozen=True, slots=True)
class Order:
    """One input's work: how to read it, how to chunk it, what to write. `name` is what results call it."""

    name: str
    read: IngestOptions
    chunk: ChunkOptions
    format: str

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.format]

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "read": asdict(self.read), "chunk": asdict(self.chunk), "format": self.format}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Order:
        return cls(value["name"], IngestOptions(**value["read"]), ChunkOptions(**value["chunk"]), value["format"])


def order_for(query: ChunkQuery, settings: Settings, limits: Bounds, *, name: str, password: str | None) -> Order:
    """The order that a query means under these settings.

    Raises:
        UsageError: options that make no sense, alone or together.
    """
    chosen = query.model_dump(exclude_none=True)
    chunk = settings.chunk
    values = {
        key: chosen.get(key, getattr(chunk, key))
        for key in ("max_tokens", "target_tokens", "tokenizer", "embed_text", "overlap")
    }
    if query.tokenizer is not None and query.tokenizer not in (WORDS, CHARS, chunk.tokenizer):
        raise UsageError(
            f"the service does not count with {query.tokenizer!r}.",
            remedy=f"Use {WORDS!r}, {CHARS!r}, or leave it out for the model's own.",
        )
    reading = ("ocr", "languages", "ocr_engine", "strict", "use_outline", "use_tags")
    read = replace(
        limits.options,
        max_pages=limits.pages,
        max_bytes=limits.bytes,
        password=password,
        use_cache=False,
        **{key: chosen[key] for key in reading if key in chosen},
    )
    if "languages" in chosen or "ocr_engine" in chosen:
        _check_ocr(read)
    return Order(query.name or name, read, ChunkOptions(**values), chosen.get("format", chunk.format))


def _check_ocr(options: IngestOptions) -> None:
    """
    Raises:
        UsageError: no engine here reads these languages.
    """
    from docalign.ingest.ocr.engine import choose_engine, split_languages

    split_languages(options.languages)
    try:
        choose_engine(options.languages, options.ocr_engine)
    except OcrMissingError as error:
        raise UsageError(error.what, remedy="Ask for languages that this service has.") from error
