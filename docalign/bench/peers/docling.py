"""docling-core's HybridChunker, on a DoclingDocument made of our blocks.

docling-core asks for older versions of libraries that docalign pins, but works with the newer ones. So `make bench`
puts it into a folder of its own (`.venv/peers`, or what `DOCALIGN_BENCH_PEERS` names), which is looked into here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from docalign.bench.ask import Ask, Cut, Piece, Setup
from docalign.bench.place import Ink
from docalign.document import Block, Document

__all__ = ["hybrid"]

_FOLDER: Final = "DOCALIGN_BENCH_PEERS"


def hybrid(_: Setup) -> Cut:
    folder = os.environ.get(_FOLDER) or str(Path(sys.prefix) / "peers")
    if Path(folder).is_dir() and folder not in sys.path:
        sys.path.append(folder)
    from docling_core.transforms.chunker.hybrid_chunker import HybridChunker
    from docling_core.transforms.chunker.tokenizer.base import BaseTokenizer

    class Counting(BaseTokenizer):  # type: ignore[misc]
        count: Any
        limit: int

        def count_tokens(self, text: str) -> int:
            return int(self.count(text))

        def get_max_tokens(self) -> int:
            return self.limit

        def get_tokenizer(self) -> Any:
            return self.count

    def cut(ask: Ask) -> Sequence[Piece]:
        made, origin = _docling(ask.document)
        chunker = HybridChunker(tokenizer=Counting(count=ask.count, limit=ask.size))
        seen: dict[int, int] = {}
        return [_piece(chunker, chunk, ask.document, origin, seen) for chunk in chunker.chunk(made)]

    return cut


def _piece(chunker: Any, chunk: Any, document: Document, origin: dict[str, Block], seen: dict[int, int]) -> Piece:
    """The text docling embeds (headings before it), at the blocks it was made of.

    A block cut into several chunks is searched for each part, from where the part before ended (`seen`, by block).
    """
    blocks = [origin[item.self_ref] for item in chunk.meta.doc_items if item.self_ref in origin]
    whole = chunker.contextualize(chunk)
    if not blocks:
        return Piece(whole)
    first, last = min(b.start for b in blocks), max(b.end for b in blocks)
    begin = seen.get(first, first)
    part = Ink(document.text[begin:last])
    found = part.find("".join(chunk.text.split()), 0)
    if (found and found[1] < len(part.text)) or begin > first:
        begin, last = tuple(begin + o for o in part.span(*found)) if found else (begin, last)
        seen[first] = last
    told = " ".join(whole.split())
    return Piece(whole, span=(_headings_before(document, begin, told), last))


def _headings_before(document: Document, first: int, told: str) -> int:
    """Headings just before the chunk that docling puts before its text are not lost."""
    at = next((b.id for b in document.blocks if b.start == first), None)
    if at is None:
        return first
    while at > 0 and document.blocks[at - 1].kind == "heading":
        if " ".join(document.block_text(document.blocks[at - 1]).split()) not in told:
            break
        at -= 1
    return document.blocks[at].start


def _docling(document: Document) -> tuple[Any, dict[str, Block]]:
    from docling_core.types.doc.document import DoclingDocument, TableCell, TableData
    from docling_core.types.doc.labels import DocItemLabel

    made = DoclingDocument(name=document.source)
    origin: dict[str, Block] = {}
    group: Any = None
    for block in document.blocks:
        text = document.block_text(block)
        if block.kind == "list_item":
            group = group or made.add_list_group()
            item = made.add_list_item(text, parent=group)
        elif block.kind == "heading":
            item = made.add_heading(text, level=block.level or 1)
        elif block.kind == "table":
            rows = [line.split(" | ") for line in text.split("\n")]
            cells = [
                TableCell(
                    text=cell, start_row_offset_idx=r, end_row_offset_idx=r + 1, start_col_offset_idx=c,
                    end_col_offset_idx=c + 1, column_header=r == 0 and len(rows) > 1,
                )
                for r, row in enumerate(rows) for c, cell in enumerate(row)
            ]  # fmt: skip
            item = made.add_table(TableData(table_cells=cells, num_rows=len(rows), num_cols=max(map(len, rows))))
        elif block.kind == "code":
            item = made.add_code(text)
        else:
            label = DocItemLabel.CAPTION if block.kind == "caption" else DocItemLabel.TEXT
            item = made.add_text(label=label, text=text)
        group = group if block.kind == "list_item" else None
        origin[item.self_ref] = block
    return made, origin
