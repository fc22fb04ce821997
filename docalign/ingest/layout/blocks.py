"""Rows to drafts of blocks: where a paragraph, list item, caption or piece of code starts and ends.

Evidence is geometric (leading, indents, how full a row is) and typographic (size, weight, fixed pitch), with a little
of the text (bullets, numbers, captions). Headings are told apart afterwards, in `headings`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.rows import Item, Row, Table, overlap
from docalign.ingest.layout.tagged import tag_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docalign.document import Kind

__all__ = ["Draft", "Style", "group", "measure"]

_BULLET: Final = re.compile(r"[•◦▪▫‣⁃∙●○■□◆◇➢➤►▶✓✔❖⇒→·\uf0b7\uf0a7\uf0d8\uf076\uf0a8\uf0fc\uf06e\uf071]|\uf02d")
_DASH: Final = re.compile(r"[-–—*o+]")
_ENUMERATOR: Final = re.compile(r"\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{2,6}|[IVX]{2,6})[.)]|\[\d{1,3}\]")
_CAPTION: Final = re.compile(
    r"(?:figure|fig\.?|table|tab\.|exhibit|chart|box|plate|scheme|algorithm|listing|map)\s+"
    r"(?:[A-Z]?\d+(?:[.\-–]\d+)*[a-z]?|[IVX]+|[A-Z])\s*(?:[:.|–—]|$)",
    re.I,
)
_CAPITAL: Final = re.compile(r"[A-Z]\.")
_NEAR: Final = 8
"""How many rows above and below tell the margins."""
_CONTENTS: Final = re.compile(r"(?:[.…·_]\s?){4,}\s*(?:\d{1,4}|[ivxlcdm]{1,7}|[A-Z]-\d{1,3})\s*$")
_ENDS: Final = re.compile(r"[.!?:;…][\"'”’)\]]*$")
_SUBSECTION: Final = re.compile(r"\d{1,2}(?:\.\d{1,2}){1,3}\.?\s+[A-Z]")
SECTION_NUMBER: Final = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,3}){1,5}\.?|\d{1,2}\.?|[A-Z](?:\.\d{1,3})+\.?|[A-Z]\.|[IVX]+\.)(?=\s+\S)"
)


@dataclass(frozen=True, slots=True)
class Style:
    """What is usual in this document: body size (points), distance of baselines by size, and whether bold, fixed
    pitch, italics and colour set text apart."""

    body: float
    leading: dict[int, float]
    bold_tells: bool
    mono_tells: bool
    italic_tells: bool = False
    tint_tells: bool = False

    def leading_of(self, size: float) -> float:
        return max(1.0, self.leading.get(round(size), 1.25 * size))


@dataclass(slots=True)
class Draft:
    """A block in the making. `columns` gives the stream of each row (parallel to `rows`)."""

    kind: Kind
    rows: list[Row] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    table: Table | None = None
    more: list[Table] = field(default_factory=list)
    """The parts of the table on further pages."""
    depth: int | None = None
    """How deep a list item is nested, from 1."""
    level: int | None = None
    gap_above: float = 0.0
    """White space above, in leadings of its size."""
    told: int | None = None
    """The heading level that the file's own outline or tags give it."""
    note: bool = False
    """A footnote, or part of one."""

    @property
    def text(self) -> str:
        return " ".join(r.text for r in self.rows)

    @property
    def contents(self) -> bool:
        """An entry of a table of contents."""
        return bool(self.rows) and _is_contents(self.rows[-1])

    @property
    def size(self) -> float:
        weights: Counter[float] = Counter()
        for row in self.rows:
            weights[row.size] += len(row.text)
        return max(weights, key=lambda s: (weights[s], s)) if weights else 0.0


def measure(streams: Sequence[Sequence[Item]]) -> Style:
    """Body size, leadings and whether bold and fixed pitch are marks, from all rows of a document."""
    sizes: Counter[float] = Counter()
    steps: defaultdict[int, Counter[float]] = defaultdict(Counter)
    bold = mono = italic = tinted = total = 0
    for stream in streams:
        rows = [i for i in stream if isinstance(i, Row)]
        for row in rows:
            weight = len(row.text)
            sizes[round(2 * row.size) / 2] += weight
            total += weight
            bold += weight * row.bold
            mono += weight * row.mono
            italic += weight * row.italic
            tinted += weight * row.tinted
        for a, b in pairwise(rows):
            step = b.box[3] - a.box[3]
            if abs(a.size - b.size) < 0.6 and 0.8 * a.size < step < 2.6 * a.size:
                steps[round(a.size)][round(2 * step) / 2] += min(len(a.text), len(b.text))
    body = max(sizes, key=lambda s: (sizes[s], s)) if sizes else 10.0
    leading = {size: max(c, key=lambda s: (c[s], -s)) for size, c in steps.items() if c}
    return Style(
        max(body, 1.0), leading, bold < 0.6 * total, mono < 0.6 * total, italic < 0.3 * total, tinted < 0.3 * total
    )


