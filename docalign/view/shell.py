"""The frame both HTML views share: one file, nothing fetched, nothing executed but the script that belongs to it.

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

from docalign.document import Document
from docalign.view.markup import esc

__all__ = ["hashes", "name_of", "page_sums", "shell", "switch"]


def shell(
    *, title: str, word: str, paged: bool, bar: str, pages: str, cards: str, cards_label: str, styles: Sequence[str]
) -> str:
    """The whole page. Everything but `title` is markup already.

    Args:
        word: what an item is called in addresses (`#chunk3`).
        bar: what stands in the bar at the top.
        pages: figures of the pages; nothing for documents without.
        styles: names of the style sheets.
    """
    style, script = "\n".join(_asset(name) for name in styles), _asset("view.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    section = (
        f'<section class="pages" id="pages" tabindex="0" aria-label="Pages">\n{pages}</section>\n' if paged else ""
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{esc(title)}</title>\n<style>{style}</style>\n</head>\n"
        f'<body class="{"paged" if paged else "flow"} {word}s" data-word="{word}">\n'
        f'<header class="bar">{bar}</header>\n<main>\n{section}'
        f'<section class="cards" id="cards" aria-label="{cards_label}">\n{cards}</section>\n</main>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def hashes(styles: Sequence[str]) -> tuple[str, str]:
    """Of the style and the script, as a policy names them: for a page that shows this one in a frame."""
    return _hash("\n".join(_asset(name) for name in styles)), _hash(_asset("view.js"))


def name_of(document: Document) -> str:
    """What the document is called at the top of the page."""
    return PurePath(document.source).name or document.source


def page_sums(document: Document) -> list[str]:
    """How many pages there are, and how many of them were read by OCR."""
    if not document.pages:
        return []
    sums = [f"<b>{len(document.pages)}</b> page{'s' if len(document.pages) != 1 else ''}"]
    read = sum(p.ocr for p in document.pages)
    return [*sums, f"<b>{read}</b> read by OCR"] if read else sums


def switch(name: str, label: str) -> str:
    """A checkbox that hides a layer of the pages; the script knows it by its id."""
    return f'<label><input type="checkbox" id="show-{name}" checked> {label}</label>'


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


@cache
def _asset(name: str) -> str:
    return (files("docalign.view") / "assets" / name).read_text(encoding="utf-8").strip()
