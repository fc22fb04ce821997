"""The promise "nothing is lost", counted: non-space characters after NFKC, as a multiset by page."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docalign.document import Document
    from docalign.ingest.page import PageContent


def characters(text: str) -> Counter[str]:
    return Counter(c for c in unicodedata.normalize("NFKC", text) if not c.isspace())


def of_document(document: Document) -> dict[int, Counter[str]]:
    """What a document holds of each page: text, furniture, invisible and dropped."""
    held: dict[int, Counter[str]] = defaultdict(Counter)
    for block in document.blocks:
        for line in block.lines:
            held[line.page] += characters(document.text[line.start : line.end])
    for thing in (*document.furniture, *document.invisible, *document.dropped):
        held[thing.page] += characters(thing.text)
    return held


def of_page(page: PageContent) -> Counter[str]:
    """What an extractor delivered."""
    parts = [line.text for line in (*page.lines, *page.invisible)]
    parts += [cell for table in page.tables for row in table.rows for cell in row]
    parts += [text for text, _ in page.dropped]
    return sum((characters(p) for p in parts), Counter())
