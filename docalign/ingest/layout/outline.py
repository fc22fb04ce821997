"""What a file itself says about its headings, found again in its text: the outline's titles and the tags' roles.

Both are the author's word and beat any guess, where they fit. An outline whose titles do not stand in the text, or that
lists paragraphs, and tags that call much of the text a heading are not believed. Titles are compared by letters and
digits alone, with and without section number. A title may be part of a draft or reach over several: drafts are split
and joined so that each heading told is a draft of its own, with `told` its level.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.blocks import SECTION_NUMBER, Draft
from docalign.ingest.layout.tagged import tag_level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from docalign.ingest.layout.blocks import Style
    from docalign.ingest.layout.rows import Row
    from docalign.ingest.page import OutlineEntry

__all__ = ["tell_headings"]

_MAX_ROWS: Final = 10
_MAX_CHARS: Final = 320
_LONG_WORDS: Final = 14
_MIN_FOUND: Final = 0.3
"""An outline with a smaller share of its titles in the text is about something else."""
_MAX_BODY: Final = 0.2
"""Nor is one believed of whose titles more than this share are ordinary paragraphs."""
_MAX_TAGGED: Final = 0.35
"""Of the letters of a document, at most this share are headings."""
_MIN_CUT: Final = 30
_MOST_LEVEL: Final = 6
_LABEL: Final = re.compile(r"(?:chapter|part|appendix|annex)\s+(?:\d+|[ivxlc]+|[A-Z])\b[.:]?", re.I)
_LONE_LETTER: Final = re.compile(r"^[B-HJ-Z]\s+(?=[A-Z])|^A\s+(?=[A-Z][a-z])")
_SENTENCE: Final = re.compile(r"[.;,:][\"'”’)]*$")


def tell_headings(
    drafts: Sequence[Draft], outline: Sequence[OutlineEntry], style: Style, heights: Mapping[int, float]
) -> list[Draft]:
    """The drafts, those that the outline or the tags call headings marked with `told`; `heights` of pages in points.

    Outline and tags need not count levels from the same start: tags follow the outline where a heading has both.
    """
    result = _split_and_join(drafts, _believed(drafts, outline, style, heights))
    tagged = [(d, level) for d in result if (level := _tagged(d)) is not None]
    letters = sum(len(r.text) for d in result for r in d.rows)
    if sum(len(d.text) for d, _ in tagged) > _MAX_TAGGED * letters:
        return result
    both = Counter((level, d.told) for d, level in tagged if d.told is not None)
    same: dict[int, int] = {}
    for (level, told), _ in both.most_common():
        same.setdefault(level, told)
    shift = Counter({told - level: n for (level, told), n in both.items()}).most_common(1)
    for draft, level in tagged:
        if draft.told is None:
            told = same.get(level, level + (shift[0][0] if shift else 0))
            draft.told = max(1, min(_MOST_LEVEL, told))
    return result


def _tagged(draft: Draft) -> int | None:
    levels = {tag_level(r.role) for r in draft.rows}
    if len(levels) != 1 or len(draft.text) > _MAX_CHARS or draft.kind not in ("paragraph", "list_item", "code"):
        return None
    return None if draft.contents or not any(map(str.isalpha, draft.text)) else levels.pop()


@dataclass(frozen=True, slots=True)
class _Found:
    """An entry in the text: from row `first` to row `last` (both (draft, row) indices), `level` from 1."""

    first: tuple[int, int]
    last: tuple[int, int]
    level: int
    body: bool
    """Looks like a paragraph of the text."""


@dataclass(frozen=True, slots=True)
class _Spot:
    """A row that may begin a heading: where it is, its letters and digits, and the same without its section number."""

    place: tuple[int, int]
    row: Row
    full: str
    bare: str


def _letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _bare(text: str) -> str:
    """The letters and digits of a title without its number: `A Notes`, `A. Notes` and `Appendix A: Notes` are alike."""
    label = _LABEL.match(text)
    rest = text[label.end() :] if label else SECTION_NUMBER.sub("", text, count=1)
    return _letters(rest if label else _LONE_LETTER.sub("", rest, count=1))


def _believed(
    drafts: Sequence[Draft], outline: Sequence[OutlineEntry], style: Style, heights: Mapping[int, float]
) -> list[_Found]:
    """The places of the entries; none if the outline does not fit the text."""
    entries = [e for e in outline if _letters(e.title) and e.page in heights]
    if not entries:
        return []
    spots = _spots(drafts)
    longest = max(len(e.title) for e in entries)
    cut_off = sum(len(e.title) >= longest - 1 for e in entries) >= 3 and longest >= _MIN_CUT
    taken: set[tuple[int, int]] = set()
    found = []
    for entry in entries:
        prefix = entry.title.endswith(("…", "...")) or (cut_off and len(entry.title) >= longest - 1)
        match = _place(entry, spots, style, heights, taken, prefix=prefix and len(entry.title) >= _MIN_CUT)
        if match is not None:
            taken.add(match.first)
            found.append(match)
    body = sum(f.body for f in found)
    if len(found) < _MIN_FOUND * len(entries) or body > max(1.0, _MAX_BODY * len(found)):
        return []
    return [f for f in found if not f.body]


def _spots(drafts: Sequence[Draft]) -> dict[int, list[_Spot]]:
    """The rows of each page in reading order. Captions, tables and tables of contents hold no heading."""
    spots: dict[int, list[_Spot]] = {}
    for index, draft in enumerate(drafts):
        if draft.kind == "caption":
            continue
        for number, row in enumerate(draft.rows):
            if not draft.contents:
                spot = _Spot((index, number), row, _letters(row.text), _bare(row.text))
                spots.setdefault(row.page, []).append(spot)
    return spots


def _place(
    entry: OutlineEntry,
    spots: Mapping[int, Sequence[_Spot]],
    style: Style,
    heights: Mapping[int, float],
    taken: set[tuple[int, int]],
    *,
    prefix: bool,
) -> _Found | None:
    """Where the entry's title stands: on its page, else the next, else the one before; nearest to its target."""
    wanted = (_letters(entry.title.rstrip(".…")), _bare(entry.title.rstrip(".…")))
    for page in (entry.page, entry.page + 1, entry.page - 1):
        rows = spots.get(page, ())
        matches = []
        for start, spot in enumerate(rows):
            if spot.place in taken:
                continue
            end = _match(rows, start, wanted, prefix=prefix)
            if end is not None:
                matches.append((_distance(spot.row, entry, heights), start, end))
        if matches:
            _, start, end = min(matches)
            if prefix:
                end = _rest_of(rows, end)
            first, last = rows[start].place, rows[end].place
            text = " ".join(s.row.text for s in rows[start : end + 1])
            return _Found(first, last, min(_MOST_LEVEL, entry.level), _is_body(text, rows[start : end + 1], style))
    return None


