"""Which drafts are headings, and of what level.

A heading is short and looks different from the text: larger, bold, in capitals, or numbered and set apart. Levels come
from ranking the styles seen (larger first, then bolder); where a style carries section numbers their depth decides.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from statistics import median_low
from typing import TYPE_CHECKING, Final

from docalign.ingest.blocks import SECTION_NUMBER, Draft, Style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["mark_headings"]

_PART: Final = re.compile(
    r"(?:chapter|part|appendix|article|section|annex|schedule|title)\s+(?:\d+|[ivxlc]+|[A-Z])\b", re.I
)
_MAX_CHARS: Final = 320
_MAX_ROWS: Final = 8
_TITLE_PAGE_CHARS: Final = 400
_CLOSED: Final = re.compile(r"[.;,][\"'”’)]*$")


def mark_headings(drafts: Sequence[Draft], style: Style) -> None:
    """Turn the drafts that are headings into headings and give each its level (1–6)."""
    for index, draft in enumerate(drafts):
        following = next((d for d in drafts[index + 1 :] if d.rows or d.table), None)
        if draft.told is not None or (
            draft.kind in ("paragraph", "list_item") and _is_heading(draft, following, style)
        ):
            draft.kind = "heading"
    headings = [d for d in drafts if d.kind == "heading"]
    if headings:
        _set_levels(headings, drafts, style)


def _is_heading(draft: Draft, following: Draft | None, style: Style) -> bool:
    text = draft.text
    if draft.contents or len(text) > _MAX_CHARS or len(draft.rows) > _MAX_ROWS or following is None:
        return False
    letters = sum(c.isalpha() for c in text)
    if letters < 2 or letters < 0.4 * len(text.replace(" ", "")):
        return False
    ocr = draft.rows[0].ocr
    scale = draft.size / style.body
    bold = style.bold_tells and all(r.bold for r in draft.rows)
    numbered = _depth(text) is not None
    words = len(text.split())
    closed = bool(_CLOSED.search(text)) and not (scale > 1.1 and (words <= 8 or (numbered and bold)))
    if draft.kind == "list_item" and not (numbered and (bold or scale > 1.1)):
        return False
    if scale >= (1.3 if ocr else 1.12):
        return not closed and words <= 45 and text[:1] not in "•-–"
    if closed or scale < 0.85:
        return False
    apart = draft.gap_above > 0.3
    if bold and text.endswith(":"):
        return apart and len(draft.rows) == 1 and words <= 8
    if bold:
        return (len(draft.rows) <= 3 or scale > 1.05) and words <= (45 if scale > 1.05 else 30)
    capitals = letters >= 4 and text.upper() == text
    if capitals and apart and len(draft.rows) <= 2 and scale >= 0.95:
        return words <= 15 and following.kind != "heading"
    return (
        ((numbered and text[0].isdigit()) or bool(_PART.match(text)))
        and apart
        and len(draft.rows) == 1
        and words <= 12
        and text[-1] not in ":,"
    )


Look = tuple[float, bool, bool]


def _look(draft: Draft, style: Style) -> Look:
    """Size in steps of a twentieth of the body (coarser for OCR), bold, all capitals."""
    step = 0.15 if draft.rows[0].ocr else 0.05
    size = round(round(draft.size / style.body / step) * step, 2)
    text = draft.text
    return (size, style.bold_tells and all(r.bold for r in draft.rows), text.upper() == text and size < 1.15)


def _depth(text: str) -> int | None:
    """Depth of the section number a text starts with: `2` is 1, `2.1` is 2, `Chapter 2` is 1."""
    if _PART.match(text):
        return 1
    match = SECTION_NUMBER.match(text)
    return len(match.group().strip(".").split(".")) if match else None


def _set_levels(headings: Sequence[Draft], drafts: Sequence[Draft], style: Style) -> None:
    """Levels by look: section numbers say it where a look has them, rank among the looks otherwise.

    The title of a paper (its look stands on the first page only, with text below it) is alone on level 1; headings of
    a cover page are on level 1 beside the top sections, which no reader takes for their parts.
    """
    looks = {id(d): _look(d, style) for d in headings}
    first = min(d.rows[0].page for d in headings)
    pages: defaultdict[Look, set[int]] = defaultdict(set)
    found: defaultdict[Look, list[int]] = defaultdict(list)
    for draft in headings:
        look = looks[id(draft)]
        pages[look].add(draft.rows[0].page)
        depth = _depth(draft.text)
        if depth is not None:
            found[look].append(depth)
    # A look most of whose headings bear no number takes nothing from the few that do.
    depths = {k: found[k] if 2 * len(found[k]) >= n else [] for k, n in Counter(looks.values()).items()}
    ordered = sorted(pages, key=lambda k: (-k[0], not k[1], not k[2]))
    title = _title(headings, looks, drafts, first)
    base = 2 if title is not None and len(ordered) > 1 else 1
    cover = {
        k for k in ordered if pages[k] == {first} and not depths[k] and len({d.rows[0].page for d in headings}) > 1
    }
    levels = _rank([k for k in ordered if k != title and k not in cover], depths, Counter(looks.values()), base)
    for draft in headings:
        look = looks[id(draft)]
        depth = _depth(draft.text) if SECTION_NUMBER.match(draft.text) else None
        level = (
            levels.get(look, 1 if look == title else base) if depth is None or not depths[look] else base + depth - 1
        )
        draft.level = max(1, min(6, level))
    _follow_told(headings, looks, title)


def _follow_told(headings: Sequence[Draft], looks: Mapping[int, Look], title: Look | None) -> None:
    """Levels that the file itself gives hold; headings without one take that of their likes, or else keep their
    distance from the last heading that has one. A title that the outline leaves out stays above its sections."""
    titles = [d for d in headings if looks[id(d)] == title]
    if titles and all(d.told is None for d in titles):
        for draft in headings:
            draft.told = min(6, draft.told + 1) if draft.told is not None else None
    votes: defaultdict[tuple[Look, int], Counter[int]] = defaultdict(Counter)
    for draft in headings:
        if draft.told is not None and draft.level is not None:
            votes[looks[id(draft)], draft.level][draft.told] += 1
    if not votes:
        return
    guess = told = 1
    for draft in headings:
        level = draft.level or 1
        if draft.told is not None:
            guess, told = level, draft.told
            draft.level = told
            continue
        likes = votes.get((looks[id(draft)], level))
        draft.level = likes.most_common(1)[0][0] if likes else max(1, min(6, told + level - guess))


def _title(headings: Sequence[Draft], looks: dict[int, Look], drafts: Sequence[Draft], first: int) -> Look | None:
    """The look of a title that stands above text on the first page and nowhere else."""
    look = max(looks.values(), key=lambda k: k[0])
    bearers = [d for d in headings if looks[id(d)] == look]
    text = sum(len(d.text) for d in drafts if d.kind == "paragraph" and d.rows and d.rows[0].page == first)
    alone = len(bearers) <= 2 and all(d.rows[0].page == first for d in bearers)
    return look if alone and text > _TITLE_PAGE_CHARS else None


def _rank(
    ordered: Sequence[Look], depths: Mapping[Look, list[int]], count: Mapping[Look, int], base: int
) -> dict[Look, int]:
    """A level for each look, largest look first: numbered looks by their usual depth, others one below the next larger
    look and above the next smaller numbered one. A look hardly ever seen pushes nothing down."""
    numbered = {k: base - 1 + int(median_low(depths[k])) for k in ordered if len(depths[k]) >= 2}
    levels: dict[Look, int] = {}
    previous: Look | None = None
    for index, look in enumerate(ordered):
        if look in numbered:
            levels[look] = numbered[look]
        else:
            above = levels[previous] if previous else base - 1
            near = previous is not None and abs(previous[0] - look[0]) < 0.06 and previous[1:] == look[1:]
            level = above if near else above + 1
            ceiling = next((numbered[k] - 1 for k in ordered[index + 1 :] if k in numbered), 6)
            levels[look] = max(base, min(level, max(ceiling, base)))
        if count[look] >= max(2, 0.02 * sum(count.values())) or len(ordered) <= 6:
            previous = look
    return levels
