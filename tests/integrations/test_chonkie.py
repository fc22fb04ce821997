"""docalign's chunker with Chonkie's interface, in the real Chonkie."""

from __future__ import annotations

import pytest

pytest.importorskip("chonkie", reason="Chonkie is not installed: the extra `chonkie`")

from chonkie.types import Chunk, Document

from docalign.integrations.chonkie import DocalignChunker
from tests.support.awkward_texts import AWKWARD

pytestmark = pytest.mark.usefixtures("quick_model")


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD)
def test_indices_are_offsets_of_the_text(text: str) -> None:
    chunks = DocalignChunker(chunk_size=40)(text)
    assert all(isinstance(chunk, Chunk) for chunk in chunks)
    assert [chunk.start_index for chunk in chunks] == [0, *(chunk.end_index for chunk in chunks[:-1])]
    assert all(text[chunk.start_index : chunk.end_index] == chunk.text for chunk in chunks)
    assert all(0 < chunk.token_count <= 40 for chunk in chunks)
    assert chunks[-1].end_index == len(text)


def test_batches_and_documents_go_through_chonkies_own_code() -> None:
    chunker = DocalignChunker(chunk_size=40)
    batch = chunker.chunk_batch(["# One\n\nText.", "# Two\n\nMore."], show_progress=False)
    assert [[chunk.text for chunk in chunks] for chunks in batch] == [["# One\n\nText."], ["# Two\n\nMore."]]
    done = chunker.chunk_document(Document(content="# One\n\nText.", metadata={"team": "archive"}))
    assert done.chunks[0].metadata["team"] == "archive"
    assert done.chunks[0].metadata["headings"] is not None


def test_the_tokenizer_is_the_models() -> None:
    assert DocalignChunker().tokenizer.count_tokens("Tides and winds") > 0
