"""Reading order of one page: which pieces stand in which column, and which column is read first.

A gutter is a vertical strip that few lines cross. The lines that do cross it (titles, wide tables) cut the page in
bands; in each band the left side is read before the right one, and each side is searched for gutters again. Where no
gutter is good enough the page is read row by row. An unruled table looks like columns too: short cells that the file
delivers row by row stay rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from docalign.ingest.layout.rows import Item, Row, Table, merge_rows, overlap, widest_gap

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["reading_order"]

_MIN_GUTTER_PT: Final = 4
_OTHER_GUTTER_PT: Final = 12
_MIN_SIDE: Final = 0.15
"""A column is at least this share of the region's width."""
_MIN_ROWS: Final = 3
_MAX_DEPTH: Final = 4
_GUTTERS_TRIED: Final = 3
_ALIGNED: Final = 0.6
_CELL_GAP_EM: Final = 1.2
_FULL_LINE: Final = 0.8
_MIN_LINE_WORDS: Final = 4
_RUNNING_LINES: Final = 3


def reading_order(items: Sequence[Item]) -> list[list[Item]]:
    """The page's pieces as streams: each a list from top to bottom of one column, streams in reading order."""
    return [stream for stream in _arrange(list(items), 0) if stream]


def _arrange(items: list[Item], depth: int) -> list[list[Item]]:
    if len(items) < 2 * _MIN_ROWS or depth >= _MAX_DEPTH:
        return [_stack(items)]
    streams: list[list[Item]] = []
    for zone, gutter in _zones(items):
        if gutter is None:
            streams.append(_stack(zone))
        else:
            streams.extend(_read_bands(_bands(zone, gutter), depth))
    return _rejoin(streams)


def _zones(items: Sequence[Item]) -> list[tuple[list[Item], float | None]]:
    """Parts of the region one above the other, each with its gutter (None: no columns).

    White space over the whole width only separates where the columns change; otherwise a column runs on through it.
    """
    zones: list[tuple[list[Item], float | None]] = []
    for part in _split_at_gaps(items):
        gutter = _gutter(part)
        if zones:
            above, above_gutter = zones[-1]
            same = gutter is None and above_gutter is None
            shared = _shared(above, above_gutter, part, gutter)
            if same or shared is not None:
                zones[-1] = ([*above, *part], shared)
                continue
        zones.append((part, gutter))
    return zones


def _shared(
    above: Sequence[Item], gutter_above: float | None, below: Sequence[Item], gutter: float | None
) -> float | None:
    """The gutter of either part that serves both: few pieces cross it, or none where the other part has its own."""
    differ = gutter_above is not None and gutter is not None and abs(gutter_above - gutter) > _OTHER_GUTTER_PT
    for found, home, other in ((gutter_above, above, below), (gutter, below, above)):
        if found is not None and _is_free(found, home) and _is_free(found, other, crossed=not differ):
            return found
    return None


def _is_free(gutter: float, part: Sequence[Item], *, crossed: bool = True) -> bool:
    crossing = sum(i.box[0] < gutter < i.box[2] for i in part)
    return not crossing or (crossed and len(part) >= 2 * _MIN_ROWS and crossing <= 0.25 * len(part))


def _gutter(items: Sequence[Item]) -> float | None:
    """The best gutter of a part that has columns."""
    if len(items) < 2 * _MIN_ROWS:
        return None
    for gutter in _gutters(items):
        if any(_are_columns(left, right) for _, left, right in _bands(items, gutter)):
            return gutter
    return None


def _stack(items: Sequence[Item]) -> list[Item]:
    rows = merge_rows(i for i in items if isinstance(i, Row))
    tables = [i for i in items if isinstance(i, Table)]
    return sorted([*rows, *tables], key=lambda i: (i.box[1] + i.box[3]) / 2 if isinstance(i, Row) else i.box[1])


