"""Options that several commands take, each declared once.

A group is a dataclass whose fields are the keys of a section of docalign.toml. `takes` gives a command the options of
its groups and hands them over as one value for each group, so that a new setting is one line here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer

__all__ = ["ChunkFlags", "ReadFlags", "SizeFlags", "given", "takes"]


@dataclass(frozen=True, slots=True)
class SizeFlags:
    """Options of `[chunk]` that decide where chunks start."""

    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", metavar="N", help="No chunk has more tokens. [default: 512]")
    ] = None
    target_tokens: Annotated[
        int | None,
        typer.Option("--target-tokens", metavar="N", help="The size chunks lean towards. [default: 0.7 × the maximum]"),
    ] = None
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", metavar="NAME|PATH", help="What counts tokens. [default: the model's tokenizer]"),
    ] = None


@dataclass(frozen=True, slots=True)
class ChunkFlags(SizeFlags):
    """Options of `[chunk]`."""

    embed_text: Annotated[
        bool | None,
        typer.Option("--embed-text/--no-embed-text", help="Add a field for the embedder: headings, overlap, text."),
    ] = None
    overlap: Annotated[
        int | None,
        typer.Option("--overlap", metavar="N", help="Tokens of what came before in embed_text. [default: 0]"),
    ] = None


@dataclass(frozen=True, slots=True)
class ReadFlags:
    """Options of `[ingest]`."""

    ocr: Annotated[
        str | None,
        typer.Option("--ocr", metavar="auto|always|never", help="When pages are read by OCR. [default: auto]"),
    ] = None
    languages: Annotated[
        str | None,
        typer.Option(
            "--lang",
            "--languages",
            metavar="LANG+LANG",
            help="Tesseract's names of the languages to expect. [default: eng]",
        ),
    ] = None
    ocr_engine: Annotated[
        str | None,
        typer.Option(
            "--ocr-engine",
            metavar="auto|tesseract|hard",
            help="What reads them; `hard` needs the extra of that name. [default: auto]",
        ),
    ] = None
    strict: Annotated[
        bool | None,
        typer.Option("--strict/--no-strict", help="A page that cannot be read fails its file. [default: no-strict]"),
    ] = None
    use_cache: Annotated[
        bool | None,
        typer.Option("--cache/--no-cache", help="Keep pages once read, and take those kept. [default: cache]"),
    ] = None
    password: Annotated[
        str | None,
        typer.Option(
            "--password", metavar="TEXT", help="For encrypted PDFs; DOCALIGN_INGEST_PASSWORD keeps it off the screen."
        ),
    ] = None
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Processes that read pages. [default: one a core]")
    ] = None


def given(flags: SizeFlags | ReadFlags) -> dict[str, Any]:
    """The flags as values of their section; None where a flag was not given."""
    return asdict(flags)


def takes(**groups: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command's parameters called as `groups` become the fields of those groups, one option each."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**values: Any) -> None:
            made = {name: kind(**{f.name: values.pop(f.name) for f in fields(kind)}) for name, kind in groups.items()}
            command(**values, **made)

        shown: list[inspect.Parameter] = []
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            shown += _options(groups[parameter.name]) if parameter.name in groups else [parameter]
        # Typer asks for the one and for the other.
        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
        return run

    return decorate


def _options(kind: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
        for f in fields(kind)
    ]
