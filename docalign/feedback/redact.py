"""Redaction before export: what identifies a person becomes `x` and `0`, character by character.

A redacted document has the same length, the same blocks and the same boxes, so chunkings still fit it, and a model
that is trained on it still sees that an address or a number stood there. What is found: the personal data that the
rewards know by form or label (emails, phone numbers, IBANs, payment cards, social security numbers, names behind
labels), and beside it local phone numbers, IP addresses and numbers called ids in running text; with Microsoft Presidio
also what that finds, names of people above all. Rules find no names in running text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Final

from docalign.document import Document
from docalign.rewards import personal
from docalign.rewards.presidio import presidio_finder as rewards_finder

__all__ = ["Finder", "find_by_rules", "mask", "presidio_finder", "redact"]

Finder = Callable[[str], Iterable[tuple[int, int]]]
"""Spans of a text that identify somebody."""

_BESIDE: Final = (
    re.compile(r"(?<![\w+])(\+\d(?:[ ().\-/]{0,2}\d){6,14})(?!\d)"),  # phone with brackets anywhere
    re.compile(r"(?<![\w.,])(\(?0\d{1,5}\)?[ \-/.](?:\d[ \-/]?){4,11}\d)(?![\w.,]\d|\d)"),  # phone with an area code
    re.compile(r"(?<![\w.])((?:\d{1,3}\.){3}\d{1,3})(?![\w.]*\d)"),  # IP address
    re.compile(
        r"\b(?:passport|id(?:entity)?(?: card)?|tax id|vat|insurance|account|customer|patient|employee"
        r"|personal(?:ausweis)?|steuer-?id|mrn|nhs)[ .:#-]*(?:no|nr|number|nummer)?[ .:#-]+"
        r"([A-Z]{0,3}\d[\dA-Z./-]{3,20})",  # a number called an id
        re.IGNORECASE,
    ),
)


def find_by_rules(text: str) -> Iterator[tuple[int, int]]:
    """Spans that look like personal data. May overlap."""
    yield from ((datum.start, datum.end) for datum in personal.find_by_rules(text))
    yield from (match.span(1) for pattern in _BESIDE for match in pattern.finditer(text))


def presidio_finder() -> Finder | None:
    """Microsoft Presidio as a finder; None where it is not installed.

    Raises:
        ConfigError: it is installed without a language model.
    """
    if find_spec("presidio_analyzer") is None:
        return None
    found = rewards_finder()
    return lambda text: ((datum.start, datum.end) for datum in found(text))


def mask(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """`text` with the letters of `spans` as `x` and their digits as `0`; everything else stays."""
    characters = list(text)
    for start, end in spans:
        characters[start:end] = ["0" if c.isdecimal() else "x" if c.isalnum() else c for c in text[start:end]]
    return "".join(characters)


def redact(document: Document, *finders: Finder) -> Document:
    """The document with whatever a finder finds masked, in its text, its leftovers, its warnings and its name."""

    def clean(text: str) -> str:
        return mask(text, [span for find in finders for span in find(text)])

    return replace(
        document,
        source=clean(document.source),
        text=clean(document.text),
        furniture=tuple(replace(f, text=clean(f.text)) for f in document.furniture),
        invisible=tuple(replace(f, text=clean(f.text)) for f in document.invisible),
        dropped=tuple(replace(d, text=clean(d.text)) for d in document.dropped),
        warnings=tuple(clean(w) for w in document.warnings),
    ).check()
