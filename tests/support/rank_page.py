"""The page over a store with something to judge: a digital PDF with pictures and a text, chunked by the stand-in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from docalign.chunker import ChunkOptions
from docalign.document import Document
from docalign.feedback.prepare import Preparation, Preparer
from docalign.store import Database
from tests.support.documents import document_of
from tests.support.policies import stand_in_chunker

__all__ = ["EVIL", "evil_document", "prepare", "serving"]

EVIL = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">&amp;{{ 7 * 7 }}"
_SENTENCE = "The committee reviewed the report and asked for a second sample. "


def evil_document() -> Document:
    """A text whose blocks, and whose very name, are markup."""
    parts = []
    for section in range(4):
        parts += [("heading2", f"{section + 1} {EVIL}"), *[("paragraph", f"{_SENTENCE * 3}{EVIL}")] * 3]
    made = document_of(parts)
    return Document(f"<b>{EVIL}</b>.txt", made.sha256, made.text, made.blocks)


def prepare(
    database: Database,
    tokenizer_path: Path,
    *documents: tuple[Document, list[bytes | None]],
    width: int = 2,
    comparisons: int = 3,
) -> int:
    """Tasks from these documents and pictures of their pages; how many."""
    asked = Preparation(ChunkOptions(max_tokens=300, target_tokens=200), width=width, comparisons=comparisons)
    preparer = Preparer(database, stand_in_chunker(tokenizer_path), asked=asked)
    return sum(preparer.add(document, pictures) for document, pictures in documents)


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[str]:
    """Serves `app` in a thread; gives its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    (listening,) = server.servers[0].sockets
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
