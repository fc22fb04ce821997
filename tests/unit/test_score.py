"""`docalign score` explains chunks with their pages, with the document or without, and refuses what does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docalign.chunk import Chunk
from docalign.cli import run
from docalign.document import Document
from docalign.output.jsonout import render_jsonl
from docalign.rewards.pieces import block_spans
from tests.support.documents import paged_document

TEXT = "Households were drawn from each of the regions in spring."
PARTS = [("heading1", "1 Sample"), ("paragraph", TEXT), ("paragraph", f"However, {TEXT}"), ("heading1", "2 Results"),
         ("paragraph", TEXT)]  # fmt: skip
SIZES = ["--max-tokens", "40", "--tokenizer", "words*1.35"]


def chunks_of(document: Document, starts: list[int]) -> list[Chunk]:
    return [
        Chunk(f"{n:016x}", document.source, n, document.text[a:b], a, b, 1,
              ("1 Sample",) if a < document.blocks[3].start else ("2 Results",), (n + 1,), (), (), None, 1.0)
        for n, (a, b) in enumerate(block_spans(document, starts))
    ]  # fmt: skip


@pytest.fixture
def document() -> Document:
    return paged_document(PARTS)


@pytest.fixture
def files(document: Document, tmp_path: Path) -> tuple[str, str]:
    chunks, source = tmp_path / "a.chunks.jsonl", tmp_path / "a.json"
    chunks.write_bytes(render_jsonl(chunks_of(document, [0, 2, 4])))
    source.write_text(json.dumps(document.to_json()))
    return str(chunks), str(source)


def test_every_part_and_every_chunk_is_explained(files: tuple[str, str], capsysbinary: pytest.CaptureFixture[bytes]):
    assert run(["score", files[0], "--document", files[1], "--format", "json", *SIZES]) == 0
    report = json.loads(capsysbinary.readouterr().out)
    assert report["schema"] == "docalign.score/1"
    [scored] = report["documents"]
    weights = {n: p["weight"] for n, p in scored["parts"].items() if p["applies"]}
    mean = sum(w * scored["parts"][n]["score"] for n, w in weights.items()) / sum(weights.values())
    assert scored["composite"] == pytest.approx(mean, abs=1e-5)
    assert 1 - sum(c["lost"] for c in scored["chunks"]) == pytest.approx(scored["composite"], abs=1e-5)
    middle = {r["part"]: r["reason"] for r in scored["chunks"][1]["reasons"]}
    assert "However" in middle["self_contained"]
    assert "2 Results" in middle["headings_kept"]
    assert scored["chunks"][1]["pages"] == [2]


@pytest.mark.parametrize("shape", ["text", "html"])
def test_the_mean_stands_beside_its_parts(files, capsysbinary, shape: str) -> None:
    assert run(["score", files[0], "--document", files[1], "--format", shape, *SIZES]) == 0
    shown = capsysbinary.readouterr().out.decode()
    for word in ("headings_kept", "length_band", "nothing to judge", "(page 2)", "weighted mean", "points back"):
        assert word in shown


def test_without_the_document_the_chunks_tell_lengths_and_first_words(files, capsysbinary) -> None:
    assert run(["score", files[0], "--format", "json", *SIZES]) == 0
    [scored] = json.loads(capsysbinary.readouterr().out)["documents"]
    assert scored["judged_from"] == "chunks"
    assert scored["parts"].keys() == {
        "within_limit", "length_band", "not_too_short", "self_contained", "personal_data_together",
    }  # fmt: skip
    assert [c["index"] for c in scored["chunks"] if any(r["part"] == "self_contained" for r in c["reasons"])] == [1]
    assert run(["score", files[0], *SIZES]) == 0
    assert b"--document" in capsysbinary.readouterr().out


def test_markup_in_a_chunk_stays_text(tmp_path: Path, capsysbinary) -> None:
    document = paged_document([("paragraph", "<script>alert(1)</script> is no markup.")])
    chunk = Chunk("0" * 16, "<b>.pdf", 0, document.text, 0, len(document.text), 1, (), (), (), (0,), None, 1.0)
    (tmp_path / "a.jsonl").write_bytes(render_jsonl([chunk]))
    assert run(["score", str(tmp_path / "a.jsonl"), "--format", "html", *SIZES]) == 0
    assert b"<script>" not in capsysbinary.readouterr().out


@pytest.mark.parametrize(
    ("mend", "said"),
    [
        (lambda lines: lines[1:], "the chunk starts at"),
        (lambda lines: lines[:-1], "the chunks end at"),
        (lambda lines: [], "holds no chunks"),
        (lambda lines: ["{"], "not JSON"),
        (lambda lines: ['{"schema": "docalign.gold/1"}'], "not a docalign.chunk/1 object"),
        (lambda lines: [lines[0].replace("drawn", "drown"), *lines[1:]], "not made of it"),
        (lambda lines: [lines[0].replace("drawn", "")], "characters"),
        (lambda lines: [lines[0].replace('"pages": [1]', '"pages": ["1"]')], "pages is"),
    ],
)
def test_chunks_that_do_not_fit_are_refused(files, mend, said: str, capfd) -> None:
    path = Path(files[0])
    path.write_text("\n".join(mend(path.read_text().splitlines())))
    assert run(["score", files[0], "--document", files[1], *SIZES]) == 3
    error = capfd.readouterr().err
    assert said in error
    assert "a.chunks.jsonl" in error


def test_one_document_cannot_explain_the_chunks_of_two(files, document, tmp_path: Path, capfd) -> None:
    path = Path(files[0])
    path.write_text(path.read_text() + path.read_text().replace('"made.json"', '"other.json"'))
    assert run(["score", files[0], "--document", files[1], *SIZES]) == 2
    assert "chunks of 2 documents" in capfd.readouterr().err
    assert run(["score", files[0], *SIZES]) == 0
