"""Commands and code on the pages people read: what can runs on the samples; the rest is what the commands accept."""

from __future__ import annotations

import importlib.util
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from docalign.cli import run
from tests.support.doc_pages import PAGES, ROOT, Code, blocks, commands, parsed

OWN_TEST = {
    "README.md": "its commands need services, clusters and files of other people",
    "alignment.md": "tests/unit/test_align_walk.py",
    "your-own-chunker.md": "tests/unit/test_walk.py",
}
"""Pages whose shell blocks are run elsewhere, or not at all."""
KNOWN = {"accelerate", "curl", "docalign", "make", "pip", "python"}
SHELL = [block for page in PAGES for block in blocks(page, "sh")]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
NEEDS = {"docalign.integrations.langchain": "langchain_text_splitters"}
"""Module that a block of Python imports → what must be installed for it."""


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the names that the pages use, as working directory."""
    for name in ("report.pdf", "contract.pdf", "letter.jpg"):
        shutil.copyfile(ROOT / "data" / "samples" / name, tmp_path / name)
    (tmp_path / "archive").mkdir()
    shutil.copyfile(tmp_path / "contract.pdf", tmp_path / "archive" / "contract.pdf")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_one_that_is_there(page: Path) -> None:
    for block in blocks(page, "sh"):
        for words in commands(block.text):
            assert words[0] in KNOWN, f"{page.name}: what is {words[0]}?"
            if words[0] == "docalign":
                parsed(words)
            if words[0] == "make":
                assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text("utf-8"), re.M), words
            if words[0] == "python":
                assert (ROOT / words[1]).is_file(), words
            if words[0] == "pip":
                named = re.findall(r"\[([\w,-]+)\]", words[-1])
                assert {extra for names in named for extra in names.split(",")} <= set(EXTRAS)


def test_a_command_that_is_not_there_is_seen() -> None:
    with pytest.raises(Exception, match="--no-such-option"):
        parsed(["docalign", "chunk", "a.pdf", "--no-such-option"])
    with pytest.raises(AssertionError, match="no-such-command"):
        parsed(["docalign", "no-such-command"])


@pytest.mark.parametrize(
    "block", [b for b in SHELL if b.why is None and b.page not in OWN_TEST], ids=lambda b: f"{b.page}-{b.text[:30]!r}"
)
def test_a_shell_block_runs(block: Code, samples: Path, quick_model: None, capfd: pytest.CaptureFixture[str]) -> None:
    for line in block.text.splitlines():
        for words in commands(line):
            if words[0] != "docalign":
                continue
            status, printed = run(words[1:]), capfd.readouterr()
            assert status == 0, printed.err
            if "> " in line:
                (samples / line.split("> ")[1].strip()).write_text(printed.out, "utf-8")
            elif "--out" not in words:
                assert printed.out.strip()


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, samples: Path, quick_model: None) -> None:
    known: dict[str, object] = {"text": "# One\n\nText.\n\n# Two\n\nMore of it."}
    for block in blocks(page, "python"):
        for module, needed in NEEDS.items():
            if module in block.text and importlib.util.find_spec(needed) is None:
                pytest.skip(f"{needed} is not installed")
        exec(compile(block.text, page.name, "exec"), known)
