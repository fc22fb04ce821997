"""`docalign explain`: for every start of a chunk, why it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from docalign.commands.inputs import single
from docalign.commands.messages import warn
from docalign.commands.progress import progress_bar
from docalign.commands.reading import check_languages, ingest_options, read_document
from docalign.commands.results import out_path, write_result
from docalign.errors import UsageError
from docalign.output.jsonout import dump
from docalign.wording import counted

if TYPE_CHECKING:
    from docalign.config import Settings
    from docalign.document import Document
    from docalign.evaluate.explain import Boundary, Explanation

__all__ = ["SCHEMA", "run_explain"]

SCHEMA: Final = "docalign.explanation/1"
_FORMATS: Final = ("text", "json")
_SHOWN_CHARS: Final = 48


def run_explain(
    argument: str,
    *,
    out: str | None,
    format: str,  # noqa: A002 - the flag's name
    against: str | None,
    stdin_name: str | None,
    settings: Settings,
    quiet: bool,
) -> None:
    """Chunk one file as `docalign chunk` would and write why every chunk starts where it does.

    Args:
        against: another model to compare every start with.

    Raises:
        UsageError: no such format.
        DocalignError: the input cannot be read, a model not loaded, or the result not written.
    """
    if format not in _FORMATS:
        raise UsageError(f"there is no format {format!r}.", remedy=f"Choose one of {', '.join(_FORMATS)}.")
    from docalign.chunker import Chunker, ChunkOptions
    from docalign.evaluate.explain import explain
    from docalign.rewards.composite import Composite

    job, reading, place = (
        single(argument, stdin_name=stdin_name),
        ingest_options(settings.ingest),
        out_path(out, [argument]),
    )
    check_languages([job], settings.ingest, reading)
    chosen = settings.chunk
    options = ChunkOptions(chosen.max_tokens, chosen.target_tokens, chosen.tokenizer)
    chunker = Chunker.load(settings.model.path)
    other = None if against is None else Chunker.load(against)
    with progress_bar(1, quiet=quiet) as bar:
        bar.file(job.name)
        document = read_document(job, reading, bar).document
    for warning in document.warnings:
        warn(f"{job.name}: {warning}")
    found = explain(document, chunker, options, against=other, rewards=Composite.of_rules(settings.rewards))
    head = {
        "schema": SCHEMA,
        "doc": job.name,
        "model": chunker.model_name,
        "against": None if other is None else other.model_name,
        "target_tokens": options.target,
        "max_tokens": options.max_tokens,
    }
    data = _json(head, document, found) if format == "json" else _text(head, document, found).encode("utf-8", "replace")
    write_result(data, place)


def _json(head: Mapping[str, Any], document: Document, found: Explanation) -> bytes:
    chunks = [
        {"index": i, "page": _page(document, b), "begins": _begins(document, b.start, end)}
        | {name: value for name, value in asdict(_plain(b)).items() if name != "rewards"}
        | {"rewards": dict(b.rewards)}
        for i, (b, end) in enumerate(_with_ends(found))
    ]
    alone = [{"start": start, "begins": _begins(document, start)} for start in found.others_alone]
    return dump({**head, "boundaries": chunks, "only_against": alone}, indent=2) + b"\n"


def _plain(boundary: Boundary) -> Boundary:
    return replace(boundary, rewards={})  # asdict copies deeply, which a read-only mapping does not allow


def _text(head: Mapping[str, Any], document: Document, found: Explanation) -> str:
    sizes = f"at most {head['max_tokens']} tokens, target {head['target_tokens']}"
    lines = [
        f"{head['doc']}: {counted(len(found.boundaries), 'chunk')} by {head['model']}, {sizes}",
        "",
        f"{'':>4} {'page':>4} {'tokens':>6}  {'why':<8}{'s':>7} {'φ':>6} {'p':>5} {'margin':>7}  begins",
    ]
    for i, (b, end) in enumerate(_with_ends(found)):
        page = _page(document, b)
        lines.append(
            f"{i:>4} {'–' if page is None else page:>4} {b.tokens:>6}  {_why(b):<8}{_number(b.log_odds, 7)} "
            f"{b.length_prior:>6.2f} {b.boundary:>5.2f} {_number(b.margin, 7)}  {_begins(document, b.start, end)}"
        )
        if b.rewards:
            lines.append(f"{'':>6}rules: " + ", ".join(f"{name} {gain:+.3f}" for name, gain in b.rewards.items()))
        if b.other is not None:
            cuts = "cuts here too" if b.other.cuts else "does not cut here"
            s = "" if b.other.log_odds is None else f", s {b.other.log_odds:.2f}"
            lines.append(f"{'':>6}{head['against']} {cuts}{s}, p {b.other.boundary:.2f}")
    lines += [
        f"{'':>6}only {head['against']} cuts at {start}: {_begins(document, start)}" for start in found.others_alone
    ]
    return "\n".join(lines) + "\n"


def _with_ends(found: Explanation) -> list[tuple[Boundary, int | None]]:
    """Each start and the next one, where its chunk ends."""
    return list(zip_longest(found.boundaries, (b.start for b in found.boundaries[1:])))


def _why(boundary: Boundary) -> str:
    return f"{boundary.why}*" if boundary.inside else boundary.why


def _number(value: float | None, width: int) -> str:
    return f"{'–':>{width}}" if value is None else f"{value:>{width}.2f}"


def _page(document: Document, boundary: Boundary) -> int | None:
    return None if boundary.block is None else document.blocks[boundary.block].page


def _begins(document: Document, start: int, end: int | None = None) -> str:
    """The first words of what starts at `start` and ends at `end` at the latest."""
    shown = start + 4 * _SHOWN_CHARS
    return " ".join(document.text[start : shown if end is None else min(end, shown)].split())[:_SHOWN_CHARS]
