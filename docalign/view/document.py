"""The view of a document: its blocks, their kinds and their reading order over the pictures of the pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from docalign.document import Document
from docalign.view.block_cards import block_cards_html
from docalign.view.blocks import KIND_COLOURS, block_pages_html
from docalign.view.markup import esc
from docalign.view.shell import name_of, page_sums, shell, switch
from docalign.wording import counted, s_of

__all__ = ["document_page"]


def document_page(document: Document, page_images: Sequence[bytes | None] | None = None) -> str:
    """The page that shows how a document was read.

    Args:
        page_images: PNG, JPEG or WebP pictures of the pages, upright, in page order; None where there is none.
            `page_images(source, document)` draws them. Without pictures the blocks stand on empty sheets; documents
            without pages show their blocks alone.
    """
    name, paged = name_of(document), bool(document.pages)
    return shell(
        title=f"{name} · {counted(len(document.blocks), 'block')}",
        word="block",
        paged=paged,
        bar=f'<div class="what"><h1>{esc(name)}</h1><p class="sums">{_sums(document)}</p></div>'
        f"{_switches(document) if paged else ''}{_legend(document)}",
        pages=block_pages_html(document, page_images or ()) if paged else "",
        cards=block_cards_html(document) or '<p class="empty">This document has no text.</p>',
        cards_label="Blocks",
        styles=("palette.css", "view.css", "document.css"),
    )


def _sums(document: Document) -> str:
    pages, *read = page_sums(document) or [""]
    characters = sum(not c.isspace() for c in document.text)
    sums = [
        *filter(None, [pages]),
        f"<b>{len(document.blocks):,}</b> block{s_of(len(document.blocks))}",
        f"<b>{characters:,}</b> characters",
    ]
    return "".join(f"<span>{s}</span>" for s in [*sums, *read])


def _switches(document: Document) -> str:
    aside = switch("aside", "set aside") if document.furniture or document.invisible else ""
    return (
        f'<div class="switches">{switch("regions", "blocks")}{switch("order", "order")}{aside}'
        '<span class="keys"><kbd>j</kbd> <kbd>k</kbd> next, previous</span></div>'
    )


def _legend(document: Document) -> str:
    counts = Counter[str](block.kind for block in document.blocks)
    items = "".join(
        f'<li class="{colour}"><i></i>{kind.replace("_", " ")} <b>{counts[kind]:,}</b></li>'
        for kind, colour in KIND_COLOURS.items()
        if counts[kind]
    )
    return f'<ul class="legend" aria-label="Kinds of blocks">{items}</ul>' if items else ""
