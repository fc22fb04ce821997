"""A PDF page's text layer as words and lines, with everything that is left out written down.

`extract_page` turns one page into a `PageContent`: characters become words where PDFium or the geometry says so, words
become lines (cut at wide gaps, so that two columns never share one; `layout` joins what belongs together). It knows
nothing of reading order, blocks or furniture, and never renders.

What happens to a character:

* Latin ligatures (U+FB00–FB06) are spelled out; everything else keeps its code point (no NFKC: it would turn x² to x2).
  The accounting of the promise "nothing is lost" is by multiset of non-space characters after NFKC.
* PDFium's U+0002, a hyphen that ends a line, becomes `-` and marks its word with `hyphen`. So does a soft hyphen that
  is printed (typesetters write U+00AD where they break a word, some programs for every hyphen); the U+00AD itself goes
  to `dropped`.
* Text nobody can see (render mode 3 or 7, transparent, smaller than 1.5 points, outside the crop box) goes to
  `invisible`; a glyph printed twice on one spot (poor man's bold) is kept once, its copy goes to `dropped`.
* Control and zero-width characters go to `dropped`; a glyph without a code point is U+FFFD in the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from docalign.ingest.layout.frame import union
from docalign.ingest.page import PageContent, TextLine, Word
from docalign.ingest.pdf.chars import HYPHEN, PageChars, crop_box, read_chars
from docalign.ingest.pdf.rules import read_drawing
from docalign.ingest.pdf.tags import read_roles
from docalign.ingest.tables.find import with_tables

if TYPE_CHECKING:
    import pypdfium2 as pdfium

__all__ = ["extract_page"]

Look = Callable[[PageContent, PageChars], PageContent]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_LIGATURES: Final = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_SPACES: Final = np.array(sorted({i for i in range(0x3001) if chr(i).isspace()}), np.int64)
_CONTROLS: Final = {*range(1, 0x20), *range(0x7F, 0xA0), 0xAD, 0x200B, 0x2060, 0xFEFF}
_IGNORED: Final = np.array(sorted(_CONTROLS - {HYPHEN} - set(_SPACES.tolist())), np.int64)
_SOFT_HYPHEN: Final = 0xAD
_HYPHENS: Final = (HYPHEN, _SOFT_HYPHEN)
_SMALLEST_PT: Final = 1.5
_PRINTED_EM: Final = 0.05
"""A soft hyphen at least this wide is ink."""
_WORD_GAP_EM: Final = 0.3
_LINE_GAP_EM: Final = 0.8
_SAME_SPOT_EM: Final = 0.12
_AXIS_TOLERANCE_DEG: Final = 10
_MIN_VERTICAL: Final = 10
"""Fewer Chinese or Japanese characters on a page tell no direction."""


def extract_page(pdf: pdfium.PdfDocument, index: int, look: Look | None = None, *, tags: bool = False) -> PageContent:
    """The text layer of page `index` (from 0); `number` is index + 1.

    `look` sees the page's lines and characters before tables are cut out of them, and may set lines aside.

    Boxes are in points from the top-left corner of the unrotated crop box. `rotation` says how the page must be turned
    for most of its text to read upright, whether /Rotate or the text's own direction is the cause. With `tags` the
    lines carry the roles that the file's structure tree gives them.

    Raises:
        pypdfium2.PdfiumError: PDFium cannot load the page.
    """
    page = pdf[index]
    try:
        chars = read_chars(page, read_roles(page) if tags else {})
        left, top, _, _ = crop_box(page)
        drawing = read_drawing(page, left, top)
    finally:
        page.close()
    content = _content(chars, index + 1)
    return with_tables(look(content, chars) if look else content, drawing)


def _content(chars: PageChars, number: int) -> PageContent:
    codes = _pair_surrogates(chars.codes)
    size, angle, hidden = _per_char(chars)
    angle, vertical = _with_vertical(chars, codes, size, angle)
    spaces = np.isin(codes, _SPACES)
    printed = _printed_soft_hyphens(chars, codes, size)
    ignored = np.isin(codes, _IGNORED) & ~printed
    glyphs = ~spaces & ~ignored & (codes >= 0)
    unseen = glyphs & (hidden | _outside(chars) | (size < _SMALLEST_PT))
    seen = glyphs & ~unseen
    twice = _duplicates(chars, codes, size, seen)
    seen &= ~twice
    lines = _lines(chars, codes, size, angle, seen, spaces)
    dropped = [(text, "duplicate") for text in _runs(codes, twice)]
    dropped += [(text, "control") for text in _runs(codes, ignored & ~spaces)]
    if (soft := int((printed & (seen | unseen)).sum())) > 0:
        dropped.append((soft * chr(_SOFT_HYPHEN), "soft hyphen"))
    return PageContent(
        number=number,
        width=chars.width,
        height=chars.height,
        kind="text" if lines else "blank",
        lines=lines,
        invisible=_lines(chars, codes, size, angle, unseen, spaces),
        dropped=tuple(dropped),
        rotation=chars.turn % 360 if vertical else _rotation(angle, seen, chars.turn),
        direction="ttb" if vertical else "ltr",
    )


def _pair_surrogates(codes: Ints) -> Ints:
    """UTF-16 halves become one code point (the second entry is then −1); what is no character becomes U+FFFD."""
    codes = codes.copy()
    high, low = (codes >= 0xD800) & (codes < 0xDC00), (codes >= 0xDC00) & (codes < 0xE000)
    pairs = np.flatnonzero(high[:-1] & low[1:]) if len(codes) > 1 else np.zeros(0, np.int64)
    codes[pairs] = 0x10000 + ((codes[pairs] - 0xD800) << 10) + (codes[pairs + 1] - 0xDC00)
    codes[pairs + 1] = -1
    lone = ((codes >= 0xD800) & (codes < 0xE000)) | (codes == 0) | (codes > 0x10FFFF) | (codes == 0xFFFE)
    codes[lone] = 0xFFFD
    return codes


def _printed_soft_hyphens(chars: PageChars, codes: Ints, size: Floats) -> Bools:
    sides = chars.boxes[:, 2:] - chars.boxes[:, :2]
    return np.asarray((codes == _SOFT_HYPHEN) & (sides > _PRINTED_EM * size[:, None]).all(axis=1), np.bool_)


def _per_char(chars: PageChars) -> tuple[Floats, Ints, Bools]:
    """Size (points), angle (degrees) and hidden flag of each character."""
    size = np.array([s.size for s in chars.styles], np.float64)
    angle = np.array([s.angle for s in chars.styles], np.int64)
    hidden = np.array([s.hidden for s in chars.styles], np.bool_)
    if not len(chars.styles):
        return size, angle, hidden
    return size[chars.style], angle[chars.style], hidden[chars.style]


def _outside(chars: PageChars) -> Bools:
    x, y = chars.boxes[:, [0, 2]].mean(axis=1), chars.boxes[:, [1, 3]].mean(axis=1)
    return np.asarray((x < 0) | (y < 0) | (x > chars.width) | (y > chars.height), np.bool_)


def _duplicates(chars: PageChars, codes: Ints, size: Floats, among: Bools) -> Bools:
    """Later copies of a character that stands at (nearly) the same place.

    PDFium gives every letter of a ligature the glyph's whole box: neighbours of one text object with exactly the
    same box are such letters, not copies.
    """
    twice = np.zeros(len(codes), np.bool_)
    index = np.flatnonzero(among)
    if len(index) < 2:
        return twice
    boxes = chars.boxes[index]
    x, y = boxes[:, 0], boxes[:, 3]
    near = _SAME_SPOT_EM * size[index]
    cell = max(1.0, float(np.median(size[index])) / 2)
    # Two shifted grids, so that no pair is missed because a cell border runs between its members.
    for shift in (0.0, 0.5):
        row = np.floor(y / cell + shift).astype(np.int64)
        order = np.lexsort((index, x, row, codes[index]))
        a, b = order[:-1], order[1:]
        same = (codes[index[a]] == codes[index[b]]) & (row[a] == row[b])
        same &= (np.abs(x[a] - x[b]) < near[a]) & (np.abs(y[a] - y[b]) < near[a])
        ligature = (np.abs(index[a] - index[b]) == 1) & (boxes[a] == boxes[b]).all(axis=1)
        ligature &= chars.objects[index[a]] == chars.objects[index[b]]
        twice[index[np.maximum(a, b)[same & ~ligature]]] = True
    return twice


def _with_vertical(chars: PageChars, codes: Ints, size: Floats, angle: Ints) -> tuple[Ints, bool]:
    """The angles with 90° (downwards) for upright characters that stand one below the other, as Chinese and Japanese
    may, and whether most of the page's are set so."""
    index = np.flatnonzero(((codes >= 0x2E80) & (codes < 0xA000)) | ((codes >= 0xF900) & (codes < 0xFFF0)))
    if len(index) < _MIN_VERTICAL:
        return angle, False
    a, b = index[:-1], index[1:]
    em = np.maximum(np.minimum(size[a], size[b]), 1.0)
    step = (chars.boxes[b, :2] + chars.boxes[b, 2:] - chars.boxes[a, :2] - chars.boxes[a, 2:]) / 2 / em[:, None]
    upright = (angle[a] == 0) & (angle[b] == 0)
    down = upright & (np.abs(step[:, 0]) < 0.35) & (step[:, 1] > 0.6) & (step[:, 1] < 2)
    across = upright & (np.abs(step[:, 1]) < 0.35) & (step[:, 0] > 0.6) & (step[:, 0] < 2)
    if down.sum() <= across.sum() or down.sum() < _MIN_VERTICAL // 2:
        return angle, False
    angle = angle.copy()
    angle[a[down]] = angle[b[down]] = 90
    return angle, True