def _match(rows: Sequence[_Spot], start: int, wanted: tuple[str, str], *, prefix: bool) -> int | None:
    """The index of the row with which the title that begins at row `start` ends."""
    for begin, title in ((rows[start].full, wanted[0]), (rows[start].bare, wanted[1])):
        text = begin
        for end in range(start, min(len(rows), start + _MAX_ROWS)):
            if end > start:
                text += rows[end].full
            if text and text == title:
                return end
            if len(text) >= len(title) or not title.startswith(text):
                if prefix and title and text.startswith(title):
                    return end
                break
    return None


def _rest_of(rows: Sequence[_Spot], end: int) -> int:
    """A title that was cut off goes on to the end of its draft."""
    while end + 1 < len(rows) and rows[end + 1].place[0] == rows[end].place[0]:
        end += 1
    return end


def _distance(row: Row, entry: OutlineEntry, heights: Mapping[int, float]) -> int:
    """How far the row stands from the entry's target, in steps of 40 points: targets are set a little above."""
    if entry.y is None or row.page != entry.page:
        return 0
    return int(abs(heights[row.page] - entry.y - row.box[1]) / 40)


def _is_body(text: str, spots: Sequence[_Spot], style: Style) -> bool:
    plain = not any(s.row.bold for s in spots) and all(s.row.size < 1.1 * style.body for s in spots)
    words = len(text.split())
    return len(text) > _MAX_CHARS or (plain and words > _LONG_WORDS and bool(_SENTENCE.search(text))) or words > 60


def _split_and_join(drafts: Sequence[Draft], found: Sequence[_Found]) -> list[Draft]:
    """Every place of `found` as a draft of its own; what stood around it in its drafts keeps its kind."""
    marks: dict[tuple[int, int], _Found] = {}
    for match in found:
        for index in range(match.first[0], match.last[0] + 1):
            for number in range(len(drafts[index].rows)):
                if match.first <= (index, number) <= match.last:
                    marks[index, number] = match
    result: list[Draft] = []
    open_match: _Found | None = None
    for index, draft in enumerate(drafts):
        if not any((index, number) in marks for number in range(len(draft.rows))):
            result.append(draft)
            continue
        for place, piece in _pieces(draft, [marks.get((index, n)) for n in range(len(draft.rows))]):
            if place is not None and place is open_match:
                result[-1].rows.extend(piece.rows)
                result[-1].columns.extend(piece.columns)
            else:
                if place is not None:
                    piece.told = place.level
                result.append(piece)
            open_match = place
    return result


def _pieces(draft: Draft, marks: Sequence[_Found | None]) -> Iterator[tuple[_Found | None, Draft]]:
    start = 0
    for end in range(1, len(marks) + 1):
        if end < len(marks) and marks[end] is marks[start]:
            continue
        kind = "paragraph" if start and draft.kind == "list_item" else draft.kind
        gap = draft.gap_above if start == 0 else 0.0
        yield marks[start], Draft(kind, draft.rows[start:end], draft.columns[start:end], gap_above=gap)
        start = end
