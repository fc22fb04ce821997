"""Paragraphs that a column or page break cut in two are one block again.

Footnotes, captions and tables may stand between the two halves; they follow the joined block. A footnote that runs on
in the next column or on the next page is joined to its own first half.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.footnotes import is_marked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docalign.ingest.layout.blocks import Draft, Style

__all__ = ["join_breaks"]

_ENDED: Final = re.compile(r"[.!?:;…][\"'”’)\]\d]*$")
_OPEN: Final = re.compile(r"[,\-–—(]$")
_SKIPPED: Final = 12
"""How many drafts (captions, tables) may stand between the halves, besides footnotes."""


def join_breaks(groups: Sequence[Sequence[Draft]], style: Style) -> list[Draft]:
    """All drafts in order; the first of a stream is joined to an unfinished one before the break."""
    drafts: list[Draft] = []
    for group in groups:
        rest = list(group)
        if rest and drafts:
            target = _target(drafts, rest[0], style)
            if target is not None:
                target.rows.extend(rest[0].rows)
                target.columns.extend(rest[0].columns)
                rest = rest[1:]
        drafts.extend(rest)
    return drafts


def _target(drafts: Sequence[Draft], first: Draft, style: Style) -> Draft | None:
    """The unfinished draft that `first` continues."""
    if first.kind == "code":
        last = drafts[-1]
        return last if last.kind == "code" and _same_look(last, first) else None
    if first.kind != "paragraph" or not first.rows:
        return None
    if first.note:
        return _unfinished_note(drafts, first)
    for draft in [d for d in reversed(drafts) if not d.note][:_SKIPPED]:
        if draft.kind in ("paragraph", "list_item") and _same_look(draft, first):
            return draft if _continues(draft, first) else None
        small = draft.table is not None or draft.kind == "caption" or draft.size < 0.95 * style.body
        if not small:
            return None
    return None


def _unfinished_note(drafts: Sequence[Draft], first: Draft) -> Draft | None:
    last = next((d for d in reversed(drafts) if d.note), None)
    if last is None or not last.rows or _ENDED.search(last.rows[-1].text) or is_marked(first.rows[0]):
        return None
    return last


def _same_look(a: Draft, b: Draft) -> bool:
    if not a.rows or not b.rows:
        return False
    last, first = a.rows[-1], b.rows[0]
    tolerance = 0.25 if last.ocr else 0.06
    return abs(last.size - first.size) <= tolerance * max(last.size, first.size) and last.bold == first.bold


def _continues(draft: Draft, first: Draft) -> bool:
    above, below = draft.rows[-1].text, first.rows[0].text
    if _ENDED.search(above):
        return False
    widest = max(r.box[2] - r.box[0] for r in draft.rows)
    filled = (draft.rows[-1].box[2] - draft.rows[-1].box[0]) / max(widest, 1.0)
    if below[:1].islower():
        return filled > 0.6 or bool(_OPEN.search(above))
    if draft.kind == "list_item" or len(above) < 20:
        return False
    # Without a lower-case letter the sentence must be visibly open, the line full and the column as wide as before.
    if not 0.7 < max(r.box[2] - r.box[0] for r in first.rows) / max(widest, 1.0) < 1.4:
        return False
    return filled > 0.85 and (len(draft.rows) > 1 or bool(_OPEN.search(above)))
