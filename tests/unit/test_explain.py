"""`docalign explain` says the truth about the chunking that `docalign chunk` makes."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from docalign.chunker import Chunker, ChunkOptions
from docalign.cli import run
from docalign.document import Block, Document
from docalign.evaluate.explain import explain
from docalign.ingest import ingest

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
SIZES = ChunkOptions(max_tokens=160)


@pytest.fixture(scope="module")
def chunker() -> Chunker:
    return Chunker.load(None, threads=1)


@pytest.fixture(scope="module")
def document() -> Document:
    return ingest(SAMPLES / "report.pdf")


def test_what_is_explained_is_what_chunk_does(chunker, document):
    chunks = chunker.chunk(document, SIZES)
    found = explain(document, chunker, SIZES)
    assert [(b.start, b.tokens) for b in found.boundaries] == [(c.start, c.tokens) for c in chunks]
    for boundary, chunk in zip(found.boundaries, chunks, strict=True):
        assert (boundary.margin is not None) == (boundary.why == "free")
        if boundary.why == "free":
            assert boundary.margin >= 0
        if not boundary.inside:
            assert boundary.boundary == pytest.approx(chunk.boundary, abs=1e-3)


def test_a_cut_is_free_exactly_where_joining_its_chunks_or_cutting_elsewhere_is_legal(chunker):
    small, text = "Two words. ", "word " * 60
    whole = small * 2 + text * 2
    edges = [0, len(small), 2 * len(small), 2 * len(small) + len(text), len(whole)]
    blocks = [Block(id=i, start=a, end=b - 1, kind="paragraph") for i, (a, b) in enumerate(pairwise(edges))]
    document = Document(source="x", sha256="0" * 64, text=whole, blocks=tuple(blocks), pages=())
    found = explain(document, chunker, ChunkOptions(max_tokens=100, tokenizer="words*1.35"))
    last = found.boundaries[-1]
    assert (last.block, last.why, last.margin) == (3, "limit", None), "81 + 81 tokens do not fit 100"


def test_another_model_is_asked_about_every_cut_and_about_cuts_of_its_own(chunker, document):
    shy = Chunker(chunker.engine, chunker.renderer, chunker.prior, model_name="shy", tokenizer=chunker.tokenizer)
    shy.log_odds = lambda *a, **k: chunker.log_odds(*a, **k) * 0 - 3.0  # type: ignore[method-assign]
    same = explain(document, chunker, SIZES, against=chunker)
    assert all(b.other.cuts and b.other.log_odds == b.log_odds for b in same.boundaries[1:])
    assert same.others_alone == ()
    other = explain(document, chunker, SIZES, against=shy)
    assert not all(b.other.cuts for b in other.boundaries[1:])
    own = {c.start for c in shy.chunk(document, SIZES)} - {b.start for b in other.boundaries}
    assert set(other.others_alone) == own
    assert own


def test_an_empty_document_has_nothing_to_explain(chunker):
    empty = Document(source="x", sha256="0" * 64, text="", blocks=(), pages=())
    assert explain(empty, chunker).boundaries == ()


def test_the_command_writes_a_table_or_json(capsys, tmp_path):
    source = tmp_path / "a.md"
    source.write_text("# Title\n\nA first paragraph of text.\n\n## Section\n\nA second one.\n", "utf-8")
    assert run(["explain", str(source), "--max-tokens", "16", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "docalign.explanation/1"
    assert found["boundaries"][0]["why"] == "first"
    assert [b["begins"] for b in found["boundaries"]] == [
        "# Title A first paragraph of text.",
        "## Section A second one.",
    ]
    assert run(["explain", str(source), "--max-tokens", "16"]) == 0
    table = capsys.readouterr().out
    assert table.startswith("a.md: ")
    assert len(table.splitlines()) >= 3 + len(found["boundaries"]) >= 5
    assert run(["explain", str(source), "--format", "xml"]) == 2
