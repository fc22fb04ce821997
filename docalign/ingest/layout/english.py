"""Common English words, lower case: the list beside this file (see `data/english_words.py`), read when first asked."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["english_words"]


@cache
def english_words() -> frozenset[str]:
    """Some fifteen thousand words; short ones only where they are frequent."""
    text = files("docalign.ingest.layout").joinpath("english.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