def _gutters(items: Sequence[Item]) -> list[float]:
    """Middles of the least crossed vertical strips, best first."""
    left, right = min(i.box[0] for i in items), max(i.box[2] for i in items)
    width = right - left
    bins = int(width) + 1
    if width < 12 * _MIN_GUTTER_PT:
        return []
    step = np.zeros(bins + 1)
    for item in items:
        height = item.box[3] - item.box[1]
        step[min(bins, max(0, int(np.floor(item.box[0] - left))))] += height
        step[min(bins, max(0, int(np.ceil(item.box[2] - left))))] -= height
    cover = np.cumsum(step)[:bins].round(1)
    inner = slice(int(_MIN_SIDE * width), int((1 - _MIN_SIDE) * width))
    found: list[tuple[float, float, float]] = []
    limit = 0.5 * float(cover.max())
    for level in np.unique(cover[inner]):
        if level > limit or len(found) >= 2 * _GUTTERS_TRIED:
            break
        for start, end in _strips(cover <= level + 0.1, inner):
            if end - start >= _MIN_GUTTER_PT and not any(s < end and start < e for _, s, e in found):
                found.append((float(level), start, end))
    found.sort(key=lambda f: (f[0], f[1] - f[2]))
    return [left + (start + end) / 2 for _, start, end in found[:_GUTTERS_TRIED]]


def _strips(low: np.ndarray, inner: slice) -> list[tuple[float, float]]:
    """Runs of True inside the slice, as (start, end) bins."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], low[inner].astype(np.int8), [0]))))
    return [(float(inner.start + a), float(inner.start + b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


Band = tuple[list[Item], list[Item], list[Item]]
"""Pieces that cross the gutter, then those left and right of it, below the crossing ones."""


def _bands(items: Sequence[Item], gutter: float) -> list[Band]:
    crossing = sorted((i for i in items if i.box[0] < gutter < i.box[2]), key=_middle)
    heights = [_middle(i) for i in crossing]
    sides: list[tuple[list[Item], list[Item]]] = [([], []) for _ in range(len(crossing) + 1)]
    for item in items:
        if item.box[0] < gutter < item.box[2]:
            continue
        band = int(np.searchsorted(heights, _middle(item)))
        sides[band][0 if item.box[2] <= gutter else 1].append(item)
    bands: list[Band] = [([], *sides[0])]
    for item, (left, right) in zip(crossing, sides[1:], strict=True):
        if bands[-1][1] or bands[-1][2]:
            bands.append(([item], left, right))
        else:
            bands[-1][0].append(item)
            bands[-1][1].extend(left)
            bands[-1][2].extend(right)
    for above, below in pairwise(bands):
        _give_headings(above, below)
    return bands


def _give_headings(above: Band, below: Band) -> None:
    """A short line at the end of one side may begin what crosses the gutter below: it stands nearer to that than to
    its own column, and below all of the other one."""
    crossing, left, right = below[0], above[1], above[2]
    for side, other in ((left, right), (right, left)):
        side.sort(key=_middle)
        while len(side) > 1 and other and crossing:
            last, before = side[-1], max(i.box[3] for i in side[:-1])
            nearer = min(i.box[1] for i in crossing) - last.box[3] < last.box[1] - before
            if not nearer or last.box[1] < max(i.box[3] for i in other) or isinstance(last, Table):
                break
            crossing.insert(0, side.pop())


def _middle(item: Item) -> float:
    return (item.box[1] + item.box[3]) / 2


def _read_bands(bands: Sequence[Band], depth: int) -> list[list[Item]]:
    streams: list[list[Item]] = []
    wide: list[Item] = []
    for crossing, left, right in bands:
        wide.extend(crossing)
        if left and right and _are_columns(left, right, few=True):
            streams.extend(_arrange(wide, depth + 1))
            wide = []
            streams.extend(_arrange(left, depth + 1))
            streams.extend(_arrange(right, depth + 1))
        else:
            wide.extend(left)
            wide.extend(right)
    streams.extend(_arrange(wide, depth + 1))
    return streams


def _are_columns(left: Sequence[Item], right: Sequence[Item], *, few: bool = False) -> bool:
    """Whether two sides of a gutter are read one after the other rather than row by row."""
    if any(isinstance(i, Table) for i in (*left, *right)):
        return True
    sides = [merge_rows(i for i in side if isinstance(i, Row)) for side in (left, right)]
    enough = 1 if few else _MIN_ROWS
    if min(map(len, sides)) < enough:
        return False
    top = max(min(r.box[1] for r in side) for side in sides)
    bottom = min(max(r.box[3] for r in side) for side in sides)
    if bottom <= top:  # one stands wholly above the other: order by height is the same thing
        return False
    if any(map(_has_running_text, sides)):  # read across, its sentences would be cut by whatever stands beside them
        return True
    table = any(map(_is_tabular, sides)) and _aligned(*sides) >= _ALIGNED
    if not table and all(_fill(side) > 0.6 and _words(side) >= 3 for side in sides):
        return True
    return min(map(len, sides)) >= _MIN_ROWS and _switches(left, right) <= 0.25 * min(len(left), len(right))


def _has_running_text(rows: Sequence[Row]) -> bool:
    """Whether some rows one below the other are full lines of sentences that go on from line to line."""
    width = max(r.box[2] for r in rows) - min(r.box[0] for r in rows)
    run = lower = 0
    for above, row in pairwise(rows):
        full = above.box[2] - above.box[0] > _FULL_LINE * width and _wordy(above) >= _MIN_LINE_WORDS
        close = row.box[1] - above.box[3] < above.height and not _is_tabular([above])
        if not (full and close):
            run = lower = 0
            continue
        run, lower = run + 1, lower + row.text[:1].islower()
        if run >= _RUNNING_LINES and lower >= 0.5 * run:
            return True
    return False


def _wordy(row: Row) -> int:
    """Words of letters; none where the row is mostly figures or leaders."""
    words = sum(w.text[0].isalpha() for w in row.words)
    return words if words > 0.6 * len(row.words) else 0


def _is_tabular(rows: Sequence[Row]) -> bool:
    """Whether most rows are numbers, or have a gap that no justified line would have."""
    return sum(_is_figures(r) or widest_gap(r) > _CELL_GAP_EM * max(r.size, 1.0) for r in rows) > 0.5 * len(rows)


def _is_figures(row: Row) -> bool:
    return 2 * sum(any(map(str.isdigit, w.text)) for w in row.words) >= len(row.words)


def _aligned(left: Sequence[Row], right: Sequence[Row]) -> float:
    """The share of the rows of the shorter side that have a partner on their height, as the rows of a table do."""
    few, many = sorted((left, right), key=len)
    heights = np.array([r.middle for r in many])
    lines = {r.rank for r in many if r.ocr}  # pieces of one line as the engine read it, even on a skewed page
    partners = sum(r.rank in lines or float(np.abs(heights - r.middle).min()) < 0.2 * max(r.height, 1.0) for r in few)
    return partners / len(few)


def _fill(rows: Sequence[Row]) -> float:
    """The median row's width as a share of its column."""
    width = max(r.box[2] for r in rows) - min(r.box[0] for r in rows)
    return float(np.median([r.box[2] - r.box[0] for r in rows])) / max(width, 1.0)


