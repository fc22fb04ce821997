"""The levels of headings (1–6): from the file itself, from section numbers, and from which look stands above which.

A *look* is how a heading is set: size, weight, capitals, colour, slant. Looks are ordered by prominence (larger, then
bolder, then capitals, then colour, then upright). Where most headings of a look bear section numbers, the depth of the
number decides. Any other look stands one below the headings it usually follows among the more prominent ones. So a look
that only seems important (a large word in a figure, the name of an organisation on page 5) pushes nothing down, and no
level is left out. What outline or tags say (`Draft.told`) holds, and the others follow their likes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import pairwise
from statistics import median_low
from typing import TYPE_CHECKING, Final, NamedTuple

from docalign.ingest.layout.blocks import SECTION_NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set

    from docalign.ingest.layout.blocks import Draft, Style

__all__ = ["Look", "is_label", "is_part", "look_of", "number_depth", "set_levels"]

_DEEPEST: Final = 6
_PART: Final = re.compile(
    r"(?:(?:chapter|part|appendix|article|section|annex|schedule|title)\s+|§+\s*)"
    r"(\d+(?:\.\d+)*|[A-Z](?:\.\d+)+|[ivxlc]+|[A-Z])\b",
    re.I,
)
_LABEL: Final = re.compile(
    r"(?:(?:chapter|part|appendix|article|section|annex|schedule|title)\s*(?:\d+|[ivxlc]+|[a-z])?[.:]?"
    r"|\d{1,2}\.?|[ivxlc]{1,6}\.?"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twenty|thirty)(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?)",
    re.I,
)
_TITLE_PAGE_CHARS: Final = 400
_TITLE_PLACE: Final = 2
"""At most one heading (the kind of the article) stands above a title."""
_FEW: Final = 3
_LABEL_WORDS: Final = 3
"""A section number is among the first words: `Strategic Objective 2.1`."""
_ACRONYM: Final = 5
"""Fewer letters in capitals are an acronym, not a way to set headings."""
_OCR_STEP: Final = 0.15
_STEP: Final = 0.05
_SAME_SIZE: Final = 0.01


class Look(NamedTuple):
    """How a heading is set; `size` in steps of the body's size."""

    size: float
    bold: bool
    capitals: bool
    italic: bool
    tinted: bool

    @property
    def prominence(self) -> tuple[float, bool, bool, bool, bool]:
        """Sorts the most prominent look first."""
        return (-self.size, not self.bold, not self.capitals, not self.tinted, self.italic)


def look_of(draft: Draft, style: Style) -> Look:
    """The look of most of a heading's letters: a word in fixed pitch makes no other look, nor does a bold number."""
    step = _OCR_STEP if draft.rows[0].ocr else _STEP
    words = [word for row in draft.rows for word in row.words]
    number = next((n for n, word in enumerate(words[:_LABEL_WORDS], 1) if word.text[:1].isdigit()), 0)
    letters = bold = italic = tinted = 0
    for word in words[number:] or words:
        count = sum(map(str.isalpha, word.text))
        letters += count
        bold += count * word.bold
        italic += count * word.italic
        tinted += count * word.tinted
    text = draft.text
    return Look(
        size=round(round(draft.size / style.body / step) * step, 2),
        bold=style.bold_tells and 2 * bold > letters,
        capitals=text.upper() == text and sum(map(str.isalpha, text)) >= _ACRONYM,
        italic=2 * italic > letters,
        tinted=style.tint_tells and 2 * tinted > letters,
    )


def number_depth(text: str) -> int | None:
    """Depth of the section number a text starts with: `2` is 1, `2.1` is 2, `Chapter 2` is 1, `Section 2.1` is 2."""
    part = _PART.match(text)
    if part:
        return 1 + part[1].count(".")
    match = SECTION_NUMBER.match(text)
    return len(match.group().strip(".").split(".")) if match else None


def is_part(text: str) -> bool:
    """Begins like `Chapter 3`, `Appendix B`, `Article IV` or `Section 2`."""
    return bool(_PART.match(text))


def is_label(text: str) -> bool:
    """A number without a title, as in `Chapter 3` above the title of the chapter."""
    return bool(_LABEL.fullmatch(text.strip()))


def set_levels(headings: Sequence[Draft], drafts: Sequence[Draft], style: Style) -> None:
    """Give each of the headings (some of `drafts`, in order) its level."""
    looks = _looks(headings, style)
    labels = {id(a) for a, b in _neighbours(drafts) if is_label(a.text)}
    counted = [d for d in headings if id(d) not in labels]
    title = _title(counted, looks, drafts)
    front = _front(counted, looks, title)
    base = 2 if title is not None else 1
    offset: int | None = None
    levels: dict[int, int] = {id(d): 1 for d in counted if looks[id(d)] == title or looks[id(d)] in front}
    above: list[Look] = []
    for look in _in_order({looks[id(d)] for d in counted} - front - {title}, counted, looks):
        mine = [d for d in counted if looks[id(d)] == look]
        usual = _below(mine, counted, looks, levels, above) or base
        depths = [depth for d in mine if (depth := number_depth(d.text)) is not None]
        if 2 * len(depths) >= len(mine) and (len(depths) >= 2 or offset is not None):
            if offset is None:
                offset = max(base - 1, usual - median_low(depths)) if _spread(mine, counted) else usual - min(depths)
            _number(mine, levels, offset, usual)
        else:
            _number_some(mine, levels, offset, usual)
        above.append(look)
    _sink(counted, looks, above, levels)
    for draft in counted:
        draft.level = max(1, min(_DEEPEST, levels[id(draft)]))
    for a, b in reversed(list(_neighbours(drafts))):
        if id(a) in labels:
            a.level = b.level
    _follow_told(headings, looks, title)


