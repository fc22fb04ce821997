"""Markdown: the file's own characters as the text, and blocks from CommonMark's structure with GitHub's tables.

`text` is the raw Markdown, marks included, so that spans stay exact. markdown-it-py says which lines belong to what;
inline markup is not parsed. Lines it assigns to nothing (link definitions, say) become paragraphs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from docalign.document import Block, Document, Kind
from docalign.errors import EmptyInputError
from docalign.ingest.readers.text import TextLineSpan, decode, line_spans, to_blocks

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["markdown_document", "read_markdown"]

_MAX_FRONT_LINES: Final = 1_000
_LEAVES: Final[dict[str, Kind]] = {
    "heading_open": "heading",
    "paragraph_open": "paragraph",
    "fence": "code",
    "code_block": "code",
    "table_open": "table",
    "html_block": "paragraph",
    "hr": "paragraph",
}


@dataclass(frozen=True, slots=True)
class _Leaf:
    """Lines `first`–`after` (end excluded) of one kind; `item` numbers the list item around them, `depth` deep."""

    first: int
    after: int
    kind: Kind
    level: int | None = None
    item: int = 0
    depth: int = 0


def read_markdown(data: bytes, *, source: str, sha256: str) -> Document:
    """A Markdown file as a Document.

    Raises:
        UnsupportedFormatError: binary data. EmptyInputError: nothing but white space.
    """
    text, warnings = decode(data)
    return markdown_document(text, source=source, sha256=sha256, warnings=warnings)


def markdown_document(text: str, *, source: str, sha256: str, warnings: tuple[str, ...] = ()) -> Document:
    """Markdown that is decoded already, character by character, as a Document.

    Raises:
        EmptyInputError: nothing but white space.
    """
    if not text or text.isspace():
        raise EmptyInputError("the text is empty: it has no visible character.", remedy="Check how it was made.")
    leaves = _cover(list(_leaves(text)), text)
    lines = line_spans(text)
    spans = [(lines[leaf.first].start, lines[leaf.after - 1].end, leaf.kind) for leaf in leaves]
    blocks = to_blocks(text, spans, [leaf.level for leaf in leaves])
    blocks = tuple(_with_structure(blocks, leaves, text))
    return Document(source=source, sha256=sha256, text=text, blocks=blocks, warnings=warnings).check()


def _with_structure(blocks: Sequence[Block], leaves: Sequence[_Leaf], text: str) -> Iterator[Block]:
    """The blocks with the rows of tables and the depth of list items."""
    lines = line_spans(text)
    starts = [lines[leaf.first].start for leaf in leaves]
    for block in blocks:
        leaf = leaves[bisect_right(starts, block.start) - 1]
        if block.kind == "table":
            rows = [(line.start, line.end) for line in lines[leaf.first : leaf.after] if not line.blank]
            if len(rows) > 1:  # the line of dashes belongs to the header above it
                rows[:2] = [(rows[0][0], rows[1][1])]
            inside = [(max(start, block.start), min(end, block.end)) for start, end in rows]
            yield replace(block, rows=tuple(inside), header_rows=1)
        elif leaf.depth:
            yield replace(block, depth=leaf.depth)
        else:
            yield block


def _leaves(text: str) -> Iterator[_Leaf]:
    """Headings, paragraphs, code, tables in order; front matter first."""
    from markdown_it import MarkdownIt

    lines = line_spans(text)
    front = _front_matter(text, lines)
    if front:
        yield _Leaf(0, front, "code")
    if front < len(lines):
        parser = MarkdownIt("commonmark").enable("table")
        parser.core.ruler.enableOnly(["normalize", "block"])
        yield from _walk(parser.parse(text[lines[front].start :]), front)


def _front_matter(text: str, lines: Sequence[TextLineSpan]) -> int:
    """How many lines a YAML header fenced by `---` takes; 0 without one."""
    if text[: lines[0].end].rstrip() != "---":
        return 0
    for number, line in enumerate(lines[1:_MAX_FRONT_LINES], start=1):
        if text[line.start : line.end].rstrip() in ("---", "..."):
            return number + 1
    return 0


def _walk(tokens: Sequence[Token], skip: int) -> Iterator[_Leaf]:
    items: list[int] = []
    count = 0
    table = 0
    for token in tokens:
        if token.type == "list_item_open":
            count += 1
            items.append(count)
        elif token.type == "list_item_close":
            items.pop()
        elif token.type == "table_close":
            table -= 1
        kind = _LEAVES.get(token.type)
        if kind is None or token.map is None or table:
            continue
        table += token.type == "table_open"
        item = items[-1] if items and kind == "paragraph" else 0
        level = int(token.tag[1]) if kind == "heading" else None
        lines = token.map[0] + skip, token.map[1] + skip
        yield _Leaf(*lines, "list_item" if item else kind, level, item, len(items) if item else 0)


def _cover(leaves: Sequence[_Leaf], text: str) -> list[_Leaf]:
    """Leaves that do not overlap and hold every line that is not blank; paragraphs of one list item are one."""
    lines = line_spans(text)
    covered: list[_Leaf] = []
    at = 0
    for leaf in leaves:
        first, after = max(leaf.first, at), min(leaf.after, len(lines))
        if first >= after:
            continue
        covered += _strays(at, first, lines)
        last = covered[-1] if covered else None
        if last and leaf.item and last.item == leaf.item:
            covered[-1] = replace(last, after=after)
        else:
            covered.append(replace(leaf, first=first, after=after))
        at = after
    return covered + list(_strays(at, len(lines), lines))


def _strays(first: int, after: int, lines: Sequence[TextLineSpan]) -> Iterator[_Leaf]:
    """Runs of lines that are not blank between `first` and `after`."""
    start: int | None = None
    for number in range(first, after):
        if lines[number].blank:
            if start is not None:
                yield _Leaf(start, number, "paragraph")
            start = None
        elif start is None:
            start = number
    if start is not None:
        yield _Leaf(start, after, "paragraph")
