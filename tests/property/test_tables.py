"""Tables that must be split: rows stay whole while a row fits the limit, and later parts know the header."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from docalign.chunker.atoms import atoms_of
from docalign.chunker.embed import embed_text
from docalign.chunker.options import ChunkOptions
from docalign.chunker.segment import Segment
from docalign.document import Block, Document

rows = st.lists(st.lists(st.text("abc 1", max_size=20), min_size=1, max_size=4), min_size=1, max_size=12)


def count(text: str) -> int:
    return len(text.split())


@st.composite
def tables(draw: st.DrawFn) -> tuple[Document, Block]:
    """A table, perhaps under a heading and before a paragraph; cells may hold line breaks."""
    lines = [" | ".join(["x", *cells]).strip() for cells in draw(rows)]
    text = heading = draw(st.sampled_from(["", "Heading of the table\n\n"]))
    spans = []
    for line in lines:
        line = draw(st.sampled_from([line, line.replace(" ", "\n", 1)]))
        spans.append((len(text), len(text) + len(line)))
        text += line + "\n"
    blocks = [Block(0, 0, len(heading.rstrip()), "heading", level=1)] if heading else []
    header = draw(st.integers(0, min(2, len(spans))))
    table = Block(len(blocks), spans[0][0], spans[-1][1], "table", rows=tuple(spans), header_rows=header)
    blocks.append(table)
    if draw(st.booleans()):
        blocks.append(Block(len(blocks), len(text) + 1, len(text) + 5, "paragraph"))
        text += "\nlast"
    return Document("t", "", text, tuple(blocks)).check(), table


@settings(max_examples=150, deadline=None)
@given(tables(), st.integers(3, 40))
def test_a_row_is_never_cut_while_it_fits(made: tuple[Document, Block], limit: int) -> None:
    document, table = made
    starts = [atom.start for atom in atoms_of(document, count, limit)]
    edges = [*(start for start, _ in table.rows), table.end]
    for number, (start, after) in enumerate(pairwise(edges)):
        # The first row shares the limit with the heading above it.
        above = 0 if number == 0 else start
        if count(document.text[above:after]) <= limit:
            assert not [at for at in starts if start < at < after]


@settings(max_examples=150, deadline=None)
@given(tables(), st.integers(3, 40), st.integers(0, 6))
def test_later_parts_of_a_table_begin_with_its_header(made: tuple[Document, Block], limit: int, overlap: int) -> None:
    document, table = made
    options = ChunkOptions(max_tokens=limit, target_tokens=2, embed_text=True, overlap=min(overlap, limit - 1))
    header = document.text[table.rows[0][0] : table.rows[max(table.header_rows, 1) - 1][1]]
    for atom in atoms_of(document, count, limit):
        text = document.text[atom.start : atom.end]
        part = Segment(atom.start, atom.end, atom.tokens, 1.0, () if atom.block is None else (atom.block,))
        made_text = embed_text(document, part, (), options, count)
        assert made_text.endswith(text)
        assert count(made_text) <= limit
        body = table.header_rows and atom.block == table.id and atom.start >= table.rows[table.header_rows - 1][1]
        if body and table.header_rows < len(table.rows) and count(header + "\n" + text) <= limit:
            assert made_text.startswith(header + "\n")
        elif not body and not overlap:
            assert made_text == text
