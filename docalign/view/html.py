"""The view of chunks: the pages with the regions of the chunks on them, the texts of the chunks beside."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from docalign.chunk import Chunk
from docalign.document import Document
from docalign.view.cards import cards_html
from docalign.view.markup import colour, esc
from docalign.view.pages import pages_html
from docalign.view.shell import name_of, page_sums, shell, switch
from docalign.wording import counted, s_of

__all__ = ["STYLES", "html_page"]

STYLES: Final = ("palette.css", "view.css")
"""Style sheets of the page: whoever shows it in a frame must allow them by hash (`shell.hashes`)."""


def html_page(document: Document, chunks: Sequence[Chunk], page_images: Sequence[bytes | None] | None = None) -> str:
    """The page that shows `chunks` on the pages of `document` and their texts beside them.

    Args:
        chunks: in order, as made from this document.
        page_images: PNG, JPEG or WebP pictures of the pages, upright, in page order; None where there is none.
            `page_images(source, document)` draws them. Without pictures the regions stand on empty sheets;
            documents without pages show their text with the cuts drawn in.
    """
    name, paged = name_of(document), bool(document.pages)
    return shell(
        title=f"{name} · {counted(len(chunks), 'chunk')}",
        word="chunk",
        paged=paged,
        bar=f'<div class="what"><h1>{esc(name)}</h1><p class="sums">{_sums(document, chunks)}</p></div>'
        f"{_switches(document) if paged else ''}{_ribbon(chunks)}",
        pages=pages_html(document, chunks, page_images or ()) if paged else "",
        cards=cards_html(document, chunks, cuts=not paged) or '<p class="empty">This document has no text.</p>',
        cards_label="Chunks",
        styles=STYLES,
    )


def _sums(document: Document, chunks: Sequence[Chunk]) -> str:
    """What one wants to know at a glance, in one line."""
    pages, *read = page_sums(document) or [""]
    sums = [*filter(None, [pages]), f"<b>{len(chunks)}</b> chunk{s_of(len(chunks))}"]
    if chunks:
        tokens = [c.tokens for c in chunks]
        sums.append(f"<b>{sum(tokens):,}</b> tokens")
        sums.append(f"median <b>{median(tokens):.0f}</b>, longest <b>{max(tokens)}</b>")
    return "".join(f"<span>{s}</span>" for s in [*sums, *read])


def _switches(document: Document) -> str:
    aside = switch("aside", "set aside") if document.furniture else ""
    return (
        f'<div class="switches">{switch("regions", "regions")}'
        f'{aside}<span class="keys"><kbd>j</kbd> <kbd>k</kbd> next, previous</span></div>'
    )


def _ribbon(chunks: Sequence[Chunk]) -> str:
    """All chunks side by side, each as wide as its share of the tokens."""
    total = sum(c.tokens for c in chunks)
    if not total:
        return ""
    parts, x = [], 0.0
    for chunk in chunks:
        wide = chunk.tokens / total * 1000
        parts.append(
            f'<a class="{colour(chunk.index)}" href="#chunk{chunk.index + 1}" data-item="{chunk.index + 1}" '
            f'tabindex="-1"><title>Chunk {chunk.index + 1}: {chunk.tokens} tokens</title>'
            f'<rect x="{x:.2f}" width="{wide - min(0.8, wide / 5):.2f}" height="8"/></a>'
        )
        x += wide
    return (
        '<svg class="ribbon" viewBox="0 0 1000 8" preserveAspectRatio="none" role="group" '
        f'aria-label="Lengths of the chunks">{"".join(parts)}</svg>'
    )
