"""Readers of another package, good and bad, for tests of plugins and of readers that run in a worker."""

from __future__ import annotations

import os
from pathlib import Path

from docalign.document import Block, Document
from docalign.errors import EmptyInputError
from docalign.ingest.formats import Format
from docalign.ingest.options import IngestOptions
from docalign.ingest.page import PageContent, TextLine, Word
from tests.support.saboteur import act

FLOW = Format("diary", "tests.support.readers:read_diary", (".diary",), "flow", (b"Dear diary",))
IN_PLACE = Format("diary", "tests.support.readers:read_diary", (".diary",), "text")
NO_SUFFIX = Format("anything", "tests.support.readers:read_diary", (), "flow")
NO_FORMAT = "diary"
ROTTEN = Format("rotten pages", "tests.support.readers:RottenReader", (".rotten",), "paged")
"""A file whose lines are its pages; each says how its page behaves."""


class RottenReader:
    """Each page does what `saboteur.act` makes of its line, then holds that line."""

    def __init__(self, path: str, options: IngestOptions) -> None:
        self._acts = Path(path).read_text(encoding="utf-8").splitlines()
        if self._acts[0].startswith("open "):
            act(self._acts[0].removeprefix("open "))
        self.pages = len(self._acts)
        self.warnings: tuple[str, ...] = ()

    def size(self, index: int) -> tuple[float, float]:
        if self._acts[index] == "abort":
            os.abort()
        return 100.0 * (index + 1), 500.0

    def page(self, index: int) -> PageContent:
        said = act(self._acts[index])
        word = Word(
            str(said) if self._acts[index].startswith("babble") else str(said)[:40], (72.0, 72.0, 200.0, 84.0), 12.0
        )
        return PageContent(index + 1, *self.size(index), "text", lines=(TextLine((word,), word.box),))

    def close(self) -> None: ...


def read_diary(path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:
    """The file's text as one block; its second word may ask for trouble."""
    text = Path(path).read_text(encoding="utf-8")
    if "crash" in text:
        os._exit(17)
    if "hang" in text:
        while True:
            pass
    if "refuse" in text:
        raise EmptyInputError("the diary is empty.", remedy="Live a little.")
    end = len(text) - 1 if "overlap" in text else len(text)
    blocks = (Block(0, 0, end, "paragraph"),)
    return Document(source=source, sha256=sha256, text=text, blocks=blocks, warnings=(f"read by {os.getpid()}",))
