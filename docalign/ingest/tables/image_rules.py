"""Tables of scanned pages: the straight rules in a page image are long unbroken runs of dark pixels, thin across.

Only for pages that stand straight: on a skewed one a rule is no run of pixels, and nothing is found. Text has no run as
long as `_SHORTEST_PT`; what is thicker than a rule (bars, pictures) is left out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from docalign.ingest.layout.frame import frame_size, from_frame, union
from docalign.ingest.tables.drawing import Drawing, Rule
from docalign.ingest.tables.find import with_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from PIL.Image import Image

    from docalign.document import Box
    from docalign.ingest.page import PageContent, TextLine, Word

__all__ = ["tables_of_scan"]

_DARK: Final = 140
_SHORTEST_PT: Final = 24.0
_THICKEST_PT: Final = 3.5
_MAX_RULES: Final = 600
_RULE_MARKS: Final = frozenset("|¦[]{}!lI—–-_=")
_ON_RULE_PT: Final = 2.5
_CELL: Final = 8
"""Pixels of a row that are looked at as one number."""
_ALL_DARK: Final = 0x0101010101010101


def tables_of_scan(page: PageContent, image: Image, *, rotation: int) -> PageContent:
    """A page read by OCR with its tables taken out of the lines.

    Where the engine read a rule as a character (`|`, mostly), that character is dropped, and says so.

    Args:
        image: the grey image that was read, which shows the page turned clockwise by `rotation` degrees.
    """
    if not page.lines:
        return page
    drawing = rules_of_image(image, width=page.width, height=page.height, rotation=rotation)
    if drawing.rules:
        page = _without_rule_marks(page, drawing)
    return with_tables(page, drawing)


def _without_rule_marks(page: PageContent, drawing: Drawing) -> PageContent:
    lines: list[TextLine] = []
    marks: list[str] = []
    for line in page.lines:
        kept = tuple(w for w in line.words if not _is_rule(w, drawing))
        marks += [w.text for w in line.words if len(kept) < len(line.words) and _is_rule(w, drawing)]
        if len(kept) == len(line.words):
            lines.append(line)
        elif kept:
            lines.append(replace(line, words=kept, box=union(w.box for w in kept)))
    dropped = (*page.dropped, *((text, "rule") for text in marks))
    return replace(page, lines=tuple(lines), dropped=dropped) if marks else page


def _is_rule(word: Word, drawing: Drawing) -> bool:
    """Whether a word of nothing but strokes stands on a rule."""
    if not _RULE_MARKS.issuperset(word.text):
        return False
    x, y = (word.box[0] + word.box[2]) / 2, (word.box[1] + word.box[3]) / 2
    return any(
        rule.box[0] - _ON_RULE_PT <= x <= rule.box[2] + _ON_RULE_PT
        and rule.box[1] - _ON_RULE_PT <= y <= rule.box[3] + _ON_RULE_PT
        for rule in drawing.rules
    )


def rules_of_image(image: Image, *, width: float, height: float, rotation: int) -> Drawing:
    """The rules of a grey image that shows the unrotated `width` × `height` page (points) turned by `rotation`.

    Boxes come back on the unrotated page. Nothing where there are more runs than any table has (a picture).
    """
    shown_width, shown_height = frame_size(width, height, rotation)
    across, down = shown_width / max(image.width, 1), shown_height / max(image.height, 1)
    dark = np.asarray(image.convert("L")) < _DARK
    swap = bool(rotation % 180)
    rules: list[Rule] = []
    for x0, y0, x1, y1 in _runs(dark, _SHORTEST_PT / across, _THICKEST_PT / down):
        y = (y0 + y1) / 2 * down
        rules.append(Rule(from_frame((x0 * across, y, x1 * across, y), width, height, rotation), not swap))
    for y0, x0, y1, x1 in _runs(dark.T, _SHORTEST_PT / down / 2, _THICKEST_PT / across):
        x = (x0 + x1) / 2 * across
        rules.append(Rule(from_frame((x, y0 * down, x, y1 * down), width, height, rotation), swap))
    return Drawing(tuple(rules) if len(rules) <= _MAX_RULES else ())


def _rows_with_runs(dark: npt.NDArray[np.bool_], least: int) -> npt.NDArray[np.intp]:
    """The rows that may hold a run of `least` pixels (8 and more): such a run fills several whole cells in a row.

    A page of text has few such rows, so that only they need be looked at pixel by pixel.
    """
    wide = _CELL if least >= 2 * _CELL - 1 else 1
    cells = dark.shape[1] // wide
    whole = np.ascontiguousarray(dark[:, : cells * wide])
    full: npt.NDArray[np.bool_] = np.equal(whole.view(np.uint64), _ALL_DARK) if wide == _CELL else whole
    together = (least - wide + 1) // wide
    found = full[:, : cells - together + 1].copy()
    for shift in range(1, together):
        found &= full[:, shift : cells - together + 1 + shift]
    return np.flatnonzero(found.any(axis=1))


def _runs(dark: npt.NDArray[np.bool_], shortest: float, thickest: float) -> Iterator[Box]:
    """Runs along the rows of an array, neighbouring rows joined, as boxes in its own pixels."""
    least = max(8, int(shortest))
    if dark.shape[1] <= least:
        return
    likely = _rows_with_runs(dark, least)
    padded = np.zeros((len(likely), dark.shape[1] + 2), np.int8)
    padded[:, 1:-1] = dark[likely]
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    rows = likely[rows]
    long = ends - starts >= least
    if long.sum() > 20 * _MAX_RULES:
        return
    open_runs: list[list[int]] = []  # x0, y0, x1, y1
    for y, x0, x1 in zip(rows[long].tolist(), starts[long].tolist(), ends[long].tolist(), strict=True):
        for run in reversed(open_runs):
            if run[3] < y:
                continue
            if run[3] == y and run[0] < x1 and x0 < run[2]:
                run[0], run[2], run[3] = min(run[0], x0), max(run[2], x1), y + 1
                break
        else:
            open_runs.append([x0, y, x1, y + 1])
    for x0, y0, x1, y1 in open_runs:
        if y1 - y0 <= thickest:
            yield (float(x0), float(y0), float(x1), float(y1))
