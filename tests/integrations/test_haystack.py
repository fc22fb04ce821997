"""docalign's components, in the real Haystack."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
pytest.importorskip("haystack", reason="Haystack is not installed: the extra `haystack`")

from haystack import Document, Pipeline
from haystack.dataclasses import ByteStream

from docalign.errors import UsageError
from docalign.integrations.haystack import DocalignConverter, DocalignDocumentSplitter
from tests.support.awkward_texts import AWKWARD

pytestmark = pytest.mark.usefixtures("quick_model")
SAMPLE = Path(__file__).parent.parent.parent / "data" / "samples" / "report.pdf"


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD)
def test_split_idx_start_is_where_the_text_stands(text: str) -> None:
    document = Document(content=text, meta={"url": "https://example.org"})
    parts = DocalignDocumentSplitter(max_tokens=40).run(documents=[document])["documents"]
    position = 0
    for part in parts:
        assert part.meta["split_idx_start"] == position
        assert text[position : part.meta["end"]] == part.content
        assert part.meta["source_id"] == document.id
        assert part.meta["url"] == "https://example.org"
        position = part.meta["end"]
    assert position == len(text)


def test_documents_without_text_give_none() -> None:
    assert DocalignDocumentSplitter().run(documents=[Document(content=None), Document(content=" ")]) == {
        "documents": []
    }


def test_a_pipeline_is_saved_and_loaded_with_its_settings() -> None:
    pipeline = Pipeline()
    pipeline.add_component("read", DocalignConverter(max_tokens=300, ocr="never"))
    pipeline.add_component("split", DocalignDocumentSplitter(max_tokens=30, markup="text"))
    loaded = Pipeline.loads(pipeline.dumps(), allowed_modules=["docalign.integrations.haystack"])
    assert loaded.to_dict() == pipeline.to_dict()
    found = loaded.run({"split": {"documents": [Document(content="one two\n\nthree")]}, "read": {"sources": [SAMPLE]}})
    assert "".join(part.content for part in found["split"]["documents"]) == "one two\n\nthree"
    parts = found["read"]["documents"]
    assert {page for part in parts for page in part.meta["pages"]} >= {1, 2}
    assert all(part.meta["boxes"] and part.meta["file_path"] == str(SAMPLE) for part in parts)


def test_bytes_are_read_under_their_own_name() -> None:
    stream = ByteStream(b"# One\n\nText.", meta={"file_path": "a.md"})
    parts = DocalignConverter(max_tokens=30).run(sources=[stream], meta={"team": "archive"})["documents"]
    assert [part.meta["doc"] for part in parts] == ["a.md"]
    assert parts[0].meta["team"] == "archive"


def test_sizes_that_make_no_sense_are_refused_when_the_pipeline_is_made() -> None:
    with pytest.raises(UsageError):
        DocalignDocumentSplitter(max_tokens=0)