def group(stream: Sequence[Item], column: int, style: Style) -> list[Draft]:
    """The drafts of one stream, top to bottom."""
    drafts: list[Draft] = []
    above: float | None = None
    for index, item in enumerate(stream):
        # The margins are local: a stream may hold parts of different width.
        near = [i for i in stream[max(0, index - _NEAR) : index + _NEAR] if isinstance(i, Row)]
        left, right = min((r.box[0] for r in near), default=0.0), max((r.box[2] for r in near), default=0.0)
        if isinstance(item, Table):
            drafts.append(Draft("table", table=item, columns=[column]))
        else:
            previous = drafts[-1] if drafts and drafts[-1].rows else None
            kind = _starts(previous, item, style, left, right) if previous else _kind(item, style)
            if kind is None and previous:
                previous.rows.append(item)
                previous.columns.append(column)
            else:
                gap = 9.0 if above is None else max(0.0, item.box[1] - above) / style.leading_of(item.size)
                drafts.append(Draft(kind or "paragraph", [item], [column], gap_above=gap))
        above = item.box[3]
    _demote_initials(drafts)
    return drafts


def _demote_initials(drafts: Sequence[Draft]) -> None:
    """`K. Smith` is no list item: a capital enumerates only next to its neighbour in the alphabet."""
    items = [d for d in drafts if d.kind == "list_item" and _CAPITAL.fullmatch(d.rows[0].words[0].text)]
    letters = [ord(d.rows[0].words[0].text[0]) for d in items]
    for index, (draft, letter) in enumerate(zip(items, letters, strict=True)):
        if letter - 1 not in letters[index - 1 : index] and letter + 1 not in letters[index + 1 : index + 2]:
            draft.kind = "paragraph"


def _kind(row: Row, style: Style) -> Kind:
    if row.mono and style.mono_tells and not (row.bold and row.size > 1.1 * style.body):
        return "code"
    if _is_contents(row):
        return "list_item"
    if _CAPTION.match(row.text):
        return "caption"
    if _is_item(row):
        return "list_item"
    return "paragraph"


def _is_contents(row: Row) -> bool:
    """A line of a table of contents: leaders, then a page number."""
    return bool(_CONTENTS.search(row.text))


def _is_item(row: Row) -> bool:
    """Starts like a list item: a bullet, or an enumerator with something behind it."""
    first = row.words[0].text
    if _BULLET.match(first):
        return len(first) == 1 or len(row.words) > 1 or len(first) > 2
    return len(row.words) > 1 and bool(_DASH.fullmatch(first) or _ENUMERATOR.fullmatch(first))


def _starts(draft: Draft, row: Row, style: Style, left: float, right: float) -> Kind | None:
    """The kind of the new block that starts at `row`, or None where it continues `draft`."""
    last, first = draft.rows[-1], draft.rows[0]
    kind = _kind(row, style)
    em = max(row.size, 1.0)
    step = row.box[3] - last.box[3]
    leading = style.leading_of(last.size)
    if kind == "code" and draft.kind in ("paragraph", "list_item") and _runs_on(last, row, right, step, leading):
        return None
    if "code" in (kind, draft.kind):
        together = kind == draft.kind and abs(row.size - last.size) < 0.1 * em and step < 2.6 * leading
        return None if together else kind
    if tag_level(row.role) != tag_level(last.role):
        return kind
    if abs(row.size - last.size) > (0.25 if row.ocr else 0.07) * max(row.size, last.size) and not _is_scrap(row, last):
        return kind
    usual = leading
    if len(draft.rows) > 1:
        usual = max(leading, min(1.15 * leading, draft.rows[1].box[3] - first.box[3]))
    if step > 1.3 * usual + 0.5 or step < -0.5 * em or _is_scanned_title(draft, row, right):
        return kind
    if (
        style.bold_tells
        and row.bold != last.bold
        and (_is_numbered_heading(draft) or (last.bold and _is_short(last, row, right)) or (row.bold and _ended(last)))
    ):
        return kind
    if _is_contents(row) or _is_contents(last):
        return None if _is_contents(row) and not _is_contents(last) and not _is_short(last, row, right) else kind
    if kind == "list_item":
        return kind if _is_new_item(draft, row, right) else None
    if kind == "caption":
        return kind if _is_short(last, row, right) or _ended(last) else None
    if draft.kind == "list_item":
        return _leaves_item(draft, row, right)
    return kind if _is_new_paragraph(draft, row, left, right, step, usual) else None


def _is_scanned_title(draft: Draft, row: Row, right: float) -> bool:
    """`2.1 A short line`, broken off before a new sentence: OCR knows no bold type that would set it apart."""
    first, word = draft.rows[0], row.words[0].box
    return (
        row.ocr
        and len(draft.rows) == 1
        and bool(_SUBSECTION.match(first.text))
        and not _ended(first)
        and row.text[:1].isupper()
        and first.box[2] + 0.25 * row.size + (word[2] - word[0]) < right - 0.1 * row.size
    )


