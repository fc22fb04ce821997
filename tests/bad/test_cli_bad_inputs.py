"""Bad input, each with its exit code and a message a person can act on; a batch goes on around it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

import docalign.chunker
from docalign.cli import run
from tests.support.standins import StandInChunker


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(docalign.chunker, "Chunker", StandInChunker)
    monkeypatch.chdir(tmp_path)


def pdf(*objects: str, trailer: str = "") -> bytes:
    """A PDF of the numbered objects, the first being its catalog."""
    data = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    return data + (
        f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\n"
        f"startxref\n{len(data)}\n%%EOF\n"
    ).encode("latin-1")


def good_pdf() -> bytes:
    document = pypdfium2.PdfDocument.new()
    document.new_page(200, 200)
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


def encrypted_pdf() -> bytes:
    lock = f"<< /Filter /Standard /V 1 /R 2 /P -4 /O <{'11' * 32}> /U <{'22' * 32}> >>"
    return pdf(
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
        lock,
        trailer=f"/Encrypt 4 0 R /ID [<{'33' * 16}> <{'33' * 16}>]",
    )


def zero_pages_pdf() -> bytes:
    return pdf("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>")


def giant_image() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    return buffer.getvalue()


BAD = {
    "not-a-pdf.pdf": (lambda: b"just some words", 3, "not PDF"),
    "empty.pdf": (lambda: b"", 3, "empty"),
    "encrypted.pdf": (encrypted_pdf, 4, "encrypted"),
    "truncated.pdf": (lambda: good_pdf()[:90], 3, ""),
    "zero-pages.pdf": (zero_pages_pdf, 3, "page"),
    "giant.png": (giant_image, 5, "pixels"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["ingest", "chunk"])
def test_bad_file_has_its_exit_code_and_says_what_to_do(
    command: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, code, word = BAD[name]
    (tmp_path / name).write_bytes(make())
    assert run([command, name]) == code
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 2, "what is wrong, and what to do"
    assert lines[0].startswith(f"docalign: error: {name}: ")
    assert word in lines[0]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["chunk", "missing.pdf"], 3, "missing.pdf"),
        (["ingest", "missing.pdf"], 3, "missing.pdf"),
        (["chunk", "empty-folder"], 3, "no file to read"),
        (["ingest", "empty-folder"], 2, "directory"),
        (["chunk", "good.txt", "--max-tokens", "0"], 2, "--max-tokens"),
        (["chunk", "good.txt", "--max-tokens", "many"], 2, "--max-tokens"),
        (["chunk", "good.txt", "--max-tokens", "10", "--target-tokens", "11"], 2, "target"),
        (["chunk", "good.txt", "--ocr", "sometimes"], 2, "sometimes"),
        (["chunk", "good.txt", "--workers", "0"], 2, "workers"),
        (["chunk", "good.txt", "--format", "docbook"], 2, "jsonl, json, md, html"),
        (["chunk", "good.txt", "--no-such-flag"], 2, "--no-such-flag"),
        (["chunk", "good.txt", "--config", "missing.toml"], 2, "missing.toml"),
        (["chunk", "good.txt", "-"], 2, "standard input"),
        (["chunk"], 2, "FILE"),
        (["chnuk"], 2, "chnuk"),
        (["eval", "missing.jsonl", "--chunker", "pack"], 3, "missing.jsonl"),
        (["eval", "good.txt", "--chunker", "pack"], 3, "good.txt:1"),
        (["eval", "good.txt", "--chunker", "nobody"], 2, "pack"),
        (["models", "info", "nobody"], 6, "nobody"),
    ],
)
def test_bad_request_has_its_exit_code_and_says_what_to_do(
    arguments: list[str], code: int, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.txt").write_text("Some words.")
    (tmp_path / "empty-folder").mkdir()
    assert run(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert word in err
    assert len(err.splitlines()) == 2


def test_unknown_key_in_the_configuration_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.txt").write_text("Some words.")
    (tmp_path / "docalign.toml").write_text("[chunk]\nmax_toknes = 100\n")
    assert run(["chunk", "good.txt"]) == 2
    err = capsys.readouterr().err
    assert "unknown key 'max_toknes' in [chunk]" in err
    assert "Did you mean 'max_tokens' in [chunk]?" in err


def test_batch_writes_the_good_files_and_ends_with_1(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, (make, _, _) in BAD.items():
        (folder / name).write_bytes(make())
    (folder / "good.txt").write_text("Some words.")
    assert run(["chunk", "in", "--out", "out"]) == 1
    assert (tmp_path / "out" / "good.txt.chunks.jsonl").is_file()
    for name, (_, code, _) in BAD.items():
        problem = json.loads((tmp_path / "out" / f"{name}.error.json").read_text())
        assert (problem["source"], problem["exit_code"]) == (name, code)
        assert problem["what"]
        assert problem["remedy"]
