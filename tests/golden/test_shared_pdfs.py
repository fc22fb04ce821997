"""Every promise on every real PDF and scan of the development data, with the shipped model (`make test-full`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from docalign.chunk import violations
from docalign.chunker import Chunker
from docalign.counting import counter
from docalign.ingest import WorkerPool, ingest

DATA = os.environ.get("DOCALIGN_DATA")
FILES = sorted(p for p in Path(DATA, "pdfs").rglob("*") if p.suffix in (".pdf", ".png")) if DATA else []

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FILES, reason="DOCALIGN_DATA names no directory with pdfs/; the samples are tested anyway"),
]


@pytest.fixture(scope="module")
def chunker() -> Chunker:
    return Chunker.load()


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(2) as workers:
        yield workers


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_no_promise_is_broken(path: Path, chunker: Chunker, pool: WorkerPool) -> None:
    document = ingest(path, pool=pool)
    chunks = chunker.chunk(document)
    assert "".join(c.text for c in chunks) == document.text
    assert not violations(document, [(c.start, c.end) for c in chunks], counter(chunker.tokenizer), 512)
    for chunk in chunks:
        assert chunk.pages
        assert chunk.boxes
