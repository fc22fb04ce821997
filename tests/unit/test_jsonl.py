"""Lines are written as every other result is: whole or not at all, through links and into devices."""

from __future__ import annotations

import lzma
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from docalign.cli import run
from docalign.errors import OutputError
from docalign.jsonl import read_json_lines, write_lines


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A node such as /dev/null that a mistake may destroy."""
    path = tmp_path / "null"
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        path.open("wb").close()
    except PermissionError:
        pytest.skip("only root makes device nodes")
    return path


def test_a_device_is_written_to_and_stays_one(device: Path) -> None:
    assert write_lines(device, ["{}"]) == 1
    assert device.is_char_device()


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_lines(pipe, ["1", "2"])
    reader.join(10)
    assert read == [b"1\n2\n"]


def test_a_link_keeps_pointing_where_it_did(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real.jsonl")
    write_lines(tmp_path / "link", ["1"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real.jsonl").read_bytes() == b"1\n"


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.xz"])
def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path, name: str) -> None:
    path = tmp_path / "new" / "folder" / name
    assert write_lines(path, ["1", '"\ud800"']) == 2
    assert [value for _, value in read_json_lines(path)] == [1, "\ud800"]
    assert os.listdir(path.parent) == [name]
    if name.endswith(".xz"):
        assert lzma.decompress(path.read_bytes()).startswith(b"1\n")


def test_lines_that_end_in_an_error_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.xz"
    write_lines(path, ["1"])

    def broken() -> Iterator[str]:
        yield "2"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_lines(path, broken())
    assert [value for _, value in read_json_lines(path)] == [1]
    assert os.listdir(tmp_path) == ["a.jsonl.xz"]


def test_what_is_written_is_synced_before_it_takes_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    sync = os.fsync

    def recording(descriptor: int) -> None:
        synced.append((tmp_path / "a.jsonl").exists())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    write_lines(tmp_path / "a.jsonl", ["1"])
    assert synced == [False, True]  # the file, then its folder


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a directory"):
        write_lines(tmp_path, ["1"])


def test_a_build_into_a_device_is_refused_and_leaves_nothing_beside_it(
    device: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (device.parent / "a.md").write_text("# A\n\none two\n")
    assert run(["data", "build", str(device.parent / "a.md"), "--quiet", "--out", str(device)]) == 2
    assert "Name one with --out" in capsys.readouterr().err
    assert sorted(os.listdir(device.parent)) == ["a.md", "null"]
    assert device.is_char_device()


def test_a_build_of_nothing_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\none two\n")
    out = tmp_path / "gold.jsonl"
    out.write_bytes(b"old\n")
    assert run(["data", "build", str(tmp_path / "a.md"), "--quiet", "--out", str(out)]) == 3
    assert out.read_bytes() == b"old\n"
