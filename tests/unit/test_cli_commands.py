"""The smaller commands, the progress bar, and what a missing extra says."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import pytest

import docalign.commands.train
from docalign import __version__
from docalign.chunker import ChunkOptions
from docalign.cli import run
from docalign.config import ChunkSettings, IngestSettings
from docalign.ingest import IngestOptions

ROOT = Path(__file__).parent.parent.parent
GOLD = {
    "schema": "docalign.gold/1",
    "id": "x",
    "document": {
        "schema": "docalign.document/1",
        "source": "x",
        "sha256": "",
        "text": "One\n\nwords here\n\nTwo\n\nmore words",
        "blocks": [
            {"id": 0, "start": 0, "end": 3, "kind": "heading", "level": 1},
            {"id": 1, "start": 5, "end": 15, "kind": "paragraph"},
            {"id": 2, "start": 17, "end": 20, "kind": "heading", "level": 1},
            {"id": 3, "start": 22, "end": 32, "kind": "paragraph"},
        ],
    },
    "starts": [0, 2],
    "counter": "words*1.35",
    "target_tokens": 4,
    "max_tokens": 8,
}


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"docalign {__version__}\n"


def test_no_arguments_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert capsys.readouterr().out.startswith("Usage: docalign")


def test_eval_measures_a_rule_on_gold_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text(json.dumps(GOLD) + "\n")
    assert run(["eval", str(gold), "--chunker", "kind+policy", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["documents"], report["boundary_f1"], report["lost_characters"]) == (1, 1.0, 0)
    assert run(["eval", str(gold), "--chunker", "every"]) == 0
    table = capsys.readouterr().out
    assert "boundary_f1" in table.splitlines()[0]
    assert "lost characters: 0" in table
    assert run(["eval", str(gold), "--chunker", "every", "--format", "xml"]) == 2


def test_models_are_listed_and_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCALIGN_CACHE", str(tmp_path))
    folder = tmp_path / "chunkers" / "mine"
    folder.mkdir(parents=True)
    (folder / "docalign.json").write_text('{"about": "a test"}')
    assert run(["models", "list"]) == 0
    assert any(line.startswith("mine ") for line in capsys.readouterr().out.splitlines())
    assert run(["models", "list", "--json"]) == 0
    assert "mine" in {model["name"] for model in json.loads(capsys.readouterr().out)}
    assert run(["models", "info", "mine"]) == 0
    assert json.loads(capsys.readouterr().out)["config"] == {"about": "a test"}


@pytest.mark.parametrize("command", [["train", "gold.jsonl", "--out", "x"], ["export", "x", "--out", "y"]])
def test_missing_extra_says_how_to_install_it(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docalign.commands.train, "find_spec", lambda p: None if p == "torch" else find_spec(p))
    assert run(command) == 2
    assert "this command needs torch" in (err := capsys.readouterr().err)
    assert "pip install '.[train]'" in err


def test_settings_and_options_have_the_same_names() -> None:
    """What the configuration file offers is what the Python API offers, so neither can drift."""

    def names(kind: type) -> set[str]:
        return {field.name for field in fields(kind)}

    assert names(IngestSettings) == names(IngestOptions)
    assert names(ChunkSettings) - {"format"} == names(ChunkOptions)


def test_progress_is_drawn_on_a_terminal_and_never_into_the_result(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One.\n\nTwo.\n")
    plain = [sys.executable, "-m", "tests.support.standins", "chunk", str(tmp_path / "a.txt")]
    expected = subprocess.run(plain, capture_output=True, cwd=ROOT, check=True)
    assert expected.stderr == b""
    for options, drawn in (([], True), (["--quiet"], False)):
        master, slave = pty.openpty()
        done = subprocess.run(
            [*plain, *options],
            stdout=subprocess.PIPE,
            stderr=slave,
            cwd=ROOT,
            check=True,
            env=os.environ | {"TERM": "xterm"},
        )
        os.write(slave, b"END")
        os.close(slave)
        shown = b""
        while not shown.endswith(b"END"):
            shown += os.read(master, 4096)
        os.close(master)
        assert done.stdout == expected.stdout
        assert (b"chunking a.txt" in shown) is drawn
