"""Drop capitals: the large first letter of a chapter goes back to the word that it begins.

An extractor sees it as a word of its own, often on the baseline of the second or third line that it stands beside.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.rows import Row, Sheet, make_row
from docalign.ingest.pdf.spacing import glue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from docalign.ingest.page import Word

__all__ = ["with_initials"]

_LARGE: Final = 1.7
_NEAR_EM: Final = 1.2
"""How far from the letter its line may start, in sizes of that line."""
_WHOLE_WORDS: Final = frozenset("AIO")


def with_initials(sheet: Sheet) -> Sheet:
    """The sheet with every drop capital joined to its word; where no line fits a letter it stays as it is."""
    rows = list(sheet.rows)
    if len(rows) < 3:
        return sheet
    body = median(r.size for r in rows)
    found = [r for r in rows if _initial(r, body) is not None]
    if not found:
        return sheet
    spelled = Counter(w.text.strip(".,;:!?").lower() for r in rows for w in r.words)
    for row in found:
        _join(row, rows, spelled)
    return replace(sheet, rows=tuple(rows))


def _initial(row: Row, body: float) -> Word | None:
    first = row.words[0]
    letter = first.text.lstrip("“‘\"'«")
    if len(letter) != 1 or not letter.isupper() or first.size < _LARGE * body:
        return None
    return first if len(row.words) == 1 or row.words[1].size * _LARGE <= first.size else None


def _join(row: Row, rows: list[Row], spelled: Counter[str]) -> None:
    """Move the letter of `row` to the topmost line beside it (which may be the rest of `row` itself)."""
    initial, rest = row.words[0], row.words[1:]
    own = make_row(row.page, rest, row.rank, ocr=row.ocr, role=row.role) if rest else None
    beside = _topmost(initial, [r for r in [*rows, *([own] if own else [])] if r is not row])
    if beside is None:
        return
    merged = make_row(
        beside.page, _begun(initial, beside.words, spelled), beside.rank, ocr=beside.ocr, role=beside.role
    )
    at = rows.index(row)
    if beside is own:
        rows[at] = merged
        return
    rows[rows.index(beside)] = merged
    rows[at : at + 1] = [own] if own else []


def _topmost(initial: Word, rows: Iterable[Row]) -> Row | None:
    x1, top, bottom = initial.box[2], initial.box[1], initial.box[3]
    beside = [
        r
        for r in rows
        if top - 0.5 * r.height < r.middle < bottom
        and -0.5 * r.size < r.box[0] - x1 < _NEAR_EM * r.size
        and r.size * _LARGE <= initial.size
    ]
    return min(beside, key=lambda r: r.middle, default=None)


def _begun(initial: Word, words: Sequence[Word], spelled: Counter[str]) -> list[Word]:
    """`T` + `he`, but `A` + `river`: a letter that is a word stays one unless the page has the joined word too. The
    letter takes the look of the line, so that it makes neither the line large nor a heading of it."""
    first = words[0]
    letter = replace(initial, size=first.size, box=(initial.box[0], first.box[1], initial.box[2], first.box[3]))
    text = first.text.strip(".,;:!?").lower()
    apart = initial.text[-1] in _WHOLE_WORDS and spelled[text] > 1 >= spelled[initial.text.lower() + text]
    if apart or not first.text[:1].isalpha():
        return [letter, *words]
    return [replace(glue([letter, first]), bold=first.bold, italic=first.italic), *words[1:]]
