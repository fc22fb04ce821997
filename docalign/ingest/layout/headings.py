"""Which drafts are headings, and of what level.

A heading is short and looks different from the text: larger, bold, in capitals, or numbered and set apart; or the file
itself names it. Its level is found in `levels`.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.blocks import SECTION_NUMBER, Draft, Style
from docalign.ingest.layout.levels import is_part, number_depth, set_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["mark_headings"]

_MAX_CHARS: Final = 320
_MAX_ROWS: Final = 8
_MIN_ENTRIES: Final = 3
_PAGE_NUMBER: Final = re.compile(r"\s(?:\d{1,4}|[ivxl]{1,6}|[A-Z]-\d{1,3})$")
_LABELLED: Final = re.compile(
    r"(?:[A-Z][\w-]*\s+){0,2}(?:goal|objective|strategy|priority|section|chapter|part|article|appendix|annex|schedule|"
    r"title|phase|step|stage|module|unit|lesson|task|aim|theme|outcome|action|recommendation|finding|issue|question)\s+"
    r"(?:\d+(?:\s?\.\s?\d+)*|[IVX]+|[A-Z])\s*(?:[:.–—-]|\s)",
    re.I,
)
"""`Goal 2: …`, `Strategic Objective 2.1: …`: said to be a part of the document, however long."""
_LINK: Final = re.compile(r"https?:|www\.|@|\.(?:com|org|gov|net)\b")
_QUIET_WORDS: Final = 10
_QUIET_TEXT: Final = 60
_QUIET_GAP: Final = 0.3
_SCANNED_WORDS: Final = 14
_A_LITTLE: Final = 1.1
_NARROW: Final = 0.75
"""A heading is narrower than this share of the text below it."""
_CLOSED: Final = re.compile(r"[.;,][\"'”’)]*$")


def mark_headings(drafts: Sequence[Draft], style: Style) -> None:
    """Turn the drafts that are headings into headings and give each its level (1–6)."""
    contents = _contents_pages(drafts)
    for draft, following in zip_longest(drafts, drafts[1:]):
        if draft.told is not None or (
            (draft.kind in ("paragraph", "list_item") or _is_numbered_name(draft))
            and not draft.note
            and not (draft.rows[-1].page in contents and _PAGE_NUMBER.search(draft.text))
            and _is_heading(draft, following, style)
        ):
            draft.kind = "heading"
    headings = [d for d in drafts if d.kind == "heading"]
    if headings:
        set_levels(headings, drafts, style)


def _is_numbered_name(draft: Draft) -> bool:
    """`5.12 package.info` in bold fixed pitch names a section, not code."""
    return draft.kind == "code" and len(draft.rows) == 1 and draft.rows[0].bold and (number_depth(draft.text) or 0) > 1


def _contents_pages(drafts: Sequence[Draft]) -> set[int]:
    """Pages with several entries of a table of contents: there, what ends in a page number is one too."""
    count = Counter(d.rows[-1].page for d in drafts if d.contents)
    return {page for page, entries in count.items() if entries >= _MIN_ENTRIES}


def _is_heading(draft: Draft, following: Draft | None, style: Style) -> bool:
    text = draft.text
    if draft.contents or len(text) > _MAX_CHARS or len(draft.rows) > _MAX_ROWS or following is None:
        return False
    letters = sum(c.isalpha() for c in text)
    numbered = number_depth(text) is not None
    title = SECTION_NUMBER.sub("", text, count=1) if numbered else text
    if letters < 2 or sum(map(str.isalpha, title)) < 0.4 * len(title.replace(" ", "")):
        return False
    ocr = draft.rows[0].ocr
    scale = draft.size / style.body
    bold = style.bold_tells and all(r.bold for r in draft.rows)
    words = len(text.split())
    large = scale > 1.1 and (words <= 8 or (bold and (numbered or scale > 1.25)))
    labelled = bool(_LABELLED.match(text))
    closed = bool(_CLOSED.search(text)) and not large and not (bold and labelled)
    if draft.kind == "list_item" and not (numbered and (bold or scale > 1.1)):
        return False
    if scale >= (1.3 if ocr else 1.12):
        return not closed and words <= 45 and text[:1] not in "•-–"
    if closed or scale < (0.8 if ocr else 0.85):
        return False
    apart = draft.gap_above > 0.3
    if bold and text.endswith(":"):
        return apart and len(draft.rows) == 1 and words <= 8
    if bold and labelled:
        return words <= 60
    if bold:
        return (len(draft.rows) <= 3 or scale > 1.05) and words <= (45 if scale > 1.05 else 30)
    capitals = letters >= 4 and text.upper() == text
    if capitals and apart and len(draft.rows) <= 2 and scale >= 0.95:
        return words <= 15 and following.kind != "heading"
    if _is_quiet_heading(draft, following, style) or (ocr and _is_scanned_heading(draft, following, scale)):
        return True
    return (
        ((numbered and text[0].isdigit()) or is_part(text))
        and apart
        and len(draft.rows) == 1
        and words <= 12
        and text[-1] not in ":,"
    )


def _is_quiet_heading(draft: Draft, following: Draft, style: Style) -> bool:
    """A line in italics or colour, in the size of the text, that stands above a paragraph set otherwise."""
    text = draft.text
    italic = style.italic_tells and all(r.italic for r in draft.rows)
    tinted = style.tint_tells and all(r.tinted for r in draft.rows)
    if not (italic or tinted) or _LINK.search(text) or not (text[0].isupper() or text[0].isdigit()):
        return False
    short = len(draft.rows) <= 2 and len(text.split()) <= _QUIET_WORDS and text[-1] not in ":!" and "," not in text
    above = following.kind == "paragraph" and len(following.text) > max(_QUIET_TEXT, len(text))
    same = all(r.italic for r in following.rows) if italic else all(r.tinted for r in following.rows)
    return short and above and not same and draft.gap_above > _QUIET_GAP


def _is_scanned_heading(draft: Draft, following: Draft, scale: float) -> bool:
    """A short line of a scan, set apart or a little larger, above text that is longer and wider: OCR knows no weight
    and measures sizes badly, so what is printed bold shows only by where it stands."""
    text = draft.text
    words = len(text.split())
    if len(draft.rows) > 2 or words > _SCANNED_WORDS or not (text[0].isupper() or text[0].isdigit()):
        return False
    loud = scale >= _A_LITTLE or (text.upper() == text and words > 1)
    if text[-1] in ",;" or _LINK.search(text) or (draft.gap_above <= _QUIET_GAP and not loud):
        return False
    if _LABELLED.match(text) or (scale >= _A_LITTLE and following.kind != "table"):
        return True
    if "," in text or following.kind not in ("paragraph", "list_item") or len(following.text) < _QUIET_TEXT:
        return False
    width = max(r.box[2] - r.box[0] for r in draft.rows)
    return width < _NARROW * max(r.box[2] - r.box[0] for r in following.rows)