def _runs(codes: Ints, mask: Bools) -> list[str]:
    """The masked characters as strings, one for each unbroken run."""
    index = np.flatnonzero(mask)
    if not len(index):
        return []
    parts = np.split(index, np.flatnonzero(np.diff(index) > 1) + 1)
    return ["".join("-" if c == HYPHEN else chr(c) for c in codes[part].tolist()) for part in parts]


def _rotation(angle: Ints, seen: Bools, turn: int) -> int:
    if not seen.any():
        return turn % 360
    counts = np.bincount(_quarter(angle[seen]), minlength=4)
    return int((360 - 90 * int(counts.argmax())) % 360)


def _quarter(angle: Ints) -> Ints:
    return np.asarray(np.round(angle / 90), np.int64) % 4


def _lines(
    chars: PageChars, codes: Ints, size: Floats, angle: Ints, mask: Bools, spaces: Bools
) -> tuple[TextLine, ...]:
    index = np.flatnonzero(mask)
    if not len(index):
        return ()
    new_word, new_line = _breaks(chars, codes, size, angle, index, spaces)
    starts = np.flatnonzero(new_word)
    ends = np.append(starts[1:], len(index))
    boxes = chars.boxes[index]
    low = np.minimum.reduceat(boxes[:, :2], starts, axis=0).round(2).tolist()
    high = np.maximum.reduceat(boxes[:, 2:], starts, axis=0).round(2).tolist()
    characters = codes[index].tolist()
    style = chars.style[index]
    lines: list[TextLine] = []
    words: list[Word] = []
    roles: Counter[str | None] = Counter()
    for k, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        if new_line[start] and words:
            lines.append(_line(words, roles))
            words, roles = [], Counter()
        look = chars.styles[int(style[(start + end) // 2])]
        roles[look.role] += end - start
        run = characters[start:end]
        words.append(
            Word(
                text="".join("-" if c in _HYPHENS else chr(c) for c in run).translate(_LIGATURES),
                box=(low[k][0], low[k][1], high[k][0], high[k][1]),
                size=look.size,
                bold=look.bold,
                italic=look.italic,
                mono=look.mono,
                hyphen=run[-1] in _HYPHENS,
                tinted=look.tinted,
            )
        )
    lines.append(_line(words, roles))
    return tuple(lines)


def _line(words: list[Word], roles: Counter[str | None]) -> TextLine:
    """A line of `words`, with the role that most of its characters have."""
    role = max(roles, key=lambda r: (roles[r], r or ""))
    return TextLine(tuple(words), union(w.box for w in words), role if 2 * roles[role] > roles.total() else None)


def _breaks(
    chars: PageChars, codes: Ints, size: Floats, angle: Ints, index: Ints, spaces: Bools
) -> tuple[Bools, Bools]:
    """Where a word and where a line starts, for the characters `index`."""
    count = len(index)
    new_word, new_line = np.ones(count, np.bool_), np.ones(count, np.bool_)
    if count == 1:
        return new_word, new_line
    a, b = index[:-1], index[1:]
    spaces_before = np.cumsum(spaces)
    spaced = spaces_before[a] != spaces_before[b]
    along, across = _upright(chars, angle, index)
    em = np.maximum(np.minimum(size[a], size[b]), 1.0)
    right_to_left = _is_rtl(codes[a]) & _is_rtl(codes[b])
    gap = np.where(right_to_left, along[:-1, 0] - along[1:, 1], along[1:, 0] - along[:-1, 1])
    back = np.where(right_to_left, along[1:, 1] > along[:-1, 1] + 0.5 * em, along[1:, 0] < along[:-1, 0] - 0.5 * em)
    overlap = np.minimum(across[:-1, 1], across[1:, 1]) - np.maximum(across[:-1, 0], across[1:, 0])
    height = np.minimum(across[:-1, 1] - across[:-1, 0], across[1:, 1] - across[1:, 0])
    apart = overlap < 0.4 * height
    oblique = np.abs(angle[b] - 90 * np.round(angle[b] / 90)) > _AXIS_TOLERANCE_DEG
    near = np.hypot(*(chars.boxes[b, :2] - chars.boxes[a, :2]).T) < 2.5 * em
    turned = _quarter(angle[a]) != _quarter(angle[b])
    line = np.where(oblique, ~near, apart | back | (gap > _LINE_GAP_EM * em)) | turned
    new_line[1:] = line
    new_word[1:] = line | spaced | (~oblique & (gap > _WORD_GAP_EM * em))
    return new_word, new_line


def _upright(chars: PageChars, angle: Ints, index: Ints) -> tuple[Floats, Floats]:
    """Each box's extent along and across its own text direction, both growing as one reads, (chars, 2) each."""
    x0, y0, x1, y1 = chars.boxes[index].T
    quarter = _quarter(angle[index])
    cases = [quarter == 0, quarter == 1, quarter == 2]
    along = np.stack([np.select(cases, [x0, y0, -x1], -y1), np.select(cases, [x1, y1, -x0], -y0)], axis=1)
    across = np.stack([np.select(cases, [y0, -x1, -y1], x0), np.select(cases, [y1, -x0, -y0], x1)], axis=1)
    return along, across


def _is_rtl(codes: Ints) -> Bools:
    return ((codes >= 0x590) & (codes < 0x900)) | ((codes >= 0xFB1D) & (codes < 0xFEFD))
