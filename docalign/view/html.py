"""Assemble the HTML view: one file, nothing fetched, nothing executed but the script that belongs to it.

The page carries a content security policy that allows its own style and script by hash and images from data: URIs,
and nothing else. So even a document that slipped markup past the escaping could run nothing and call nobody.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from statistics import median

from docalign.chunk import Chunk
from docalign.document import Document
from docalign.view.cards import cards_html
from docalign.view.markup import colour, esc
from docalign.view.pages import pages_html

__all__ = ["html_page"]


def html_page(document: Document, chunks: Sequence[Chunk], page_images: Sequence[bytes | None] | None = None) -> str:
    """The page that shows `chunks` on the pages of `document` and their texts beside them.

    Args:
        chunks: in order, as made from this document.
        page_images: PNG, JPEG or WebP pictures of the pages, upright, in page order; None where there is none.
            `page_images(source, document)` draws them. Without pictures the regions stand on empty sheets;
            documents without pages show their text with the cuts drawn in.
    """
    style, script = _asset("view.css"), _asset("view.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    name = esc(PurePath(document.source).name or document.source)
    paged = bool(document.pages)
    cards = cards_html(document, chunks, cuts=not paged) or '<p class="empty">This document has no text.</p>'
    pages = (
        f'<section class="pages" id="pages" tabindex="0" aria-label="Pages">\n'
        f"{pages_html(document, chunks, page_images or ())}</section>\n"
        if paged
        else ""
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{name} · {len(chunks)} chunks</title>\n<style>{style}</style>\n</head>\n"
        f'<body class="{"paged" if paged else "flow"}">\n<header class="bar"><div class="what"><h1>{name}</h1>'
        f'<p class="sums">{_sums(document, chunks)}</p></div>{_switches(document) if paged else ""}'
        f"{_ribbon(chunks)}</header>\n<main>\n{pages}"
        f'<section class="cards" id="cards" aria-label="Chunks">\n{cards}</section>\n</main>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _sums(document: Document, chunks: Sequence[Chunk]) -> str:
    """What one wants to know at a glance, in one line."""
    sums = [f"<b>{len(chunks)}</b> chunks"]
    if document.pages:
        sums.insert(0, f"<b>{len(document.pages)}</b> page{'s' if len(document.pages) != 1 else ''}")
    if chunks:
        tokens = [c.tokens for c in chunks]
        sums.append(f"<b>{sum(tokens):,}</b> tokens")
        sums.append(f"median <b>{median(tokens):.0f}</b>, longest <b>{max(tokens)}</b>")
    read = sum(p.ocr for p in document.pages)
    if read:
        sums.append(f"<b>{read}</b> read by OCR")
    return "".join(f"<span>{s}</span>" for s in sums)


def _switches(document: Document) -> str:
    aside = '<label><input type="checkbox" id="show-aside" checked> set aside</label>' if document.furniture else ""
    return (
        '<div class="switches"><label><input type="checkbox" id="show-regions" checked> regions</label>'
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
            f'<a class="{colour(chunk.index)}" href="#chunk{chunk.index + 1}" data-chunk="{chunk.index + 1}" '
            f'tabindex="-1"><title>Chunk {chunk.index + 1}: {chunk.tokens} tokens</title>'
            f'<rect x="{x:.2f}" width="{wide - min(0.8, wide / 5):.2f}" height="8"/></a>'
        )
        x += wide
    return (
        '<svg class="ribbon" viewBox="0 0 1000 8" preserveAspectRatio="none" role="group" '
        f'aria-label="Lengths of the chunks">{"".join(parts)}</svg>'
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


@cache
def _asset(name: str) -> str:
    return (files("docalign.view") / "assets" / name).read_text(encoding="utf-8").strip()
