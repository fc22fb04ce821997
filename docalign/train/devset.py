"""Development gold: the lines every number about boundaries is measured on.

Windows of `corpora/dev` and of the held-out twentieth of every train source, in one of the three conditions. Sizes
depend on the document's id alone, so the same windows ask for the same sizes in every condition.

It reads the corpora under a data directory (`DOCALIGN_DATA`); it renders nothing to PDF.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

from docalign.errors import UsageError
from docalign.train.corpus import is_held_out, read_corpus
from docalign.train.gold import GoldLine
from docalign.train.policy_gold import MAX_BLOCKS, SIZES, Condition, gold_line

__all__ = ["data_directory", "development_documents", "development_lines", "sizes_for", "window_lines"]

_VARIABLE: Final = "DOCALIGN_DATA"


def data_directory() -> Path:
    """The directory `DOCALIGN_DATA` names: corpora and PDFs that are no part of the repository.

    Raises:
        UsageError: the variable is not set, or names no directory.
    """
    value = os.environ.get(_VARIABLE)
    if not value or not Path(value).is_dir():
        what = f"{_VARIABLE} is not set" if not value else f"{_VARIABLE} names no directory ({value})"
        raise UsageError(f"{what}.", remedy=f"Set {_VARIABLE} to the directory that holds corpora/.")
    return Path(value)


def development_documents(data: Path) -> Iterator[Mapping[str, Any]]:
    """Every document of `corpora/dev` and the held-out documents of `corpora/train`."""
    corpora = data / "corpora"
    return chain(read_corpus(corpora / "dev"), (d for d in read_corpus(corpora / "train") if is_held_out(d["id"])))


def development_lines(data: Path, condition: Condition, *, windows: int = 4) -> Iterator[GoldLine]:
    """The development gold in one condition: at most `windows` windows of 120 blocks from each document."""
    return window_lines(development_documents(data), condition, windows=windows)


def window_lines(documents: Iterable[Mapping[str, Any]], condition: Condition, *, windows: int) -> Iterator[GoldLine]:
    """Gold lines of the first `windows` windows of each corpus document; windows that teach too little are left out."""
    for document in documents:
        for first in range(0, min(len(document["blocks"]), windows * MAX_BLOCKS), MAX_BLOCKS):
            target, limit = sizes_for(f"{document['id']}@{first}")
            line = gold_line(document, target=target, limit=limit, condition=condition, first_block=first)
            if line is not None:
                yield line


def sizes_for(name: str) -> tuple[int, int]:
    """One of the reference (target, limit) pairs, chosen by the name alone."""
    return SIZES[int(hashlib.sha256(f"sizes {name}".encode()).hexdigest(), 16) % len(SIZES)]
