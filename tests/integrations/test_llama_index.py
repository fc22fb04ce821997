"""docalign's node parser and reader, in the real LlamaIndex."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("llama_index.core", reason="LlamaIndex is not installed: the extra `llama-index`")

from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import Document, MetadataMode, TextNode

from docalign.integrations.llama_index import DocalignNodeParser, DocalignReader
from tests.support.awkward_texts import AWKWARD

pytestmark = pytest.mark.usefixtures("quick_model")
SAMPLE = Path(__file__).parent.parent.parent / "data" / "samples" / "report.pdf"


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD)
def test_offsets_are_the_chunks_own(text: str) -> None:
    document = Document(text=text, metadata={"file_path": "a.md"})
    nodes = DocalignNodeParser(max_tokens=40).get_nodes_from_documents([document])
    position = 0
    for node in nodes:
        assert isinstance(node, TextNode)
        assert node.start_char_idx == position
        assert text[node.start_char_idx : node.end_char_idx] == node.text
        assert node.ref_doc_id == document.doc_id
        assert node.metadata["doc"] == node.metadata["file_path"] == "a.md"
        position = node.end_char_idx or 0
    assert position == len(text)
    assert [node.prev_node.node_id for node in nodes[1:]] == [node.node_id for node in nodes[:-1]]


def test_headings_are_for_the_embedder_and_offsets_are_not() -> None:
    nodes = DocalignNodeParser(max_tokens=40).get_nodes_from_documents([Document(text="# Tides\n\n" + "moon " * 80)])
    seen = nodes[-1].get_content(metadata_mode=MetadataMode.EMBED)
    assert "Tides" in seen
    assert "boundary" not in seen


def test_it_runs_in_a_pipeline_and_survives_being_saved() -> None:
    saved = DocalignNodeParser(max_tokens=30, target_tokens=20).to_dict()
    del saved["id_func"]  # LlamaIndex writes its name, which no parser of its own reads either
    parser = DocalignNodeParser.from_dict(saved)
    assert (parser.max_tokens, parser.target_tokens) == (30, 20)
    nodes = IngestionPipeline(transformations=[parser]).run(
        documents=[Document(text="# One\n\nText.\n\n# Two\n\nMore.")]
    )
    assert "".join(node.get_content() for node in nodes) == "# One\n\nText.\n\n# Two\n\nMore."


def test_a_file_comes_as_nodes_with_pages_and_boxes() -> None:
    nodes = DocalignReader(max_tokens=300).load_data(SAMPLE, extra_info={"team": "archive"})
    assert {page for node in nodes for page in node.metadata["pages"]} >= {1, 2}
    assert all(node.metadata["boxes"] and node.metadata["team"] == "archive" for node in nodes)
    assert [node.start_char_idx for node in nodes] == [0, *(node.end_char_idx for node in nodes[:-1])]
