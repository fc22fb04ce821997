"""Chunk lines (`docalign.chunk/1`) as chunkings: read strictly, and put beside the document they were made of.

Without the document, chunks still tell their text, and that they follow one another; `text_only_document` makes of that
what can be judged: lengths and first words. Kinds of blocks and where blocks end are not in a chunk line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from docalign.document import Block, Document
from docalign.errors import InvalidChunksError
from docalign.rewards.reward import Span

__all__ = ["TEXT_ONLY_PARTS", "ChunkLine", "fit_to_document", "group_by_document", "read_chunk", "text_only_document"]

_SCHEMA: Final = "docalign.chunk/1"

TEXT_ONLY_PARTS: Final = frozenset(
    {"within_limit", "length_band", "not_too_short", "self_contained", "personal_data_together", "judge"}
)
"""The parts of which something can be said without the document."""


@dataclass(frozen=True, slots=True)
class ChunkLine:
    """What scoring needs of one line; `where` is `file:line`."""

    where: str
    doc: str
    text: str
    start: int
    end: int
    headings: tuple[str, ...]
    pages: tuple[int, ...]


def read_chunk(value: Any, where: str) -> ChunkLine:
    """Check one `docalign.chunk/1` object.

    Raises:
        InvalidChunksError: it is none, or a field that scoring needs is missing or of the wrong type.
    """
    if not isinstance(value, Mapping) or value.get("schema") != _SCHEMA:
        raise InvalidChunksError(
            f"this JSON is not a {_SCHEMA} object.", source=where, remedy="Give the jsonl that docalign chunk writes."
        )
    wanted: dict[str, type] = {"doc": str, "text": str, "start": int, "end": int}
    for name, kind in wanted.items():
        if type(value.get(name)) is not kind:
            raise InvalidChunksError(f"{name} is {value.get(name)!r:.60}.", source=where, remedy=f"Mend {name}.")
    lists = {"headings": str, "pages": int}
    for name, kind in lists.items():
        found = value.get(name, [])
        if not isinstance(found, list) or not all(type(item) is kind for item in found):
            raise InvalidChunksError(f"{name} is {found!r:.60}.", source=where, remedy=f"Mend {name}.")
    line = ChunkLine(where, value["doc"], value["text"], value["start"], value["end"],
                     tuple(value.get("headings", ())), tuple(value.get("pages", ())))  # fmt: skip
    if not line.text or len(line.text) != line.end - line.start:
        raise InvalidChunksError(
            f"the text has {len(line.text)} characters, start and end say {line.end - line.start}.",
            source=where,
            remedy="Give chunks as docalign chunk wrote them, with text unchanged.",
        )
    return line


def group_by_document(lines: Iterable[ChunkLine]) -> dict[str, list[ChunkLine]]:
    """The lines by document, each in order.

    Raises:
        InvalidChunksError: the chunks of a document do not tile it from 0 on.
    """
    groups: dict[str, list[ChunkLine]] = {}
    for line in lines:
        groups.setdefault(line.doc, []).append(line)
    for group in groups.values():
        position = 0
        for line in group:
            if line.start != position:
                raise InvalidChunksError(
                    f"the chunk starts at {line.start}, the text before it ends at {position}.",
                    source=line.where,
                    remedy="Give all chunks of a document, in order.",
                )
            position = line.end
    return groups


def fit_to_document(lines: Sequence[ChunkLine], document: Document) -> list[Span]:
    """The spans of the chunks in the document they were made of.

    Raises:
        InvalidChunksError: a chunk holds another text than the document has there, or text is left over.
    """
    for line in lines:
        if document.text[line.start : line.end] != line.text:
            raise InvalidChunksError(
                f"the document has another text at {line.start}–{line.end}: the chunks were not made of it.",
                source=line.where,
                remedy="Give --document the Document they were made of: docalign ingest FILE > DOC.json.",
            )
    if lines[-1].end != len(document.text):
        raise InvalidChunksError(
            f"the chunks end at {lines[-1].end}, the document at {len(document.text)}.",
            source=lines[-1].where,
            remedy="Give all chunks of the document.",
        )
    return [(line.start, line.end) for line in lines]


def text_only_document(lines: Sequence[ChunkLine]) -> Document:
    """What is known of the document from its chunks: a paragraph for each, behind the headings its text opens with."""
    text = "".join(line.text for line in lines)
    blocks: list[Block] = []

    def add(start: int, end: int, *, heading: bool) -> None:
        stripped = text[start:end]
        start += len(stripped) - len(stripped.lstrip())
        end -= len(stripped) - len(stripped.rstrip())
        if start < end:
            blocks.append(Block(len(blocks), start, end, "heading" if heading else "paragraph", 1 if heading else None))

    for line in lines:
        at = line.start
        for heading in line.headings:
            opening = len(line.text[at - line.start :]) - len(line.text[at - line.start :].lstrip())
            if text.startswith(heading, at + opening) and heading:
                add(at, at + opening + len(heading), heading=True)
                at += opening + len(heading)
        add(at, line.end, heading=False)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Document(lines[0].doc, digest, text, tuple(blocks)).check()
