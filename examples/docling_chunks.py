"""docling's documents, chunked: python examples/docling_chunks.py [DOCLING.json]

docling-core asks for an older typer than docalign does, and runs with the newer one: install it with --no-deps, and
what it names as missing.
"""

from __future__ import annotations

import sys

from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel

from docalign.integrations.docling import DocalignChunker


def example() -> DoclingDocument:
    made = DoclingDocument(name="tides")
    for heading, text in (("Tides", "The moon pulls."), ("Winds", "The sun heats."), ("Storms", "Warm air rises.")):
        made.add_heading(heading, level=1)
        made.add_text(label=DocItemLabel.TEXT, text=text)
    return made


def main(file: str | None = None) -> None:
    made = DoclingDocument.load_from_json(file) if file else example()
    chunker = DocalignChunker(max_tokens=40)
    text = chunker.document(made).text
    for chunk in chunker.chunk(made):
        assert text[chunk.meta.start : chunk.meta.end] == chunk.text
        print(chunk.meta.headings, [item.self_ref for item in chunk.meta.doc_items], repr(chunk.text[:40]))


if __name__ == "__main__":
    main(*sys.argv[1:])