def _is_numbered_heading(draft: Draft) -> bool:
    """Bold rows that open with a section number: a heading even where its line happens to be full."""
    return all(r.bold for r in draft.rows) and bool(SECTION_NUMBER.match(draft.rows[0].text))


def _runs_on(last: Row, row: Row, right: float, step: float, leading: float) -> bool:
    """A line of a paragraph that happens to be in fixed pitch throughout: the line above is full and nothing moved."""
    same_size = abs(row.size - last.size) < 0.12 * row.size
    return same_size and step < 1.15 * leading and not _is_short(last, row, right) and not _ended(last)


def _is_scrap(row: Row, last: Row) -> bool:
    """A stray superscript or symbol that stands on (nearly) the last row's baseline."""
    shared = overlap(row.box[1], row.box[3], last.box[1], last.box[3])
    return shared > 0.4 * min(row.height, last.height) or len(row.text) <= 2


def _ended(row: Row) -> bool:
    return bool(_ENDS.search(row.text))


def _is_short(row: Row, following: Row, right: float) -> bool:
    """The next row's first word would have fitted: the line was ended on purpose."""
    word = following.words[0].box
    return row.box[2] + 0.35 * row.size + (word[2] - word[0]) < right - 0.5 * row.size


def _is_new_item(draft: Draft, row: Row, right: float) -> bool:
    first = row.words[0].text
    if _BULLET.match(first):
        return True
    last = draft.rows[-1]
    if draft.kind == "list_item":
        return abs(row.box[0] - draft.rows[0].box[0]) < row.size or _is_short(last, row, right) or _ended(last)
    if _DASH.fullmatch(first) and _is_dash_of_sentence(last, row, right):
        return False
    return _is_short(last, row, right) or abs(row.box[0] - last.box[0]) > 0.5 * row.size or _ended(last)


def _is_dash_of_sentence(last: Row, row: Row, right: float) -> bool:
    """A dash of running text, or a speck in the gutter: the sentence above is open, its line as good as full."""
    inset = row.box[0] - last.box[0] > 0.5 * row.size
    return not inset and not _ended(last) and row.words[1].text[:1].islower() and right - last.box[2] < 4 * row.size


def _leaves_item(draft: Draft, row: Row, right: float) -> Kind | None:
    """A row after a list item: hanging text continues it, anything back at the margin starts a paragraph."""
    marker, last = draft.rows[0].box[0], draft.rows[-1]
    em = row.size
    if row.box[0] > marker + 0.5 * em:
        start = draft.rows[1].box[0] if len(draft.rows) > 1 else None
        indented = start is not None and row.box[0] > start + 0.8 * em
        return "paragraph" if indented and _ended(last) else None
    if row.box[0] < marker - 0.5 * em and len(draft.rows) > 1 and draft.rows[1].box[0] > marker - 0.5 * em:
        return "paragraph"
    if row.box[0] < marker - 0.5 * em and (_ended(last) or SECTION_NUMBER.match(row.text)):
        return "paragraph"  # out to the left of the marker, behind an item of one full line
    return "paragraph" if _is_short(last, row, right) and (_ended(last) or not row.text[:1].islower()) else None


def _is_new_paragraph(draft: Draft, row: Row, left: float, right: float, step: float, usual: float) -> bool:
    last, first, em = draft.rows[-1], draft.rows[0], max(row.size, 1.0)
    lower = row.text[:1].islower()
    short = _is_short(last, row, right)
    if lower and not (short and _ended(last)):
        return False
    if short and _centred(last, left, right) != _centred(row, left, right):
        return True
    indent = row.box[0] - last.box[0]
    if (
        indent > 0.8 * em
        and abs(last.box[0] - left) < 0.5 * em
        and (_ended(last) or short)
        and not _centred(row, left, right)
    ):
        return True
    if len(draft.rows) == 1 and indent < -0.8 * em and first.box[0] - left > 0.8 * em:
        return short and _ended(last) and not _centred(last, left, right)
    if len(draft.rows) > 1 and draft.rows[1].box[0] - first.box[0] > 0.8 * em and indent < -0.8 * em:
        return abs(row.box[0] - first.box[0]) < 0.5 * em  # the next entry of a list with hanging indents
    if short and _ended(last):
        return True
    if step > 1.12 * usual + 0.5 and (_ended(last) or short):
        return True
    slack = right - last.box[2]
    return short and not lower and slack > 0.3 * (right - left) and not _centred(last, left, right) and not row.bold


def _centred(row: Row, left: float, right: float) -> bool:
    before, after = row.box[0] - left, right - row.box[2]
    return before > 2 * row.size and abs(before - after) < 0.15 * (right - left)
