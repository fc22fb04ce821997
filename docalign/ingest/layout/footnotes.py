"""Footnotes: the small print at the foot of a column becomes streams of its own, one for each note.

So no note stands in a sentence that goes on in the next column or on the next page. A note is told by three things
together: it is smaller than the text, it ends its column, and it opens with a mark (a number, a letter, a star) or
carries on a note that the page before left unfinished.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.rows import Item, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from docalign.ingest.layout.rows import Sheet

__all__ = ["Stream", "part_notes"]

_SMALLER: Final = 0.94
_HIGHEST: Final = 0.3
"""No note starts above this share of the page."""
_MARK: Final = re.compile(r"(?:[*∗†‡§¶‖]{1,3}|\[?\(?\d{1,3}[\])]?[.)]?)(?=$|[^\W\d_]|[“\"'‘(\[])|[¹²³⁰-⁹]{1,3}")
_RAISED: Final = re.compile(r"[a-z]$|[a-z][)\]]?$|\d{1,3}$|\W{1,3}$")
_MISREAD: Final = re.compile(r"[“”\"'‘’°®!^]{1,2}(?=[^\W\d_]|$)")
"""What OCR makes of a raised number or star."""
_ENUMERATED: Final = re.compile(r"[\[(]?\d{1,3}[\]).]")
"""Opens an entry of a numbered list as often as a note."""
_ENDED: Final = re.compile(r"[.!?:;…][\"'”’)\]\d]*$")


@dataclass(frozen=True, slots=True)
class Stream:
    """Pieces of one column from top to bottom; `note`: they are one footnote."""

    items: tuple[Item, ...]
    note: bool = False


def part_notes(streams: Iterable[Sequence[Item]], sheet: Sheet, body: float, *, unfinished: bool) -> list[Stream]:
    """The streams of one page with their footnotes parted from them, each behind its column.

    `body` is the size of the document's text, points. `unfinished`: the last note of the page before ended within a
    sentence, so that a note without a mark may follow.
    """
    parted: list[Stream] = []
    usual = _usual_size(sheet, body)
    for items in streams:
        start = _first_note(items, sheet, usual, unfinished=unfinished)
        if start is None:
            parted.append(Stream(tuple(items)))
            continue
        if start:
            parted.append(Stream(tuple(items[:start])))
        notes = [Stream(tuple(note), note=True) for note in _single_notes(items[start:])]
        parted.extend(notes)
        unfinished = not is_ended(notes[-1].items)
    return parted


def is_ended(items: Sequence[Item]) -> bool:
    """Whether the text of a stream ends with a sentence."""
    last = items[-1]
    return not isinstance(last, Row) or bool(_ENDED.search(last.text))


def is_marked(row: Row) -> bool:
    """Whether a row opens with a footnote's mark."""
    first = row.words[0]
    if not any(map(str.isalpha, row.text)):
        return False
    raised = first.size < 0.85 * row.size and bool(_RAISED.match(first.text))
    return raised or bool(_MARK.match(first.text)) or (row.ocr and bool(_MISREAD.match(first.text)))


def opens_note(row: Row, *, first: bool) -> bool:
    """Whether what a row of a note opens is the note's own text, whatever its mark looks like; numbered entries,
    and lists and code further down in a note, keep their kind."""
    return (first or is_marked(row)) and not _ENUMERATED.match(row.words[0].text)


def _usual_size(sheet: Sheet, body: float) -> float:
    """The size of the text that notes are smaller than. The sizes of a scan are measured, so its own page tells."""
    sizes = sorted(size for r in sheet.rows if r.ocr for size in [r.size] * len(r.words))
    return median(sizes) if sizes else body


def _first_note(items: Sequence[Item], sheet: Sheet, usual: float, *, unfinished: bool) -> int | None:
    """Index of the row that starts the notes at the end of a column."""
    start = len(items)
    while start and _is_small(items[start - 1], usual) and items[start - 1].box[1] > _HIGHEST * sheet.height:
        start -= 1
    for index in range(start, len(items)):
        row = items[index]
        if not isinstance(row, Row):
            continue
        above = items[index - 1] if index else None
        # Small print may run on above the notes (a caption, a quotation): they begin at a mark with space above it.
        apart = above is None or index == start or row.box[1] - above.box[3] > 0.4 * row.size
        if apart and is_marked(row) and (index or _closes_page(row, sheet)):
            return index
        if unfinished and index == start and index and above is not None and row.box[1] - above.box[3] > 0.4 * row.size:
            return index
    return None


def _is_small(item: Item, usual: float) -> bool:
    return isinstance(item, Row) and item.size < _SMALLER * usual


def _closes_page(first: Row, sheet: Sheet) -> bool:
    """Whether a stream that is nothing but small print stands below all text of usual size."""
    return all(r.box[3] <= first.box[1] + 2 for r in sheet.rows if r.size >= first.size / _SMALLER and len(r.words) > 3)


def _single_notes(items: Sequence[Item]) -> list[list[Item]]:
    """A new note starts at every mark that stands where the first one stands, or further left."""
    notes: list[list[Item]] = []
    left = min(i.box[0] for i in items)
    first = items[0].box[0]
    for item in items:
        starts = isinstance(item, Row) and is_marked(item) and _at_margin(item, first, left)
        if starts and notes and not _is_sequel(notes[-1], item):
            notes.append([item])
        elif notes:
            notes[-1].append(item)
        else:
            notes = [[item]]
    return notes


def _at_margin(item: Item, first: float, left: float) -> bool:
    return abs(item.box[0] - first) < 0.6 * max(1.0, item.box[3] - item.box[1]) or item.box[0] - left < 1


def _is_sequel(note: Sequence[Item], item: Item) -> bool:
    """A line that happens to open with a number: the sentence above is open, and its line full."""
    above = note[-1]
    if not isinstance(above, Row) or not isinstance(item, Row) or _ENDED.search(above.text):
        return False
    if abs(item.box[0] - note[0].box[0]) > 1 and len(note) > 1:
        return True
    right = max(i.box[2] for i in note)
    return above.box[2] > right - 2 * above.size and len(note) > 1
