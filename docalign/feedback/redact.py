"""Redaction before export: what identifies a person becomes `x` and `0`, character by character.

A redacted document has the same length, the same blocks and the same boxes, so chunkings still fit it, and a model
that is trained on it still sees that an address or a number stood there. Finding is done by rules (emails, phone
numbers, IBANs, payment cards, social security numbers, IP addresses, numbers that are labelled as ids), and by
Microsoft Presidio too where it is installed. Rules find what has a form; names of people they do not find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from docalign.document import Document
from docalign.errors import UsageError

__all__ = ["Finder", "find_by_rules", "mask", "presidio_finder", "redact"]

Finder = Callable[[str], Iterable[tuple[int, int]]]
"""Spans of a text that identify somebody."""

_PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}",  # email
        r"(?<![\w+])\+\d(?:[ ().\-/]{0,2}\d){6,14}(?!\d)",  # phone, international
        r"(?<![\w.,])\(?0\d{1,5}\)?[ \-/.](?:\d[ \-/]?){4,11}\d(?![\w.,]\d|\d)",  # phone with an area code
        r"(?<![\w.,-])(?:\(\d{3}\) ?|\d{3}[ .\-])\d{3}[ .\-]\d{4}(?![\w-])",  # phone, North America
        r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])",  # social security number
        r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)",  # IP address
    )
)
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){3,8}(?!\w)")
_CARD: Final = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_LABELLED: Final = re.compile(
    r"\b(?:passport|id(?:entity)?(?: card)?|tax id|vat|insurance|account|customer|patient|employee|personal(?:ausweis)?"
    r"|steuer-?id|mrn|nhs)[ .:#-]*(?:no|nr|number|nummer)?[ .:#-]+([A-Z]{0,3}\d[\dA-Z./-]{3,20})",
    re.IGNORECASE,
)


def find_by_rules(text: str) -> Iterator[tuple[int, int]]:
    """Spans that look like an email address, a phone number or an id. May overlap."""
    for pattern in _PATTERNS:
        yield from (match.span() for match in pattern.finditer(text))
    for match in _IBAN.finditer(text):
        length = _iban_length(match.group())
        if length:
            yield match.start(), match.start() + length
    yield from (m.span() for m in _CARD.finditer(text) if _is_card(m.group()))
    yield from (match.span(1) for match in _LABELLED.finditer(text))


def presidio_finder(language: str = "en") -> Finder | None:
    """Microsoft Presidio as a finder; None where it is not installed.

    Raises:
        UsageError: it is installed and does not start, such as without its language model.
    """
    try:
        from presidio_analyzer import AnalyzerEngine
    except ModuleNotFoundError:
        return None
    try:
        engine = AnalyzerEngine()
    except (OSError, ValueError, SystemExit) as error:
        raise UsageError(
            f"Presidio is installed and does not start ({type(error).__name__}: {str(error)[:200]}).",
            remedy="Install the spaCy model it asks for, or uninstall presidio-analyzer to redact by rules alone.",
        ) from error

    def find(text: str) -> Iterator[tuple[int, int]]:
        yield from ((found.start, found.end) for found in engine.analyze(text, language=language))

    return find


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


def _iban_length(text: str) -> int:
    """How many characters of `text` are an IBAN whose check digits are right; words after it are not."""
    for end in range(len(text), 14, -1):
        whole = text[:end].replace(" ", "")
        if 15 <= len(whole) <= 34 and text[end - 1] != " ":
            turned = whole[4:] + whole[:4]
            if int("".join(str(int(c, 36)) for c in turned)) % 97 == 1:
                return end
    return 0


def _is_card(text: str) -> bool:
    """Luhn's check."""
    digits = [int(c) for c in reversed(text) if c.isdigit()]
    doubled = [d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(digits)]
    return sum(doubled) % 10 == 0 and len(set(digits)) > 1
