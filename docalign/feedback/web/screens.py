"""What a task looks like: for each candidate the pages with its chunks as tiles, and the blocks with its cuts between.

Every candidate is drawn from the same parts. Only which cuts are on, and so the numbers and colours, differs; the
script changes exactly those when a judge corrects a chunking. What comes from a document is escaped here or by the
templates. Nothing here says who made a candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import Final

from markupsafe import Markup

from docalign.counting import counter
from docalign.document import Block, Document
from docalign.feedback.values import Stretch, Task
from docalign.feedback.web.tiles import Tile, tiles_on
from docalign.view.cards import block_html
from docalign.view.markup import colour, esc, number
from docalign.view.orientation import page_turns
from docalign.view.sheet import Sheet

__all__ = ["BlockShown", "Panel", "Screen", "SheetShown", "screen_of"]

_TITLE_CHARS: Final = 60
_BADGE_HIGH_PT: Final = 19.0
_BADGE_DIGIT_PT: Final = 8.5

Picture = Callable[[int], str | None]
"""Page number → address of its picture, or None."""


@dataclass(frozen=True, slots=True)
class BlockShown:
    """A block of the text, in chunk number `chunk` (from 1). `cut`: a chunk starts here; `differs`: and not in all
    candidates, or in others only."""

    id: int
    html: Markup
    title: str
    tokens: int
    cut: bool
    differs: bool
    chunk: int
    colour: str
    chunk_tokens: int


@dataclass(frozen=True, slots=True)
class SheetShown:
    """A page: its picture, its size in points, and the candidate's tiles as SVG."""

    number: int
    width: str
    height: str
    picture: str | None
    ocr: bool
    tiles: Markup


@dataclass(frozen=True, slots=True)
class Panel:
    """A candidate. `position` counts from 0 in the order shown."""

    position: int
    starts: tuple[int, ...]
    chunks: int
    sizes: str
    sheets: tuple[SheetShown, ...]
    blocks: tuple[BlockShown, ...]


@dataclass(frozen=True, slots=True)
class Screen:
    """A task as it is shown."""

    task: Task
    title: str
    place: str
    paged: bool
    target_tokens: int | None
    max_tokens: int | None
    panels: tuple[Panel, ...]

    @property
    def pictures(self) -> list[str]:
        return [s.picture for s in self.panels[0].sheets if s.picture] if self.panels else []


def screen_of(task: Task, document: Document, picture: Picture) -> Screen:
    """The screen of a task, whose stretch is `document`."""
    count = counter(task.stretch.counter)
    tokens = [max(1, count(document.block_text(b))) for b in document.blocks]
    turns = page_turns(document)
    sheets = [Sheet(page, turns.get(page.number, 0), None) for page in document.pages]
    tiles = [tiles_on(sheet, document.blocks) for sheet in sheets]
    shown = [(sheet, on) for sheet, on in zip(sheets, tiles, strict=True) if on]
    texts = [Markup(block_html(b.kind, document.block_text(b))) for b in document.blocks]  # noqa: S704 - escaped there
    everybody = [frozenset(c.starts) for c in task.candidates]
    differing = frozenset.union(*everybody) - frozenset.intersection(*everybody)
    panels = tuple(
        _panel(position, candidate.starts, document, texts, tokens, shown, picture, differing)
        for position, candidate in enumerate(task.candidates)
    )
    stretch = task.stretch
    return Screen(
        task,
        PurePath(document.source).name or document.source,
        _place(stretch, [sheet.page.number for sheet, _ in shown]),
        bool(shown),
        stretch.target_tokens,
        stretch.max_tokens,
        panels,
    )


def _panel(
    position: int,
    starts: tuple[int, ...],
    document: Document,
    texts: Sequence[Markup],
    tokens: Sequence[int],
    shown: Sequence[tuple[Sheet, Sequence[Tile]]],
    picture: Picture,
    differing: frozenset[int],
) -> Panel:
    sums = [sum(tokens[a:b]) for a, b in pairwise([*starts, len(tokens)])]
    chunk_of = [sum(s <= i for s in starts) for i in range(len(tokens))]
    blocks = tuple(
        BlockShown(
            id=block.id,
            html=texts[block.id],
            title=_title(document, block),
            tokens=tokens[block.id],
            cut=block.id in starts,
            differs=block.id in differing,
            chunk=chunk_of[block.id],
            colour=colour(chunk_of[block.id] - 1),
            chunk_tokens=sums[chunk_of[block.id] - 1],
        )
        for block in document.blocks
    )
    sheets = tuple(
        SheetShown(
            sheet.page.number,
            number(sheet.size[0]),
            number(sheet.size[1]),
            picture(sheet.page.number),
            sheet.page.ocr,
            Markup("".join(_tile(t, blocks[t.block]) for t in on)),  # noqa: S704 - numbers only
        )
        for sheet, on in shown
    )
    sizes = f"{min(sums)}" if min(sums) == max(sums) else f"{min(sums)}–{max(sums)}"
    return Panel(position, starts, len(starts), sizes, sheets, blocks)


def _tile(tile: Tile, block: BlockShown) -> str:
    """A tile, the line of the cut above it and the number of its chunk; the style sheet shows what applies."""
    x0, y0, x1, y1 = tile.box
    cut = block.cut and tile.first
    states = {"cut": cut, "opens": tile.opens, "only": cut and block.differs}
    names = " ".join(["tile", block.colour, *(name for name, on in states.items() if on)])
    first = " data-first" if tile.first else ""
    line = ""
    if tile.first and block.id > 0:
        line = f'<path class="line" d="M{number(x0)} {number(y0)}H{number(x1)}"/>'
    badge = _badge(str(block.chunk), x0, y0) if tile.first or tile.opens else ""
    return (
        f'<g class="{names}" data-block="{block.id}"{first}><rect class="area" x="{number(x0)}" y="{number(y0)}" '
        f'width="{number(x1 - x0)}" height="{number(y1 - y0)}"/>{line}{badge}</g>'
    )


def _badge(text: str, x: float, y: float) -> str:
    wide = 10.0 + _BADGE_DIGIT_PT * len(text)
    left, top = max(1.0, x - wide - 1), max(1.0, y)
    return (
        f'<g class="badge"><rect x="{number(left)}" y="{number(top)}" width="{number(wide)}" '
        f'height="{number(_BADGE_HIGH_PT)}" rx="4"/><text x="{number(left + wide / 2)}" '
        f'y="{number(top + 14.2)}">{esc(text)}</text></g>'
    )


def _title(document: Document, block: Block) -> str:
    words = " ".join(document.block_text(block).split())
    return _printable(words if len(words) <= _TITLE_CHARS else f"{words[:_TITLE_CHARS]}…")


def _printable(text: str) -> str:
    """`text` without characters that HTML cannot carry; the template escapes the rest."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _place(stretch: Stretch, pages: Sequence[int]) -> str:
    if pages:
        return f"page {pages[0]}" if len(pages) == 1 else f"pages {pages[0]}–{pages[-1]}"
    return f"blocks {stretch.first_block + 1}–{stretch.after_block}"
