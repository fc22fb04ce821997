"""`docalign chunk` and `ingest` as a user meets them; the LLM is not the subject, so a stand-in chunks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import docalign.chunker
from docalign.cli import run
from docalign.document import Document
from docalign.output.journal import FILE_NAME
from tests.support.files import pages_pdf
from tests.support.standins import StandInChunker

ROOT = Path(__file__).parent.parent.parent
STANDIN = [sys.executable, "-m", "tests.support.standins"]
TEXT = "A first paragraph of some words.\n\nA second one.\n"


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(docalign.chunker, "Chunker", StandInChunker)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with two good files and one that is no PDF."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text(TEXT)
    (folder / "sub" / "b.txt").write_text(TEXT + "\nA third.\n")
    (folder / "bad.pdf").write_text("no PDF")
    return folder


def result_files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != FILE_NAME)


def test_no_text_is_an_error_whatever_the_format(capsys: pytest.CaptureFixture[str]) -> None:
    Path("blank.txt").write_text(" \n")
    Path("blank.pdf").write_bytes(pages_pdf([b"q Q"]))
    Path("blank.json").write_text(json.dumps(Document("a.pdf", "0" * 64, "").to_json()))
    for name in ("blank.txt", "blank.pdf", "blank.json"):
        assert run(["chunk", name]) == 3
    assert "blank.pdf: nothing to chunk: page 1 holds no text to read: it is blank." in capsys.readouterr().err
    assert run(["ingest", "blank.pdf"]) == 0, "its pages can be shown"
    assert "it is blank" in capsys.readouterr().err


def test_one_file_to_standard_output_is_jsonl_and_nothing_else(
    files: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(["chunk", str(files / "a.txt")]) == 0
    out, err = capfdbinary.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["doc"] for line in lines] == ["a.txt", "a.txt"]
    assert "".join(line["text"] for line in lines) in TEXT
    assert err == b""
    assert run(["chunk", str(files / "a.txt")]) == 0
    assert capfdbinary.readouterr().out == out, "the same input gives the same bytes"


def test_the_input_is_never_overwritten(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chunk", str(files / "a.txt"), "--out", str(files / "a.txt")]) == 2
    assert (files / "a.txt").read_text() == TEXT
    assert "the input itself" in capsys.readouterr().err


def test_one_file_to_a_file(files: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["chunk", str(files / "a.txt"), "--format", "json", "--out", "new/a.json"]) == 0
    assert len(json.loads((tmp_path / "new" / "a.json").read_bytes())) == 2
    assert capfdbinary.readouterr() == (b"", b"")


def test_one_file_to_a_directory_is_a_usage_error(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chunk", str(files / "a.txt"), "--out", str(files)]) == 2
    assert "is a directory" in capsys.readouterr().err


def test_batch_mirrors_paths_and_writes_down_what_failed(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["chunk", str(files), "--out", "out"]) == 1
    out = tmp_path / "out"
    assert result_files(out) == ["a.txt.chunks.jsonl", "bad.pdf.error.json", "sub/b.txt.chunks.jsonl"]
    first = json.loads((out / "sub" / "b.txt.chunks.jsonl").read_text().splitlines()[0])
    assert first["doc"] == "sub/b.txt"
    problem = json.loads((out / "bad.pdf.error.json").read_text())
    assert (problem["schema"], problem["exit_code"], problem["source"]) == ("docalign.error/1", 3, "bad.pdf")
    err = capsys.readouterr().err
    assert "docalign: error: bad.pdf:" in err
    assert "1 of 3 inputs failed" in err


def test_rerun_redoes_only_what_changed(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "bad.pdf").unlink()
    assert run(["chunk", str(files), "--out", "out"]) == 0
    assert "2 written to out" in capsys.readouterr().err

    def rerun(*options: str) -> str:
        assert run(["chunk", str(files), "--out", "out", *options]) == 0
        return capsys.readouterr().err

    assert "0 written to out, 2 already there" in rerun()
    assert "2 written" in rerun("--max-tokens", "100"), "other settings"
    assert "2 written" in rerun(), "and back again"
    assert "0 written" in rerun("--workers", "1"), "which decides no byte of a result"
    (files / "a.txt").write_text(TEXT + "\nMore.\n")
    assert "1 written to out, 1 already there" in rerun(), "other input"
    (tmp_path / "out" / "sub" / "b.txt.chunks.jsonl").write_text("damaged")
    assert "1 written to out, 1 already there" in rerun(), "damaged result"


def test_result_and_error_of_one_input_never_stand_together(files: Path, tmp_path: Path) -> None:
    run(["chunk", str(files), "--out", "out"])
    good = (files / "a.txt").read_bytes()
    (files / "a.txt").write_bytes(b"")
    assert run(["chunk", str(files), "--out", "out"]) == 1
    assert result_files(tmp_path / "out")[0] == "a.txt.error.json"
    (files / "a.txt").write_bytes(good)
    assert run(["chunk", str(files), "--out", "out"]) == 1
    assert result_files(tmp_path / "out")[0] == "a.txt.chunks.jsonl"


def test_batch_to_standard_output_is_jsonl_with_relative_names(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chunk", str(files), "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(line)["doc"] for line in out.splitlines()] == ["a.txt"] * 2 + ["sub/b.txt"] * 3
    assert "bad.pdf" in err
    assert run(["chunk", str(files), "--format", "json"]) == 2
    assert "cannot share one stream" in capsys.readouterr().err


def test_batch_into_a_file_is_a_usage_error(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chunk", str(files), "--out", str(files / "a.txt")]) == 2
    assert "is not a directory" in capsys.readouterr().err
    assert (files / "a.txt").read_text() == TEXT


def test_surprise_in_one_file_does_not_cost_the_others(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(StandInChunker, "crash_on", "a.txt")
    assert run(["chunk", str(files), "--out", "out"]) == 1
    assert "a.txt.error.json" in result_files(tmp_path / "out")
    assert "sub/b.txt.chunks.jsonl" in result_files(tmp_path / "out")
    err = capsys.readouterr().err
    assert "unexpected ZeroDivisionError: sabotage" in err
    assert "DOCALIGN_DEBUG=1" in err
    assert "Traceback" not in err


def test_surprise_in_the_only_file_is_short_unless_debugging(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(StandInChunker, "crash_on", "a.txt")
    assert run(["chunk", str(files / "a.txt")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2
    monkeypatch.setenv("DOCALIGN_DEBUG", "1")
    assert run(["chunk", str(files / "a.txt")]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_missing_model_ends_a_batch_at_once(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chunk", str(files), "--out", "out", "--model", "missing"]) == 6
    assert not (tmp_path / "out").exists()
    assert "no chunker model" in capsys.readouterr().err


def test_files_of_unknown_kinds_in_a_directory_are_named(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "bad.pdf").rename(files / "odd.xyz")
    assert run(["chunk", str(files), "--out", "out"]) == 0
    assert "passed over files of kinds no reader knows: odd.xyz" in capsys.readouterr().err


def test_settings_come_from_the_file_and_flags_beat_it(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docalign.toml").write_text("[chunk]\nformat = 'json'\n")
    assert run(["chunk", str(files / "a.txt")]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert run(["chunk", str(files / "a.txt"), "--format", "md"]) == 0
    assert capsys.readouterr().out.startswith("<!-- a.txt: 2 chunks -->")


def test_ingest_prints_a_document_that_chunk_takes(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ingest", str(files / "a.txt"), "--out", "a.json"]) == 0
    value = json.loads((tmp_path / "a.json").read_text())
    assert (value["schema"], value["source"], len(value["blocks"])) == ("docalign.document/1", "a.txt", 2)
    assert run(["chunk", "a.json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_standard_input_is_read(files: Path) -> None:
    for command in ("chunk", "ingest"):
        done = subprocess.run([*STANDIN, command, "-"], input=TEXT.encode(), capture_output=True, cwd=ROOT, check=True)
        value = json.loads(done.stdout.splitlines()[0])
        assert (value.get("doc") or value["source"]) == "-"


def test_reader_that_leaves_early_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("A paragraph.\n\n" * 20_000)
    with subprocess.Popen(
        [*STANDIN, "chunk", str(tmp_path / "long.txt")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        json.loads(command.stdout.readline())
        command.stdout.close()
        assert command.stderr.read() == b""
    assert command.returncode == 0


def test_full_standard_output_is_an_output_error(files: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*STANDIN, "chunk", str(files / "a.txt")], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False
        )
    assert done.returncode == 1
    assert b"standard output: cannot be written (No space left on device)" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_interrupt_ends_with_130_and_no_traceback(files: Path, tmp_path: Path) -> None:
    command = start_slow_batch(files, tmp_path / "out")
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=300)
    assert command.returncode == 130
    assert b"interrupted" in err
    assert b"Traceback" not in err


def start_slow_batch(files: Path, out: Path) -> subprocess.Popen[bytes]:
    """A batch that takes an hour for its second file; returns once the first result is there."""
    (files / "bad.pdf").unlink()
    command = subprocess.Popen(
        [*STANDIN, "--slow-after-first", "chunk", str(files), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert command.stdout is not None
    assert command.stdout.readline() == b"second document\n"
    return command


def test_killed_batch_leaves_nothing_half_written_and_is_completed_by_a_rerun(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = start_slow_batch(files, out)
    command.kill()
    command.communicate()
    assert result_files(out) == ["a.txt.chunks.jsonl"]
    first = out / "a.txt.chunks.jsonl"
    before = (first.read_bytes(), first.stat().st_ino)
    (out / ".b.txt.chunks.jsonl.0.docalign-tmp").write_bytes(b"half")

    done = subprocess.run([*STANDIN, "chunk", str(files), "--out", str(out)], capture_output=True, cwd=ROOT, check=True)
    assert b"1 written to" in done.stderr
    assert b"1 already there" in done.stderr
    assert result_files(out) == ["a.txt.chunks.jsonl", "sub/b.txt.chunks.jsonl"]
    assert (first.read_bytes(), first.stat().st_ino) == before, "a finished result is not written again"


def test_write_that_is_killed_leaves_the_old_result(files: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    target.write_text("old")
    code = (
        "import os, signal, pathlib\n"
        "pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from tests.support.standins import main; main()"
    )
    command = [sys.executable, "-c", code, "chunk", str(files / "a.txt"), "--out", str(target)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert target.read_text() == "old"
    assert len(os.listdir(tmp_path)) == 3, "in/, the old result and the temporary of the killed run"
    assert run(["chunk", str(files / "a.txt"), "--out", str(target)]) == 0
    assert sorted(os.listdir(tmp_path)) == ["a.jsonl", "in"]
