"""docalign's text splitter and blob parser, in the real LangChain."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("langchain_text_splitters", reason="LangChain is not installed: the extra `langchain`")

from langchain_core.documents import Document
from langchain_core.documents.base import Blob
from langchain_core.vectorstores import InMemoryVectorStore  # noqa: F401 - its documents are these
from langchain_text_splitters import TextSplitter

from docalign.errors import UnsupportedFormatError
from docalign.integrations.langchain import DocalignBlobParser, DocalignTextSplitter
from tests.support.awkward_texts import AWKWARD

pytestmark = pytest.mark.usefixtures("quick_model")
SAMPLE = Path(__file__).parent.parent.parent / "data" / "samples" / "report.pdf"


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD)
def test_start_index_is_where_the_text_stands(text: str) -> None:
    splitter = DocalignTextSplitter(max_tokens=40)
    assert isinstance(splitter, TextSplitter)
    parts = splitter.split_documents([Document(text, metadata={"source": "a.md", "tags": ["x"]})])
    position = 0
    for part in parts:
        assert part.metadata["start_index"] == position
        assert text[position : part.metadata["end"]] == part.page_content
        assert part.metadata["source"] == part.metadata["doc"] == "a.md"
        position = part.metadata["end"]
    assert position == len(text)
    assert "".join(splitter.split_text(text)) == text


def test_texts_keep_to_their_own_metadata() -> None:
    given: list[dict[str, object]] = [{"tags": ["first"]}, {"tags": ["second"]}]
    parts = DocalignTextSplitter(max_tokens=40).create_documents(["# One\n\nText.", "# Two\n\nText."], given)
    assert [part.metadata["tags"] for part in parts] == [["first"], ["second"]]
    parts[0].metadata["tags"].append("changed")
    assert given[0]["tags"] == ["first"]


def test_a_file_comes_as_chunks_with_pages_and_boxes() -> None:
    parts = DocalignBlobParser(max_tokens=300).parse(Blob.from_path(SAMPLE, metadata={"team": "archive"}))
    assert len(parts) > 1
    assert {page for part in parts for page in part.metadata["pages"]} >= {1, 2}
    assert all(part.metadata["boxes"] and part.metadata["team"] == "archive" for part in parts)
    assert {part.metadata["source"] for part in parts} == {str(SAMPLE)}
    starts = [part.metadata["start_index"] for part in parts]
    assert starts == [0, *(part.metadata["end"] for part in parts[:-1])]


def test_a_file_that_cannot_be_read_is_docaligns_own_error() -> None:
    with pytest.raises(UnsupportedFormatError, match=r"binary data"):
        DocalignBlobParser().parse(Blob.from_data(b"\x00\x01\x02\x03" * 40, path="x.bin"))