def _in_order(some: Set[Look], headings: Sequence[Draft], looks: Mapping[int, Look]) -> list[Look]:
    """The looks, most prominent first. Of two in one size, the one with which the sections that hold both begin is
    above, if it comes again after the other: a section begins with its larger parts, but a subtitle comes only once."""
    order = sorted(some, key=lambda k: k.prominence)
    for index in range(1, len(order)):
        place = index
        while place and _comes_first(order[place], order[place - 1], headings, looks):
            order[place - 1 : place + 1] = [order[place], order[place - 1]]
            place -= 1
    return order


def _comes_first(a: Look, b: Look, headings: Sequence[Draft], looks: Mapping[int, Look]) -> bool:
    """Whether `a`, by its look below `b`, is above it by where both stand."""
    if abs(a.size - b.size) > _SAME_SIZE:
        return False
    votes: Counter[Look] = Counter()
    again = 0
    seen: list[Look] = []
    for draft in headings:
        look = looks[id(draft)]
        if look in (a, b):
            if not seen or seen[-1] != look:
                seen.append(look)
                votes[seen[0]] += len(seen) == 2
                again += len(seen) == 3
        elif look.size > a.size + _SAME_SIZE or look.prominence < b.prominence:
            seen = []
    clear = votes[a] >= 3 and not votes[b]
    return votes[a] >= max(2, 3 * votes[b]) and again >= (1 if clear else 2)


def _looks(headings: Sequence[Draft], style: Style) -> dict[int, Look]:
    """Look by draft (id). Capitals make a look of their own only where they are a habit."""
    looks = {id(d): look_of(d, style) for d in headings}
    count = Counter(looks.values())
    for key, look in looks.items():
        mixed = look._replace(capitals=False)
        if look.capitals and count[look] < max(_FEW, 0.1 * count[mixed]) and count[mixed]:
            looks[key] = mixed
    return looks


def _neighbours(drafts: Sequence[Draft]) -> Iterator[tuple[Draft, Draft]]:
    """Headings with the heading that follows at once."""
    for a, b in pairwise(drafts):
        if a.kind == b.kind == "heading" and b.rows[0].page - a.rows[-1].page in (0, 1):
            yield a, b


def _title(headings: Sequence[Draft], looks: Mapping[int, Look], drafts: Sequence[Draft]) -> Look | None:
    """The look of a title that stands above text on the first page and nowhere else."""
    if not headings:
        return None
    first = min(d.rows[0].page for d in headings)
    look = max((looks[id(d)] for d in headings), key=lambda k: k.size)
    bearers = [d for d in headings if looks[id(d)] == look]
    text = sum(len(d.text) for d in drafts if d.kind == "paragraph" and d.rows and d.rows[0].page == first)
    alone = len(bearers) <= 2 and all(d.rows[0].page == first for d in bearers) and len(bearers) < len(headings)
    alone = alone and any(looks[id(d)] == look for d in headings[:_TITLE_PLACE])
    numbered = any(number_depth(d.text) is not None for d in bearers)
    return look if alone and not numbered and text > _TITLE_PAGE_CHARS else None


def _front(headings: Sequence[Draft], looks: Mapping[int, Look], title: Look | None) -> set[Look]:
    """Looks of a cover, a contents page or an organisation's name: few bearers on one page, before everything regular,
    or on a first page that has little else. They are on level 1, and nobody takes the rest for their parts."""
    pages: defaultdict[Look, set[int]] = defaultdict(set)
    start: dict[Look, int] = {}
    count = Counter(looks[id(d)] for d in headings)
    for index, draft in enumerate(headings):
        pages[looks[id(draft)]].add(draft.rows[0].page)
        start.setdefault(looks[id(draft)], index)
    if title is not None or len({p for where in pages.values() for p in where}) < 2:
        return set()
    first = headings[0].rows[0].page
    numbered = {looks[id(d)] for d in headings if number_depth(d.text) is not None}
    front: set[Look] = set()
    for look in sorted(count, key=lambda k: k.prominence):
        if look in numbered:
            continue
        regular = [start[k] for k in count if count[k] >= _FEW and k.prominence > look.prominence]
        early = count[look] < _FEW and len(pages[look]) == 1 and bool(regular) and start[look] < min(regular)
        if pages[look] == {first} or early:
            front.add(look)
    return front


