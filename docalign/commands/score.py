"""`docalign score`: a chunking explained chunk by chunk."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.commands.messages import note
from docalign.commands.results import out_path, write_result
from docalign.errors import InvalidChunksError, UsageError
from docalign.jsonl import JsonLinesError, read_json_lines
from docalign.output.jsonout import dump

if TYPE_CHECKING:
    from docalign.config import Settings
    from docalign.document import Document
    from docalign.rewards.chunk_lines import ChunkLine
    from docalign.rewards.composite import Composite
    from docalign.rewards.reward import Sizes

__all__ = ["run_score"]

_FORMATS: Final = ("text", "json", "html")


def run_score(
    file: str,
    *,
    document: str | None,
    format: str,  # noqa: A002 - the flag's name
    out: str | None,
    settings: Settings,
) -> None:
    """Score the chunks of `file` and write the explanation.

    Args:
        document: the Document (or the file) they were made of; None: what the chunks alone can tell.

    Raises:
        UsageError: no such format, sizes that make no sense, or one document for chunks of several.
        DocalignError: a file cannot be read, the chunks are none or not of that document, or a reward fails.
    """
    from docalign.rewards.assemble import composite_of, judge_of
    from docalign.rewards.chunk_lines import group_by_document, text_only_document
    from docalign.rewards.score_report import SCHEMA, as_html, as_text

    if format not in _FORMATS:
        raise UsageError(f"there is no score format {format!r}.", remedy=f"Choose one of {', '.join(_FORMATS)}.")
    place = out_path(out, [file, document])
    groups = group_by_document(_read(file))
    if document is not None and len(groups) > 1:
        raise UsageError(
            f"the file holds chunks of {len(groups)} documents.",
            source=file,
            remedy="Leave --document out, or score one document's chunks at a time.",
        )
    judge, sizes = judge_of(settings.judge), _sizes(settings)
    composite = composite_of(settings.rewards, judge=judge, judge_weight=settings.judge.weight)
    read = _document(document, settings) if document is not None else None
    if judge is not None:
        asked = [
            (read or text_only_document(lines), [(c.start, c.end) for c in lines], sizes) for lines in groups.values()
        ]
        note(f"{judge.chat.identity}: {judge.cost_of_scores(asked)}")
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "target_tokens": sizes.target_tokens,
        "max_tokens": sizes.max_tokens,
        "documents": [_explain(lines, read, composite, sizes) for lines in groups.values()],
    }
    if format == "json":
        data = dump(report, indent=2) + b"\n"
    else:
        data = (as_html if format == "html" else as_text)(report).encode("utf-8", "replace")
    write_result(data, place)


def _explain(lines: list[ChunkLine], document: Document | None, composite: Composite, sizes: Sizes) -> dict[str, Any]:
    from docalign.rewards.chunk_lines import TEXT_ONLY_PARTS, fit_to_document, text_only_document
    from docalign.rewards.composite import Composite
    from docalign.rewards.score_report import score_object

    judged_from = "document" if document is not None else "chunks"
    if document is None:
        document = text_only_document(lines)
        composite = Composite(tuple(p for p in composite.parts if p.name in TEXT_ONLY_PARTS))
    scored = composite.score(document, fit_to_document(lines, document), sizes)
    return score_object(lines, composite, scored, sizes, judged_from=judged_from)


def _read(file: str) -> list[ChunkLine]:
    from docalign.rewards.chunk_lines import read_chunk

    try:
        lines = [read_chunk(value, where) for where, value in read_json_lines(file)]
    except JsonLinesError as error:
        raise InvalidChunksError(error.what, source=error.where, remedy="Write one JSON object a line.") from error
    if not lines:
        raise InvalidChunksError("the file holds no chunks.", source=file, remedy="Give what docalign chunk wrote.")
    return lines


def _sizes(settings: Settings) -> Sizes:
    """The sizes the chunks were asked for; counted as `docalign chunk` counts with the same settings."""
    from docalign.chunker.options import ChunkOptions
    from docalign.counting import counter
    from docalign.models import resolve
    from docalign.rewards.reward import Sizes

    asked = settings.chunk
    options = ChunkOptions(max_tokens=asked.max_tokens, target_tokens=asked.target_tokens, tokenizer=asked.tokenizer)
    name = options.tokenizer or str(Path(resolve(settings.model.path)) / "tokenizer.json")
    return Sizes(options.target, options.max_tokens, lru_cache(maxsize=None)(counter(name)))


def _document(argument: str, settings: Settings) -> Document:
    from docalign.commands.inputs import single
    from docalign.commands.progress import progress_bar
    from docalign.commands.reading import ingest_options, read_document

    job = single(argument, stdin_name=None)
    with progress_bar(1, quiet=True) as bar:
        return read_document(job, ingest_options(settings.ingest), bar).document
