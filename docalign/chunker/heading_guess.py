"""Which blocks of a document without marked headings are headings, and how deep: a guess from how lines look.

Plain text and poor scans have heading lines that nothing marks. The outline hint (`outline.py`) needs to know them, so
a line is judged by its length, its case, how it begins and ends, and what stands before and after it: a logistic
regression over a few yes/no features, fitted on training documents (`data/recipes/fit_headings.py`). It knows no words
but question words, articles and the names of parts ("Chapter"), which are English; elsewhere it sees less.

It only feeds a hint: nothing here decides a boundary. A changed feature or weight is a new PROMPT_VERSION.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from docalign.chunker.heading_weights import WEIGHTS

__all__ = ["features_of", "guessed_levels"]

_MOST_WORDS: Final = 30
"""A longer line is no heading."""
_HEAD_CHARS: Final = 400
_BANDS: Final = (1, 2, 4, 7, 12, 18, _MOST_WORDS)
_HIGH_PARTS: Final = "title|subtitle|division|chapter|subchapter|part|subpart|article|appendix"
_PART: Final = rf"(?:{_HIGH_PARTS}|section|sec|paragraph)\b\.? +[\divxla-z]"
_NUMBERED: Final = re.compile(rf"§+ ?\d|(?i:{_PART})|\d{{1,2}}(?:\.\d{{1,2}})*\.? +[A-Z]|[IVX]{{1,4}}\. |[A-Z]\. ")
_DECIMAL: Final = re.compile(r"(\d{1,2}(?:\.\d{1,2})*)\.? ")
_LETTERED: Final = re.compile(r"\(\w{1,4}\)")
_HIGH: Final = re.compile(rf"(?i:{_HIGH_PARTS})\b")
_QUESTIONS: Final = frozenset(
    ["what", "how", "why", "when", "where", "who", "which", "is", "are", "can", "do", "does", "should"]
)
_ARTICLES: Final = frozenset(["the", "a", "an", "this", "these", "it", "in", "if", "for"])
_DEEP: Final = 3
"""The level of a heading that nothing else is known of; one that stands right above another heading is one higher."""


@dataclass(frozen=True, slots=True)
class _Line:
    """What is looked at of one block: its kind, words (counted up to 31), first letter, last mark, and traits."""

    kind: str
    words: int
    band: str
    first: str
    last: str
    traits: frozenset[str]


def guessed_levels(kinds: Sequence[str], texts: Sequence[str]) -> list[int | None]:
    """A level for every block that looks like a heading (1 is the highest), None for the others.

    Args:
        kinds, texts: of the blocks, in order; only paragraphs are looked at.
    """
    judged = [
        features is not None and WEIGHTS[""] + sum(WEIGHTS.get(name, 0.0) for name in features) > 0
        for features in features_of(kinds, texts)
    ]
    followed = [*judged[1:], False]
    return [
        _level(text, above_another=next_too) if heading else None
        for text, heading, next_too in zip(texts, judged, followed, strict=False)
    ]


def _level(text: str, *, above_another: bool) -> int:
    decimal = _DECIMAL.match(text)
    if decimal:
        return 2 + decimal[1].count(".")
    return _DEEP - 1 if above_another or _HIGH.match(text) else _DEEP


def features_of(kinds: Sequence[str], texts: Sequence[str]) -> list[set[str] | None]:
    """The names of the features that hold for every block; None for a block that can be no heading."""
    lines = [_line(kind, text) for kind, text in zip(kinds, texts, strict=True)]
    return [
        _features(lines, i) if line.kind == "paragraph" and line.words <= _MOST_WORDS else None
        for i, line in enumerate(lines)
    ]


def _features(lines: Sequence[_Line], i: int) -> set[str]:
    line = lines[i]
    found = {line.band, line.first, line.last, f"{line.band} {line.last}", *line.traits}
    found |= {f"{trait} {line.last}" for trait in ("numbered", "titled", "capitals", "question", "lettered", "decimal")
              if trait in line.traits}  # fmt: skip
    if i + 1 < len(lines):
        after = lines[i + 1]
        found.add(f"before {after.kind}")
        found.add(f"{line.band} {'before longer' if line.words * 4 < after.words else 'before short'}")
        if after.kind == "paragraph":
            found |= {f"before {part}" for part in (after.band, after.last, after.first)}
            found |= {f"before {trait}" for trait in ("numbered", "lettered") if trait in after.traits}
    else:
        found.add("at the end")
    if i + 2 < len(lines):
        found.add(f"two before {lines[i + 2].kind} {'short' if lines[i + 2].words <= 8 else 'long'}")
    if i:
        before = lines[i - 1]
        found |= {f"after {before.kind}", f"after {before.last}"}
        if before.kind == "paragraph":
            found.add(f"after {before.band}")
        if "numbered" in before.traits:
            found.add("after numbered")
    else:
        found.add("at the start")
    return found


def _line(kind: str, text: str) -> _Line:
    head = text[:_HEAD_CHARS].strip()
    words = head.split(maxsplit=_MOST_WORDS)
    count = len(words)
    band = next((f"up to {most} words" for most in _BANDS if count <= most), "many words")
    ending = text[-8:].rstrip("\"”’') ")[-1:]
    last = f"ends {ending}" if ending and ending in ".;:,!?—" else "ends open"
    first = head[:1]
    letter = "upper" if first.isupper() else "digit" if first.isdigit() else "lower" if first.islower() else "other"
    return _Line(kind, count, band, letter, last, frozenset(_traits(head, words)))


def _traits(head: str, words: Sequence[str]) -> set[str]:
    long_words = [w for w in words if len(w) > 3]
    capital = sum(w[0].isupper() for w in long_words) / max(1, len(long_words))
    opening = words[0].lower() if words else ""
    tests = {
        "titled": len(words) > 1 and capital == 1,
        "sentence case": len(words) > 1 and capital <= 0.5,
        "capitals": head.isupper(),
        "numbered": _NUMBERED.match(head) is not None,
        "decimal": "." in (match[1] if (match := _DECIMAL.match(head)) else ""),
        "lettered": _LETTERED.match(head) is not None,
        "question": opening in _QUESTIONS,
        "article": opening in _ARTICLES,
        "colon inside": ":" in head[:-1],
        "has digits": any(c.isdigit() for c in head),
        "two sentences": ". " in head,
    }
    return {name for name, holds in tests.items() if holds}
