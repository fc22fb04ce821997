"""Readers of another package, good and bad, for tests of plugins and of readers that run in a worker."""

from __future__ import annotations

import os
from pathlib import Path

from docalign.document import Block, Document
from docalign.errors import EmptyInputError
from docalign.ingest.formats import Format
from docalign.ingest.options import IngestOptions

FLOW = Format("diary", "tests.support.readers:read_diary", (".diary",), "flow", (b"Dear diary",))
IN_PLACE = Format("diary", "tests.support.readers:read_diary", (".diary",), "text")
NO_SUFFIX = Format("anything", "tests.support.readers:read_diary", (), "flow")
NO_FORMAT = "diary"


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
