"""Which drafts are headings, and of what level.

A heading is short and looks different from the text: larger, bold, in capitals, or numbered and set apart. Levels come
from ranking the styles seen (larger first, then bolder); where a style carries section numbers their depth decides.
"""

from __future__ import annotations

import re
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Final

from docalign.ingest.blocks import SECTION_NUMBER, Draft, Style

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["mark_headings"]

_PART: Final = re.compile(
    r"(?:chapter|part|appendix|article|section|annex|schedule|title)\s+(?:\d+|[ivxlc]+|[A-Z])\b", re.I
)
_MAX_CHARS: Final = 220
_MAX_ROWS: Final = 4
_CLOSED: Final = re.compile(r"[.;,][\"'”’)]*$")


def mark_headings(drafts: Sequence[Draft], style: Style) -> None:
    """Turn the drafts that are headings into headings and give each its level (1–6)."""
    for index, draft in enumerate(drafts):
        following = next((d for d in drafts[index + 1 :] if d.rows or d.table), None)
        if draft.kind in ("paragraph", "list_item") and _is_heading(draft, following, style):
            draft.kind = "heading"
    headings = [d for d in drafts if d.kind == "heading"]
    levels = _levels(headings, style)
    for draft in headings:
        draft.level = levels[_look(draft, style)]
    _number_levels(headings, levels, style)


def _is_heading(draft: Draft, following: Draft | None, style: Style) -> bool:
    text = draft.text
    if len(text) > _MAX_CHARS or len(draft.rows) > _MAX_ROWS or following is None:
        return False
    letters = sum(c.isalpha() for c in text)
    if letters < 2 or letters < 0.4 * len(text.replace(" ", "")):
        return False
    ocr = draft.rows[0].ocr
    scale = draft.size / style.body
    bold = style.bold_tells and all(r.bold for r in draft.rows)
    numbered = _depth(text) is not None
    closed = (
        bool(_CLOSED.search(text)) and not re.fullmatch(r"(?:\S+\s+){0,6}\S+\.", text)
        if scale > 1.1
        else bool(_CLOSED.search(text))
    )
    if draft.kind == "list_item" and not (numbered and (bold or scale > 1.1)):
        return False
    if scale >= (1.3 if ocr else 1.12):
        return not closed and text[:1] not in "•-–"
    if closed or scale < 0.85:
        return False
    words = len(text.split())
    apart = draft.gap_above > 0.3
    if bold:
        return (len(draft.rows) <= 3 and words <= 25 and not text.endswith(":")) or (numbered and apart)
    capitals = letters >= 4 and text.upper() == text
    if capitals and apart and len(draft.rows) <= 2 and scale >= 0.95:
        return words <= 15 and following.kind != "heading"
    return (
        (numbered or bool(_PART.match(text)))
        and apart
        and len(draft.rows) == 1
        and words <= 12
        and text[-1] not in ":,"
    )


Look = tuple[float, bool, bool]


def _look(draft: Draft, style: Style) -> Look:
    """Size in half points (coarser for large type and OCR), bold, all capitals."""
    step = 0.15 if draft.rows[0].ocr else 0.05
    size = round(draft.size / style.body / step) * step
    text = draft.text
    return (round(size, 2), style.bold_tells and all(r.bold for r in draft.rows), text.upper() == text and size < 1.1)


def _depth(text: str) -> int | None:
    """Depth of the section number a text starts with: `2` is 1, `2.1` is 2, `Chapter 2` is 1."""
    if _PART.match(text):
        return 1
    match = SECTION_NUMBER.match(text)
    return len(match.group().strip(".").split(".")) if match else None


def _levels(headings: Sequence[Draft], style: Style) -> dict[Look, int]:
    """A level for each look, from its rank."""
    looks = sorted({_look(d, style) for d in headings}, key=lambda k: (-k[0], not k[1], not k[2]))
    ranks: dict[Look, int] = {}
    rank = 0
    for index, look in enumerate(looks):
        near = index and abs(looks[index - 1][0] - look[0]) < 0.04 and looks[index - 1][1:] == look[1:]
        rank += 0 if near else 1
        ranks[look] = min(6, rank)
    return ranks


def _number_levels(headings: Sequence[Draft], levels: dict[Look, int], style: Style) -> None:
    """Let section numbers correct the ranks: depth 1 gets the level its look has most, deeper ones follow."""
    tops = [levels[_look(d, style)] for d in headings if _depth(d.text) == 1]
    if not tops:
        return
    base = int(median(tops))
    by_look: defaultdict[Look, list[int]] = defaultdict(list)
    for draft in headings:
        depth = _depth(draft.text)
        if depth is not None:
            by_look[_look(draft, style)].append(min(6, base + depth - 1))
    for draft in headings:
        depth = _depth(draft.text)
        numbered = by_look.get(_look(draft, style))
        if depth is not None and SECTION_NUMBER.match(draft.text):
            draft.level = min(6, base + depth - 1)
        elif numbered and depth is None:
            draft.level = int(median(numbered))
