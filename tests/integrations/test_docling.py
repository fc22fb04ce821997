"""docalign's chunker for docling's documents, and docling's and unstructured's own output as input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docalign.ingest import ingest
from tests.support.peers import on_path


@pytest.fixture
def docling(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """docling-core's module of documents."""
    with on_path(monkeypatch):
        yield pytest.importorskip(
            "docling_core.types.doc.document", reason="docling-core is not here: pip install --no-deps docling-core"
        )


def document_of_docling(docling: Any) -> Any:
    """Headings, the same passage three times, a list, a table with a caption, an empty text, a page header."""
    from docling_core.types.doc.base import BoundingBox, Size
    from docling_core.types.doc.labels import DocItemLabel

    made = docling.DoclingDocument(name="tides")
    made.add_page(page_no=1, size=Size(width=612, height=792))

    def place(top: float) -> Any:
        box = BoundingBox(l=72, r=300, t=top, b=top - 20, coord_origin="BOTTOMLEFT")
        return docling.ProvenanceItem(page_no=1, bbox=box, charspan=(0, 1))

    made.add_text(DocItemLabel.PAGE_HEADER, "Almanac", content_layer=docling.ContentLayer.FURNITURE)
    made.add_title("Tides", prov=place(780))
    for number in range(3):
        made.add_heading(f"Part {number}", level=1, prov=place(700 - 100 * number))
        made.add_text(DocItemLabel.TEXT, "The moon pulls the sea.", prov=place(670 - 100 * number))
    made.add_text(DocItemLabel.TEXT, "  ")
    group = made.add_list_group()
    made.add_list_item("spring", parent=group)
    made.add_list_item("neap", parent=group)
    cells = [
        docling.TableCell(
            text=f"c{row}{column}", start_row_offset_idx=row, end_row_offset_idx=row + 1,
            start_col_offset_idx=column, end_col_offset_idx=column + 1, column_header=row == 0,
        )
        for row in range(2) for column in range(2)
    ]  # fmt: skip
    made.add_table(docling.TableData(table_cells=cells, num_rows=2, num_cols=2))
    return made


def test_chunks_point_at_doclings_own_items(docling: Any, quick_model: None) -> None:
    from docalign.integrations.docling import DocalignChunker

    made = document_of_docling(docling)
    chunker = DocalignChunker(max_tokens=60)
    text = chunker.document(made).text
    chunks = list(chunker.chunk(made))
    assert len(chunks) > 1
    assert "".join(chunk.text for chunk in chunks) == text
    assert all(text[chunk.meta.start : chunk.meta.end] == chunk.text for chunk in chunks)
    assert all(chunk.meta.tokens <= 60 for chunk in chunks)
    for chunk in chunks:
        for item in chunk.meta.doc_items:
            for word in getattr(item, "text", "").split():
                assert word in text
    seen = [item.self_ref for chunk in chunks for item in chunk.meta.doc_items]
    body = [item.self_ref for item, _ in made.iterate_items() if getattr(item, "text", "x").strip()]
    assert list(dict.fromkeys(seen)) == body


def test_each_chunk_holds_the_words_of_its_items(docling: Any, quick_model: None) -> None:
    from docalign.integrations.docling import DocalignChunker

    for chunk in DocalignChunker(max_tokens=200).chunk(document_of_docling(docling)):
        for item in chunk.meta.doc_items:
            assert getattr(item, "text", "") in chunk.text


def test_doclings_own_code_serialises_and_contextualises_them(docling: Any, quick_model: None) -> None:
    from docalign.integrations.docling import DocalignChunk, DocalignChunker

    chunker = DocalignChunker(max_tokens=30)
    for chunk in chunker.chunk(document_of_docling(docling)):
        seen = chunker.contextualize(chunk)
        assert seen.endswith(chunk.text)
        assert "boundary" not in seen
        assert (
            DocalignChunk.model_validate(json.loads(json.dumps(chunk.export_json_dict()))).meta.start
            == chunk.meta.start
        )


def test_a_saved_docling_document_is_input(docling: Any, tmp_path: Path) -> None:
    file = tmp_path / "tides.json"
    document_of_docling(docling).save_as_json(file)
    document = ingest(file)
    kinds = [block.kind for block in document.blocks]
    assert kinds.count("heading") == 4
    assert kinds.count("list_item") == 2
    assert kinds.count("table") == 1
    assert [leftover.text for leftover in document.furniture] == ["Almanac"]
    first = document.blocks[0]
    assert document.block_text(first) == "Tides"
    assert first.boxes[0].box == (72.0, 12.0, 300.0, 32.0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_unstructureds_saved_elements_are_input(tmp_path: Path) -> None:
    elements = pytest.importorskip(
        "unstructured.documents.elements", reason="unstructured is not installed: the extra `bench`"
    )
    from unstructured.staging.base import elements_to_json

    file = tmp_path / "tides.json"
    made = [
        elements.Header(text="Almanac"),
        elements.Title(text="Tides"),
        elements.NarrativeText(text="The moon pulls the sea.", metadata=elements.ElementMetadata(page_number=2)),
        elements.ListItem(text="spring"),
    ]
    elements_to_json(made, filename=str(file))
    document = ingest(file)
    assert [(b.kind, document.block_text(b)) for b in document.blocks] == [
        ("heading", "Tides"),
        ("paragraph", "The moon pulls the sea."),
        ("list_item", "spring"),
    ]
    assert document.blocks[1].page == 2
    assert [leftover.text for leftover in document.furniture] == ["Almanac"]
