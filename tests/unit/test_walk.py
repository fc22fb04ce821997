"""The documented walk from a folder of Markdown to a chunker of one's own, command for command, in miniature."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="the training extra is not installed")

from docalign.cli import run
from docalign.train.corpus import is_held_out
from tests.support.tiny_models import tiny_base

ROOT = Path(__file__).parents[2]
WALK = (ROOT / "docs" / "your-own-chunker.md").read_text("utf-8")
TINY = "layers = 1\nmax_steps = 4\nsave_steps = 2\nwarmup_steps = 0\nlearning_rate = 1e-3\ndev_lines = 2\n"

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def commands() -> list[list[str]]:
    """The command lines of the page's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", WALK, re.M | re.S)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line]


def notes(folder: Path) -> None:
    """Markdown of which one file falls into the held-out twentieth."""
    folder.mkdir()
    held_out = next(f"note{n}.md" for n in range(999) if is_held_out(f"note{n}.md"))
    for number, name in enumerate([held_out, *(f"part{n}.md" for n in range(9) if not is_held_out(f"part{n}.md"))]):
        body = "\n\n".join(
            f"## {k} Matter {k} of {number}\n\n"
            + "\n\n".join(f"In year {number * 100 + k * 10 + j} the {name} ran {j} times. " * 4 for j in range(3))
            for k in range(12)
        )
        (folder / name).write_text(f"# Note {number}\n\n{body}\n", "utf-8")


def test_every_command_of_the_walk_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    notes(tmp_path / "notes")
    tiny_base(tmp_path / "base")
    for recipe in re.findall(r"--recipe (\S+)", WALK):
        assert (ROOT / recipe).is_file()
    (tmp_path / "tiny.toml").write_text(TINY)
    done = []
    for program, command, *arguments in commands():
        assert program == "docalign"
        if command == "train":
            arguments[arguments.index("--recipe") + 1] = "tiny.toml"
            arguments += ["--base", "base"]
        assert run([command, *arguments]) == 0, (command, capfd.readouterr().err)
        done.append(command)
    assert {"data", "train", "export", "chunk", "eval"} <= set(done)
    chunks = [
        json.loads(line)
        for path in (tmp_path / "chunks").glob("*.chunks.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert {chunk["schema"] for chunk in chunks} == {"docalign.chunk/1"}
    assert (tmp_path / "mine" / "card.md").read_text("utf-8").startswith("# mine\n")
    assert "<html" in (tmp_path / "gold.html").read_text("utf-8")


def test_links_of_the_walk_lead_somewhere() -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", WALK):
        assert (ROOT / "docs" / link).exists(), link
