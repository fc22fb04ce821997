"""The shipped model on the shipped samples: real files, real OCR, real weights, through the real command line.

`UPDATE_GOLDEN=1` writes the golden files again; look at the difference before committing it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from docalign.chunk import violations
from docalign.chunker import Chunker, ChunkOptions
from docalign.counting import counter
from docalign.ingest import ingest

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
GOLDEN = Path(__file__).parent / "chunks"
FIELDS = ["schema", "id", "doc", "index", "text", "start", "end", "tokens", "headings", "pages", "boxes", "blocks",
          "confidence", "boundary"]  # fmt: skip
DIGITAL = ("report.pdf", "contract.pdf", "transcript.txt")
SCANNED = ("report-scan.pdf", "letter.jpg")


@pytest.fixture(scope="module")
def chunker() -> Chunker:
    return Chunker.load()


def docalign(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [str(Path(sys.executable).parent / "docalign"), *arguments]
    return subprocess.run(command, capture_output=True, check=False, env={**os.environ, **environment})


@pytest.mark.parametrize("name", DIGITAL)
def test_chunks_of_a_sample_are_the_golden_ones(chunker: Chunker, name: str) -> None:
    document = ingest(SAMPLES / name, name=name)
    found = [
        {"headings": list(c.headings), "opening": " ".join(c.text.split())[:60], "blocks": [c.blocks[0], c.blocks[-1]]}
        for c in chunker.chunk(document)
    ]
    golden = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert found == json.loads(golden.read_text("utf-8"))


@pytest.mark.parametrize("name", [*DIGITAL, *SCANNED])
@pytest.mark.parametrize("max_tokens", [32, 512])
def test_promises_hold_on_every_sample(chunker: Chunker, name: str, max_tokens: int) -> None:
    document = ingest(SAMPLES / name)
    chunks = chunker.chunk(document, ChunkOptions(max_tokens=max_tokens))
    assert chunks
    assert not violations(document, [(c.start, c.end) for c in chunks], counter(chunker.tokenizer), max_tokens)
    for chunk in chunks:
        assert chunk.text == document.text[chunk.start : chunk.end]
        if document.pages:
            assert chunk.pages
            assert chunk.boxes
        if name in SCANNED:
            assert chunk.confidence is not None
            assert 0 < chunk.confidence <= 1


def test_a_scan_is_chunked_like_its_original(chunker: Chunker) -> None:
    """Most chunk openings of the scanned report are those of the digital one."""

    def openings(name: str) -> set[str]:
        chunks = chunker.chunk(ingest(SAMPLES / name))
        return {"".join(ch for ch in c.text.lower() if ch.isalpha())[:20] for c in chunks}

    digital, scanned = openings("report.pdf"), openings("report-scan.pdf")
    assert len(digital & scanned) >= 0.6 * len(digital)


def test_the_command_prints_one_object_of_the_fixed_schema_a_line() -> None:
    done = docalign("chunk", str(SAMPLES / "report.pdf"), "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout.splitlines()[0])
    assert list(first) == FIELDS
    assert first["schema"] == "docalign.chunk/1"
    assert first["boundary"] == 1.0


def test_the_same_file_twice_gives_the_same_bytes() -> None:
    runs = [docalign("chunk", str(SAMPLES / "contract.pdf")) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stdout


def test_a_model_of_another_prompt_version_is_refused(tmp_path: Path) -> None:
    shipped = Path(Chunker.load().tokenizer).parent
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).symlink_to(shipped / name)
    described = json.loads((shipped / "docalign.json").read_text("utf-8"))
    (tmp_path / "docalign.json").write_text(json.dumps({**described, "prompt_version": "0"}), "utf-8")
    done = docalign("chunk", str(SAMPLES / "contract.pdf"), "--model", str(tmp_path))
    assert done.returncode == 6
    assert b"prompt version" in done.stderr


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    shipped = Path(Chunker.load().tokenizer).parent
    for name in ("docalign.json", "tokenizer.json"):
        (tmp_path / name).symlink_to(shipped / name)
    (tmp_path / "model.onnx").write_bytes((shipped / "model.onnx").read_bytes()[:-1000])
    done = docalign("chunk", str(SAMPLES / "contract.pdf"), "--model", str(tmp_path))
    assert done.returncode == 6
    assert b"sha256" in done.stderr


def test_the_shipped_graph_is_the_one_its_record_describes() -> None:
    shipped = Path(Chunker.load().tokenizer).parent
    described = json.loads((shipped / "docalign.json").read_text("utf-8"))
    quality = json.loads((shipped / "quality.json").read_text("utf-8"))
    digest = hashlib.sha256((shipped / "model.onnx").read_bytes()).hexdigest()
    assert described["sha256"] == digest
    assert digest[:12] in quality["model"], "the numbers of the card belong to another graph"
    assert f"{quality['bare']['model']['f1']:.3f}" in (shipped / "card.md").read_text("utf-8")
