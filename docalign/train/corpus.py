"""Structured corpora: documents whose authors marked the headings, as JSON lines.

A corpus document is a mapping with `id`, `domain`, `blocks` (`kind`, `level`, `text`) and, for transcripts,
`topic_starts`. Which documents are held out depends on their id alone, so that every run and every machine agrees.

It does not derive chunks; that is `policy_gold`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from docalign.errors import DamagedInputError, EmptyInputError
from docalign.jsonl import JsonLinesError, read_json_lines

__all__ = ["HELD_OUT_SHARE", "is_held_out", "read_corpus"]

HELD_OUT_SHARE: Final = 20
"""One document in this many is held out."""


def is_held_out(document_id: str) -> bool:
    """Whether no training may see this corpus document: sha256 of its id, as a number, divides by 20.

    Give it the id of the *document* (`GoldLine.document.source`), never that of a window or a rendering of it.
    """
    return int(hashlib.sha256(document_id.encode("utf-8")).hexdigest(), 16) % HELD_OUT_SHARE == 0


def read_corpus(path: str | Path) -> Iterator[Mapping[str, Any]]:
    """The documents of a corpus file, or of every `*.jsonl` and `*.jsonl.xz` of a directory in order of name.

    Raises:
        MissingInputError: no such file.
        EmptyInputError: a directory without corpus files.
        DamagedInputError: a line is no corpus document (`source` is `file:line`).
    """
    path = Path(path)
    files = sorted(f for f in path.iterdir() if f.name.endswith((".jsonl", ".jsonl.xz"))) if path.is_dir() else [path]
    if not files:
        raise EmptyInputError("no .jsonl or .jsonl.xz file in it.", source=str(path), remedy="Name a corpus directory.")
    for file in files:
        try:
            for where, value in read_json_lines(file):
                yield _checked(value, where)
        except JsonLinesError as error:
            raise DamagedInputError(error.what, source=error.where, remedy="Fetch the corpus again.") from error


def _checked(value: Any, where: str) -> Mapping[str, Any]:
    if (
        isinstance(value, Mapping)
        and isinstance(value.get("id"), str)
        and isinstance(value.get("blocks"), list)
        and all(isinstance(b, Mapping) and isinstance(b.get("text"), str) and "kind" in b for b in value["blocks"])
    ):
        return value
    raise DamagedInputError(
        "this line is no corpus document.", source=where, remedy="It needs id and blocks with kind and text."
    )
