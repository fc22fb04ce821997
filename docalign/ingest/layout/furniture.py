"""Furniture: headers, footers and page numbers, found by what repeats at the edges of the pages.

Three kinds of evidence, strongest first: the same words at the same height on several pages, numbers that count pages
aside ("Table 1.2" and "Table 1.3" at the top of two pages do not count them); a line at a height where other pages
have such words ("slot"), which catches running titles that change with the chapter; a lone page number at the outer
edge. Lines are peeled from the edge inwards: body text stops the peeling. Sideways text in the outer margin (archive
stamps) is furniture too.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from statistics import median
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.rows import Row, Sheet, overlap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["find_furniture", "is_sideways"]

_ZONE: Final = 0.17
"""Furniture stands in the upper or lower share of the page."""
_SLOT_PT: Final = 3.0
_NUMBER: Final = re.compile(
    r"[-–—\[(|]*\s*(?:page|pg\.?|p\.|seite)?\s*[-–—]?\s*(?:\d{1,4}|[ivxlc]{1,7})"
    r"(?:\s*(?:of|/|\|)\s*\d{1,4})?\s*[-–—\])|]*",
    re.I,
)
_PAGE_OF: Final = re.compile(r"(?:page|pg\.?)\s*\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?", re.I)
_MISREAD: Final = re.compile(
    r"[-–—\[(|]*\s*(?:page\s*)?(?:[\dlIOoSB|]{1,4}\s*[o0OQ][ft]\s*[\dlIOoSB|]{1,4}|[\dlIOo|]*\d[\dlIOo|]*)\W*", re.I
)
"""A page number as OCR may read it: `20f 6`, `lof 6`, `1O`."""
_STAMP: Final = re.compile(r"\bpage:?\s*\d{1,4}\s*of\s*\d{1,4}\s*$", re.I)
"""The end of a court's or a fax machine's stamp at the very edge of a page."""
_ROMAN: Final = re.compile(r"\b[ivxlc]+\b")
_COUNTER: Final = re.compile(r"\d{1,6}|\b[ivxlc]+\b")
_ROMAN_DIGITS: Final = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_MIN_DENSITY: Final = 0.3
"""A header stands on at least this share of the pages between its first and its last."""
_LARGE: Final = 1.2


def find_furniture(sheets: Sequence[Sheet]) -> list[list[Row]]:
    """For each sheet the rows that are furniture, from top to bottom."""
    edges = [(_edge(sheet, top=True), _edge(sheet, top=False)) for sheet in sheets]
    found: list[list[Row]] = [[r for r in sheet.rows if _in_side_margin(r, sheet)] for sheet in sheets]
    for side in (0, 1):
        lines = [edge[side] for edge in edges]
        keys = _repeated(sheets, lines, side)
        slots = _slots(sheets, lines, keys, side)
        for sheet, edge_lines, rows in zip(sheets, lines, found, strict=True):
            rows.extend(_peel(sheet, edge_lines, keys, slots, side))
    return [sorted(rows, key=lambda r: (r.middle, r.box[0])) for rows in found]


def is_sideways(row: Row) -> bool:
    """Text that runs up or down in a page whose text runs across."""
    width, height = row.box[2] - row.box[0], row.height
    return height > 2.5 * max(row.size, 1.0) and height > 2 * width and len(row.text) > 3


def _in_side_margin(row: Row, sheet: Sheet) -> bool:
    middle = (row.box[0] + row.box[2]) / 2
    return is_sideways(row) and not 0.08 * sheet.width < middle < 0.92 * sheet.width


def _edge(sheet: Sheet, *, top: bool) -> list[list[Row]]:
    """Lines in the upper or lower zone, the outermost first; pieces on one baseline together."""
    zone = _ZONE * sheet.height
    rows = [r for r in sheet.rows if (r.box[3] < zone if top else r.box[1] > sheet.height - zone)]
    rows = [r for r in rows if not is_sideways(r)]
    rows.sort(key=lambda r: r.middle, reverse=not top)
    lines: list[list[Row]] = []
    for row in rows:
        last = lines[-1][0] if lines else None
        shared = overlap(last.box[1], last.box[3], row.box[1], row.box[3]) if last else -1.0
        if last and shared > 0.5 * min(last.height, row.height):
            lines[-1].append(row)
        else:
            lines.append([row])
    return lines


def _height(row: Row, sheet: Sheet, side: int) -> float:
    """Distance from the edge: pages of different sizes keep their furniture at the same distance."""
    return row.middle if side == 0 else sheet.height - row.middle


def _mask(text: str) -> str:
    return _ROMAN.sub("#", re.sub(r"\d+", "#", text.lower()))


Key = tuple[str, int]


def _keys(text: str, row: Row, sheet: Sheet, side: int) -> tuple[Key, Key]:
    """Masked text with the height of `row`, rounded in two ways so that neighbours meet in one of them."""
    height, mask = _height(row, sheet, side) / (2 * _SLOT_PT), _mask(text)
    return (mask, 2 * int(height)), (mask, 2 * int(height + 0.5) + 1)


def _line_text(line: Sequence[Row]) -> str:
    return " ".join(r.text for r in sorted(line, key=lambda r: r.box[0]))


def _line_keys(line: Sequence[Row], sheet: Sheet, side: int) -> Iterator[tuple[Key, str]]:
    """Keys and texts of the whole line and of its wordy pieces; a number alone counts only where it is the whole line,
    else every section number at the top of a page would make a header."""
    whole = _line_text(line)
    if "#" in _mask(whole) or _wordy(whole):
        yield from ((key, whole) for key in _keys(whole, line[0], sheet, side))
    for row in line:
        if len(line) > 1 and _wordy(row.text):
            yield from ((key, row.text) for key in _keys(row.text, row, sheet, side))


def _wordy(text: str) -> bool:
    return sum(c.isalpha() for c in _mask(text)) >= 3


def _repeated(sheets: Sequence[Sheet], edges: Sequence[Sequence[Sequence[Row]]], side: int) -> set[Key]:
    seen: dict[Key, dict[int, tuple[str, bool]]] = defaultdict(dict)
    for index, (sheet, lines) in enumerate(zip(sheets, edges, strict=True)):
        body = median(r.size for r in sheet.rows) if sheet.rows else 0.0
        for line in lines:
            large = max(r.size for r in line) > _LARGE * body
            for key, text in _line_keys(line, sheet, side):
                seen[key][index] = (text, large)
    return {key for key, where in seen.items() if _is_repetition(key, where, len(sheets))}


def _is_repetition(key: Key, where: dict[int, tuple[str, bool]], pages: int) -> bool:
    """Whether what stands on the pages `where` (index: text, larger than the page's text) is one header or footer."""
    needed = 2 if pages <= 4 else 3
    if len(where) < needed or len(where) < _MIN_DENSITY * (max(where) - min(where) + 1):
        return False
    if all(large for _, large in where.values()) and len(where) < pages / 2:
        return False  # a repeated heading
    _, same = Counter(text for text, _ in where.values()).most_common(1)[0]
    if same >= max(needed, len(where) / 2):
        return True
    return "#" in key[0] and _counts_pages(where, needed)


def _counts_pages(where: dict[int, tuple[str, bool]], needed: int) -> bool:
    """Whether one of the numbers in the texts grows with the page."""
    offsets: Counter[tuple[int, int]] = Counter()
    for index, (text, _) in where.items():
        values = [int(n) if n.isdigit() else _roman(n) for n in _COUNTER.findall(text.lower())]
        offsets.update({(place, value - index): 1 for place, value in enumerate(values)})
    return bool(offsets) and offsets.most_common(1)[0][1] >= max(needed, 0.6 * len(where))


def _roman(numeral: str) -> int:
    values = [_ROMAN_DIGITS[c] for c in numeral]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _slots(
    sheets: Sequence[Sheet], edges: Sequence[Sequence[Sequence[Row]]], keys: set[Key], side: int
) -> dict[int, set[float]]:
    """Heights (in steps of the slot) at which at least a third of the pages have furniture, with its sizes."""
    count: dict[int, int] = defaultdict(int)
    sizes: dict[int, set[float]] = defaultdict(set)
    for sheet, lines in zip(sheets, edges, strict=True):
        here: set[int] = set()
        for line in lines[:2]:
            if any(key in keys for key, _ in _line_keys(line, sheet, side)):
                step = int(_height(line[0], sheet, side) / _SLOT_PT)
                here.update((step - 1, step, step + 1))
                for near in (step - 1, step, step + 1):
                    sizes[near].update(round(r.size) for r in line)
        for step in here:
            count[step] += 1
    return {step: sizes[step] for step, n in count.items() if n >= max(3, len(sheets) / 3)}


def _peel(
    sheet: Sheet, lines: Sequence[Sequence[Row]], keys: set[Key], slots: dict[int, set[float]], side: int
) -> list[Row]:
    furniture: list[Row] = []
    for depth, line in enumerate(lines):
        known = any(key in keys for key, _ in _line_keys(line, sheet, side))
        slot = slots.get(int(_height(line[0], sheet, side) / _SLOT_PT))
        in_slot = slot is not None and len(line) <= 4 and all(_has_size(r, slot) for r in line)
        alone = depth == 0 and _is_page_number(_line_text(line), line, sheet, side)
        if known or alone or (in_slot and _air(line, sheet, side) > 0.7 * line[0].height):
            furniture.extend(line)
        else:
            break
    if len(furniture) == len(sheet.rows) and not sheet.tables:
        # A page of nothing but repeated lines (a form, a slide) still has a text.
        return [r for r in furniture if _NUMBER.fullmatch(r.text.strip())]
    return furniture


def _has_size(row: Row, sizes: set[float]) -> bool:
    """Whether a row has one of the (whole) sizes; a scan's are measured and may be one off."""
    return any(abs(round(row.size) - size) <= row.ocr for size in sizes)


def _is_page_number(text: str, line: Sequence[Row], sheet: Sheet, side: int) -> bool:
    """A lone number at the outer edge, with air between it and what comes next, or `Page 1 of 9` anywhere there."""
    if _PAGE_OF.fullmatch(text.strip()) or _STAMP.search(text):
        return True
    misread = all(r.ocr for r in line) and bool(_MISREAD.fullmatch(text.strip()))
    if (
        not (misread or _NUMBER.fullmatch(text.strip()))
        or (len(line) > 1 and not misread)
        or len(sheet.rows) + len(sheet.tables) < 2
    ):
        return False
    return _air(line, sheet, side) > 0.6 * line[0].height


def _air(line: Sequence[Row], sheet: Sheet, side: int) -> float:
    """White space between a line and whatever comes next on its inner side, points; negative beside a table."""
    own = set(map(id, line))
    top, bottom = min(r.box[1] for r in line), max(r.box[3] for r in line)
    across = [r for r in sheet.rows if id(r) not in own and not is_sideways(r)]
    boxes = [*(r.box for r in across), *(t.box for t in sheet.tables)]
    if side == 0:
        inner = [box[1] - bottom for box in boxes if box[3] > bottom]
    else:
        inner = [top - box[3] for box in boxes if box[1] < top]
    return min(inner, default=sheet.height)