def _words(rows: Sequence[Row]) -> float:
    return float(np.median([len(r.words) for r in rows]))


def _switches(left: Sequence[Item], right: Sequence[Item]) -> int:
    """How often the file's own order changes sides: once for columns, at every row for a table."""
    order = sorted([(i.rank, 0) for i in left] + [(i.rank, 1) for i in right])
    return sum(a[1] != b[1] for a, b in pairwise(order)) - 1


def _split_at_gaps(items: Sequence[Item]) -> list[list[Item]]:
    """Parts of a page that white space over its whole width sets apart."""
    ordered = sorted(items, key=lambda i: i.box[1])
    usual = float(np.median([i.box[3] - i.box[1] for i in items]))
    parts, bottom = [[ordered[0]]], ordered[0].box[3]
    for item in ordered[1:]:
        if item.box[1] - bottom > 1.2 * usual:
            parts.append([])
        parts[-1].append(item)
        bottom = max(bottom, item.box[3])
    return parts


def _rejoin(streams: Sequence[list[Item]]) -> list[list[Item]]:
    """Parts that turned out to have one column are one stream again."""
    joined: list[list[Item]] = []
    for stream in streams:
        last = joined[-1] if joined else None
        if last and stream and last[-1].box[3] <= stream[0].box[1] + 1 and _same_column(last, stream):
            last.extend(stream)
        else:
            joined.append(list(stream))
    return joined


def _same_column(a: Sequence[Item], b: Sequence[Item]) -> bool:
    ax0, ax1 = min(i.box[0] for i in a), max(i.box[2] for i in a)
    bx0, bx1 = min(i.box[0] for i in b), max(i.box[2] for i in b)
    if overlap(ax0, ax1, bx0, bx1) <= 0.5 * min(ax1 - ax0, bx1 - bx0):
        return False
    widths = sorted((ax1 - ax0, bx1 - bx0))
    return abs(ax0 - bx0) < 0.1 * widths[1] or widths[0] > 0.7 * widths[1]
