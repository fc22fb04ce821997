"""Batches around odd names, folders and limits: nothing is skipped silently, and one file's trouble is its own."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

import docalign.chunker
from docalign.cli import run
from docalign.commands.batch import error_name
from docalign.errors import UsageError
from docalign.ingest import ingest
from docalign.output.journal import FILE_NAME
from tests.support.standins import StandInChunker

TEXT = "A first paragraph of some words.\n\nA second one.\n"


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(docalign.chunker, "Chunker", StandInChunker)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good file."""
    made = tmp_path / "in"
    made.mkdir()
    (made / "a.txt").write_text(TEXT)
    return made


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """A pipe nobody writes to. Who waits for it is told its end after a second, so that tests fail and never hang."""
    path, over = tmp_path / "pipe.txt", Event()
    os.mkfifo(path)

    def release() -> None:
        while not over.wait(1):
            with suppress(OSError):
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))

    helper = Thread(target=release)
    helper.start()
    yield path
    over.set()
    helper.join()


def results(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != FILE_NAME)


def refuse_to_list(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Folders called `name` cannot be listed, whoever runs the test."""
    scandir = os.scandir

    def refusing(path: str | Path = ".") -> object:
        if Path(path).name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)


def test_folder_that_cannot_be_listed_is_a_failure_by_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "locked").mkdir()
    refuse_to_list(monkeypatch, "locked")
    assert run(["chunk", "in", "--out", "out"]) == 1
    assert results(tmp_path / "out") == ["a.txt.chunks.jsonl", "locked.error.json"]
    problem = json.loads((tmp_path / "out" / "locked.error.json").read_text())
    assert (problem["exit_code"], problem["source"]) == (3, "locked")
    assert "locked: the folder cannot be listed (Permission denied)" in capsys.readouterr().err
    assert run(["chunk", "in"]) == 1
    assert "1 of 2 inputs failed" in capsys.readouterr().err


def test_the_named_folder_itself_cannot_be_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse_to_list(monkeypatch, "in")
    assert run(["chunk", "in"]) == 1
    assert "in: the folder cannot be listed" in capsys.readouterr().err


def test_a_pipe_in_place_of_a_file_is_refused_and_never_waited_for(
    folder: Path, pipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["chunk"], ["chunk", "--lang", "eng"], ["ingest"], ["explain"]):
        assert run([*command, str(pipe)]) == 2
        err = capsys.readouterr().err
        assert f"{pipe}: this is a pipe, not a file." in err
        assert "COMMAND | docalign chunk -" in err
    assert run(["chunk", "in", "pipe.txt", "--out", "out"]) == 1
    assert results(tmp_path / "out") == ["in/a.txt.chunks.jsonl", "pipe.txt.error.json"]
    with pytest.raises(UsageError, match="this is a pipe"):
        ingest(pipe)


def test_a_process_substitution_a_socket_and_a_device_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"Some text.")
    os.close(writing)
    try:
        assert run(["chunk", f"/dev/fd/{reading}"]) == 2
        assert f"/dev/fd/{reading}: this is a pipe" in capsys.readouterr().err
    finally:
        os.close(reading)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "ear"))
        assert run(["chunk", str(tmp_path / "ear")]) == 2
    assert "this is a socket" in capsys.readouterr().err
    assert run(["chunk", os.devnull]) == 2
    assert "this is a device" in capsys.readouterr().err


def test_what_is_passed_over_is_named_with_its_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "odd.xyz").write_text("x")
    (folder / "notes.chunks.md").write_text("x")
    (folder / "gone.txt").symlink_to("nowhere")
    (folder / "linked").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.txt")
    assert run(["chunk", "in", "--out", "out"]) == 0
    err = capsys.readouterr().err
    for why in (
        "of kinds no reader knows: odd.xyz",
        "that are docalign's own results: notes.chunks.md",
        "that are broken links: gone.txt",
        "that are links to folders: linked",
        "that are no regular files: pipe.txt",
    ):
        assert f"docalign: passed over files {why}\n" in err
    assert run(["chunk", "in", "--out", "out", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_name_too_long_for_its_result_is_that_files_error(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long, wide = "x" * 250 + ".txt", "漢" * 80 + ".txt"  # 254 and 244 bytes
    for name in (long, wide, "ok.txt"):
        (folder / name).write_text(TEXT)
    assert run(["chunk", "in", "--out", "out"]) == 1
    names = results(tmp_path / "out")
    assert names == sorted(["a.txt.chunks.jsonl", "ok.txt.chunks.jsonl", error_name(long), error_name(wide)])
    problem = json.loads((tmp_path / "out" / error_name(long)).read_text())
    assert (problem["source"], problem["error"]) == (long, "OutputNameError")
    assert "shorter name" in problem["remedy"]
    assert "2 of 4 inputs failed" in capsys.readouterr().err


def test_shortened_error_names_are_short_and_tell_files_apart() -> None:
    one, two = (error_name(f"sub/{'é' * 120}{i}.pdf") for i in (1, 2))
    assert one != two
    for name in (one, two):
        assert name.startswith("sub/é")
        assert name.endswith(".error.json")
        assert len(os.fsencode(Path(name).name)) <= 255
    assert error_name("a/b.pdf") == "a/b.pdf.error.json"


def test_long_names_that_fit_are_written_whatever_their_script(folder: Path, tmp_path: Path) -> None:
    name = "漢" * 75 + ".txt"  # with .chunks.jsonl 243 bytes; the temporary name beside it must fit as well
    (folder / name).write_text(TEXT)
    assert run(["chunk", "in", "--out", "out"]) == 0
    assert f"{name}.chunks.jsonl" in results(tmp_path / "out")


def test_folder_in_a_results_place_is_that_files_error(folder: Path, tmp_path: Path) -> None:
    (folder / "b.txt").write_text(TEXT)
    (tmp_path / "out" / "a.txt.chunks.jsonl").mkdir(parents=True)
    assert run(["chunk", "in", "--out", "out"]) == 1
    assert results(tmp_path / "out") == ["a.txt.error.json", "b.txt.chunks.jsonl"]


def test_request_that_one_document_breaks_is_that_files_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "b.txt").write_text(TEXT)
    chunk = StandInChunker.chunk

    def refusing(self: StandInChunker, document: object, *arguments: object, **options: object) -> object:
        if getattr(document, "source", "") == "a.txt":
            raise UsageError("a single character has 9 tokens; the limit is 8.", remedy="Raise --max-tokens.")
        return chunk(self, document, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(StandInChunker, "chunk", refusing)
    assert run(["chunk", "in", "--out", "out"]) == 1
    assert results(tmp_path / "out") == ["a.txt.error.json", "b.txt.chunks.jsonl"]


def test_tokenizer_that_cannot_be_had_ends_a_batch_before_the_first_file(folder: Path, tmp_path: Path) -> None:
    assert run(["chunk", "in", "--out", "out", "--tokenizer", "./missing.json"]) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments", [["chunk", ""], ["chunk", "a.txt", ""], ["ingest", ""], ["chunk", "in", "-o", ""]]
)
def test_empty_names_are_refused(arguments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert "empty" in capsys.readouterr().err


def test_forbidden_output_folder_is_not_blamed_on_the_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", forbidden)
    assert run(["chunk", "in/a.txt", "--out", "new/a.jsonl"]) == 1
    err = capsys.readouterr().err
    assert "Permission denied" in err
    assert "permissions of the folder" in err
    assert "space" not in err


def test_files_of_one_page_are_read_at_the_same_time_and_come_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each reading waits for the other: one after the other this would never end."""
    import threading

    import docalign.ingest.entry as entry

    folder = tmp_path / "pair"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.txt").write_text(f"File {name}.\n")
    meeting, ingest = threading.Barrier(2, timeout=60), entry.ingest

    def waiting(*arguments: object, **options: object) -> object:
        meeting.wait()
        return ingest(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(entry, "ingest", waiting)
    assert run(["chunk", "pair", "--workers", "2"]) == 0
    assert [json.loads(line)["doc"] for line in capsys.readouterr().out.splitlines()] == [f"{n}.txt" for n in "abcd"]


def test_results_are_made_again_when_what_decides_them_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import docalign.commands.identity as identity

    def rerun() -> bool:
        assert run(["chunk", "in", "--out", "out"]) == 0
        return "1 written" in capsys.readouterr().err

    assert rerun()
    assert not rerun()
    monkeypatch.setattr(StandInChunker, "identity", lambda self: {"prior": [0.0, -1.0], "tokenizer": "words"})
    assert rerun(), "another length prior"
    monkeypatch.setattr(identity, "ocr_identity", lambda options: ["tesseract", "another hash of trained data"])
    assert rerun(), "other trained data"
    monkeypatch.setattr(identity, "library_versions", lambda: {"pdfplumber": "0.0"})
    assert rerun(), "another library"
    assert not rerun()


def test_content_of_a_tokenizer_counts_not_its_path(
    folder: Path, tokenizer_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.json"
    own.write_bytes(tokenizer_path.read_bytes())
    arguments = ["chunk", "in", "--out", "out", "--tokenizer", str(own)]
    assert run(arguments) == 0
    assert "1 written" in capsys.readouterr().err
    value = json.loads(own.read_text())
    value["model"]["merges"] = value["model"]["merges"][:-1]
    own.write_text(json.dumps(value))
    assert run(arguments) == 0
    assert "1 written" in capsys.readouterr().err