def _below(
    mine: Sequence[Draft],
    headings: Sequence[Draft],
    looks: Mapping[int, Look],
    levels: Mapping[int, int],
    above: Sequence[Look],
) -> int | None:
    """One below the level of the more prominent heading that these headings mostly follow; None if they follow none.

    One heading of a rare look is no parent of many: it may be a word in a figure or a name in large letters.
    """
    wanted = set(map(id, mine))
    count = Counter(looks[id(d)] for d in headings)
    parents: dict[Look, set[int]] = defaultdict(set)
    last: dict[Look, int] = {}
    for draft in headings:
        look = looks[id(draft)]
        if look in above:
            last[look] = id(draft)
        elif id(draft) in wanted:
            for parent, key in last.items():
                parents[parent].add(key)
    able = {k for k, keys in parents.items() if len(keys) >= 2 or count[k] >= _FEW or len(mine) <= _FEW}
    votes: Counter[int] = Counter()
    nearest: int | None = None
    for draft in headings:
        if looks[id(draft)] in able:
            nearest = levels[id(draft)]
        elif id(draft) in wanted:
            votes[nearest or 0] += 1
    if not votes:
        return None
    best = max(votes, key=lambda level: (votes[level], level))
    return best + 1 if best else None


def _spread(mine: Sequence[Draft], headings: Sequence[Draft]) -> bool:
    """Numbers that go through the document are section numbers; those of one or two pages may be a list's."""
    pages = {d.rows[0].page for d in mine}
    return len(pages) > 2 or len({d.rows[0].page for d in headings}) <= 4


def _sink(headings: Sequence[Draft], looks: Mapping[int, Look], order: Sequence[Look], levels: dict[int, int]) -> None:
    """Push headings without a number below the numbered section they stand in: those in a lesser look, and those in
    the same look where the count of sections goes on behind them (`2.1`, theirs, `2.2`). Those with a number behind a
    word (`Strategy 2.1.1`) stay where their look is.

    `order` holds the looks that count, the most prominent first.
    """
    rank = {look: place for place, look in enumerate(order)}
    counted = [d for d in headings if looks[id(d)] in rank]
    current: Draft | None = None
    for index, draft in enumerate(counted):
        if number_depth(draft.text) is not None:
            current = draft
            continue
        if any(word[0].isdigit() for word in draft.text.split()[:_LABEL_WORDS]):
            continue
        lesser = rank[looks[id(draft)]] - rank[looks[id(current)]] if current is not None else -1
        if current is None or lesser < 0:
            current = None
        elif lesser or _goes_on(current, counted[index + 1 :], looks):
            levels[id(draft)] = max(levels[id(draft)], levels[id(current)] + 1)


def _goes_on(section: Draft, later: Sequence[Draft], looks: Mapping[int, Look]) -> bool:
    """Whether the next section with a number is the next one by its number, and in the same look."""
    following = next((d for d in later if number_depth(d.text) is not None), None)
    if following is None or looks[id(following)] != looks[id(section)]:
        return False
    here, there = _number_of(section.text), _number_of(following.text)
    return here is not None and there is not None and there == (*here[:-1], here[-1] + 1)


def _number_of(text: str) -> tuple[int, ...] | None:
    """`2.1 Title` as (2, 1); None where it bears no such number."""
    match = SECTION_NUMBER.match(text)
    parts = match.group().strip().strip(".").split(".") if match else []
    return tuple(map(int, parts)) if parts and all(part.isdecimal() for part in parts) else None


def _number(mine: Sequence[Draft], levels: dict[int, int], offset: int, usual: int) -> None:
    """Levels of a look that bears numbers."""
    for draft in mine:
        depth = number_depth(draft.text)
        levels[id(draft)] = usual if depth is None else max(1, depth + offset)


def _number_some(mine: Sequence[Draft], levels: dict[int, int], offset: int | None, usual: int) -> None:
    """Levels of a look of which few bear numbers: those with a dot are section numbers, others may be a list's."""
    depths = {id(d): number_depth(d.text) or 0 for d in mine if SECTION_NUMBER.match(d.text)}
    shallowest = min(depths.values(), default=1)
    for draft in mine:
        depth = depths.get(id(draft), 0)
        if depth > 1:
            levels[id(draft)] = max(1, depth + (usual - shallowest if offset is None else offset))
        else:
            levels[id(draft)] = usual


def _follow_told(headings: Sequence[Draft], looks: Mapping[int, Look], title: Look | None) -> None:
    """Levels that the file itself gives hold; headings without one take that of their likes, or else keep their
    distance from the last heading that has one. A title that the outline leaves out stays above its sections."""
    titles = [d for d in headings if looks[id(d)] == title]
    if titles and all(d.told is None for d in titles):
        for draft in headings:
            draft.told = min(_DEEPEST, draft.told + 1) if draft.told is not None else None
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
        draft.level = likes.most_common(1)[0][0] if likes else max(1, min(_DEEPEST, told + level - guess))
