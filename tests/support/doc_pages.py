"""The pages that people read, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from docalign.cli import _attached, app

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]

_BLOCK = re.compile(r"^(?:<!-- not run: (?P<why>[^>]+) -->\n)?^```(?P<kind>sh|python)\n(?P<text>.*?)^```", re.M | re.S)


@dataclass(frozen=True)
class Code:
    """A block of shell or Python on a page; `why` says why it is not run, where it is not."""

    page: str
    kind: str
    text: str
    why: str | None


def blocks(page: Path, kind: str) -> list[Code]:
    found = _BLOCK.finditer(page.read_text("utf-8"))
    return [Code(page.name, kind, m["text"], m["why"]) for m in found if m["kind"] == kind]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command, without assignments before it, remarks, and where its output goes."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"\s\|\s", line):
            words = shlex.split(re.sub(r"\s2?>>?\s.*$", "", part), comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                words.pop(0)
            if words:
                yield words


def parsed(words: list[str]) -> Any:
    """A `docalign` command line as its command reads it; nothing is run.

    Raises:
        typer.TyperException: no such command or option, or something it needs is missing.
    """
    command: Any = typer.main.get_command(app)
    given = _attached(words[1:])
    while hasattr(command, "commands") and given and not given[0].startswith("-"):
        name = given.pop(0)
        assert name in command.commands, f"there is no command {name!r} in: {shlex.join(words)}"
        command = command.commands[name]
    return command.make_context(shlex.join(words[:-1]), given)
