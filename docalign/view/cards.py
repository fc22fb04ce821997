"""The right side of the HTML view: the text of every chunk with its number, headings and figures.

Documents without pages show the same cards as one running text with the cuts drawn in. A chunk's text is cut into its
blocks only to style them; no character is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docalign.chunk import Chunk
from docalign.document import Document, Kind
from docalign.view.markup import colour, esc, number, pages_label, share
from docalign.view.tables import table_html

__all__ = ["block_html", "cards_html"]


def cards_html(document: Document, chunks: Sequence[Chunk], *, cuts: bool) -> str:
    """One `<article>` for each chunk; with `cuts`, a line between neighbours that says how probable the cut is."""
    parts = []
    for chunk in chunks:
        if cuts and chunk.index > 0:
            parts.append(_cut(chunk))
        parts.append(_card(document, chunk))
    return "".join(parts)


def _card(document: Document, chunk: Chunk) -> str:
    path = "".join(f"<li>{esc(h)}</li>" for h in chunk.headings)
    label = f"Chunk {chunk.index + 1}, {chunk.tokens} tokens"
    return (
        f'<article class="card {colour(chunk.index)}" id="chunk{chunk.index + 1}" data-item="{chunk.index + 1}" '
        f'tabindex="0" aria-label="{label}"><header><span class="number">{chunk.index + 1}</span>'
        f'<ol class="path">{path}</ol></header><div class="text">{"".join(_blocks(document, chunk))}</div>'
        f"<footer>{_facts(chunk)}</footer></article>\n"
    )


def _facts(chunk: Chunk) -> str:
    """Tokens, pages, boundary and confidence, each with what it means as its title."""
    facts = [f'<span title="Tokens, counted by the chosen tokenizer"><b>{chunk.tokens}</b> tokens</span>']
    if chunk.pages:
        facts.append(f"<span>{pages_label(chunk.pages)}</span>")
    if chunk.index == 0:
        facts.append("<span>start of the document</span>")
    else:
        facts.append(
            f'<span title="Probability that a chunk starts here">{_bar(chunk.boundary)} boundary '
            f"<b>{chunk.boundary:.2f}</b></span>"
        )
    if chunk.confidence is not None:
        facts.append(f'<span title="Mean confidence of the OCR words">OCR <b>{share(chunk.confidence)}</b></span>')
    return "".join(facts)


def _bar(value: float) -> str:
    full = min(max(value, 0.0), 1.0) * 36
    return (
        '<svg class="meter" viewBox="0 0 36 6" width="36" height="6" aria-hidden="true"><rect width="36" height="6" '
        f'rx="3"/><rect class="full" width="{number(full)}" height="6" rx="3"/></svg>'
    )


def _cut(chunk: Chunk) -> str:
    return (
        f'<div class="cut {colour(chunk.index)}" role="separator" aria-label="Cut before chunk {chunk.index + 1}">'
        f"<span>cut · {chunk.boundary:.2f}</span></div>\n"
    )


def _blocks(document: Document, chunk: Chunk) -> Iterator[str]:
    """The chunk's text, piece by piece: each block's part of it in an element of its kind."""
    position = chunk.start
    for block_id in chunk.blocks:
        block = document.blocks[block_id]
        start, end = max(block.start, position), min(block.end, chunk.end)
        if start >= end:
            continue
        yield _gap(document.text[position:start])
        yield block_html(block.kind, document.text[start:end])
        position = end
    yield _gap(document.text[position : chunk.end])


def block_html(kind: Kind, text: str) -> str:
    """The text of a block, or a part of it, in an element of its kind."""
    return table_html(text) if kind == "table" else f'<div class="{kind}">{esc(text)}</div>'


def _gap(text: str) -> str:
    """The white space between blocks, which the style sheet turns into distance; anything else is shown as it is."""
    wide = " wide" if text.count("\n") > 1 else ""
    return f'<span class="gap{wide}">{text}</span>' if text.isspace() else esc(text)
