"""The right side of the view of a document: its blocks in reading order, page by page, and what each page left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from docalign.document import Block, Document, Page
from docalign.view.blocks import KIND_COLOURS, tag
from docalign.view.markup import esc, share
from docalign.view.tables import table_html

__all__ = ["block_cards_html"]

_DEEPEST: Final = 6
_SHOWN_CHARS: Final = 2_000
"""What was set aside is shown up to here; a hidden text layer may be as long as the page."""


def block_cards_html(document: Document) -> str:
    """A heading for each page, an `<article>` for each block that begins there, and the page's lists of leftovers."""
    by_page: dict[int | None, list[Block]] = defaultdict(list)
    for block in document.blocks:
        by_page[block.page].append(block)
    parts = [_warnings(document.warnings)]
    parts += [_card(document, block) for block in by_page[None]]
    for page in document.pages:
        parts.append(_page_line(page))
        parts += [_card(document, block) for block in by_page[page.number]]
        parts += _leftovers(document, page.number)
    known = {p.number for p in document.pages} | {None}
    parts += [_card(document, b) for number in by_page if number not in known for b in by_page[number]]
    parts += _leftovers(document, None)
    return "".join(parts)


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    items = "".join(f"<li>{esc(w)}</li>" for w in warnings)
    return f'<ul class="warnings" aria-label="Warnings">{items}</ul>\n'


def _page_line(page: Page) -> str:
    facts = [f"<b>Page {page.number}</b>"]
    facts += [esc(fact) for fact in (page.kind, page.engine) if fact]
    if page.confidence is not None:
        facts.append(f"confidence {share(page.confidence)}")
    if page.rotation:
        facts.append(f"turned {page.rotation}°")
    return f'<h2 class="page-line">{" · ".join(facts)}</h2>\n'


def _card(document: Document, block: Block) -> str:
    number, kind = block.id + 1, block.kind.replace("_", " ")
    indent = f" in{min(block.depth - 1, _DEEPEST)}" if block.depth and block.depth > 1 else ""
    return (
        f'<article class="card {KIND_COLOURS[block.kind]}{indent}" id="block{number}" data-item="{number}" '
        f'tabindex="0" aria-label="Block {number}, {kind}"><header><span class="number">{number}</span>'
        f'<abbr title="{kind}">{tag(block)}</abbr><span class="facts">{"".join(_facts(block))}</span></header>'
        f'<div class="text">{_text(document, block)}</div></article>\n'
    )


def _text(document: Document, block: Block) -> str:
    text = document.block_text(block)
    if block.kind != "table":
        return f'<div class="{block.kind}">{esc(text)}</div>'
    rows = [document.text[start:end] for start, end in block.rows] or None
    return table_html(text, rows, block.header_rows if rows else None)


def _facts(block: Block) -> Iterator[str]:
    """What the text does not show: only where it is out of the ordinary."""
    if block.font_scale != 1.0:
        yield f"<span>type × {block.font_scale:.2f}</span>"
    if block.bold:
        yield "<span>bold</span>"
    if block.rows:
        head = f", {block.header_rows} of them header" if block.header_rows else ""
        yield f"<span>{len(block.rows)} rows{head}</span>"
    if block.caption_of is not None:
        yield f'<span>caption of <a href="#block{block.caption_of + 1}">{block.caption_of + 1}</a></span>'
    pages = sorted({r.page for r in block.boxes})
    if len(pages) > 1:
        yield f"<span>pages {', '.join(map(str, pages))}</span>"
    if block.confidence is not None:
        yield f"<span>OCR {share(block.confidence)}</span>"


def _leftovers(document: Document, page: int | None) -> Iterator[str]:
    for name, things in (("Furniture", document.furniture), ("Invisible", document.invisible)):
        yield _list(name, [thing.text for thing in things if thing.page == page])
    dropped = Counter((d.reason, d.text) for d in document.dropped if d.page == page)
    yield _list(
        "Dropped", [f"{text} ({reason}{f', {n} times' if n > 1 else ''})" for (reason, text), n in dropped.items()]
    )


def _list(name: str, texts: Sequence[str]) -> str:
    if not texts:
        return ""
    shown, room = [], _SHOWN_CHARS
    for text in texts:
        if room <= 0:
            break
        shown.append(f"<li>{esc(text[:room])}{'…' if len(text) > room else ''}</li>")
        room -= len(text)
    more = f"<li>… and {len(texts) - len(shown)} more</li>" if len(shown) < len(texts) else ""
    return (
        f'<details class="left-out" open><summary>{name} ({len(texts)})</summary>'
        f"<ul>{''.join(shown)}{more}</ul></details>\n"
    )
