"""A chunker without a model, and saboteurs: what the command line is tested with where the LLM is not the subject.

As a script it is `docalign` with the stand-in: `python -m tests.support.standins [--slow-after-first] ARGS`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import docalign.chunker
from docalign.chunk import Chunk
from docalign.document import Document
from docalign.errors import ModelMissingError

__all__ = ["StandInChunker", "main"]


class StandInChunker:
    """One chunk a block; sizes are ignored. `crash_on` names a document to fail on.

    With `slow_after_first` the second document says so on standard output and then takes an hour: a fixed point at
    which to interrupt or kill.
    """

    model_name = "stand-in"
    tokenizer = "chars"
    crash_on = ""
    slow_after_first = False
    documents = 0

    @classmethod
    def load(cls, path: Any) -> StandInChunker:
        if path == "missing":
            raise ModelMissingError("there is no chunker model at 'missing'.", remedy="Name another.")
        return cls()

    def identity(self) -> dict[str, Any]:
        return {"model": self.model_name, "tokenizer": "words"}

    def chunk(
        self, document: Document, options: Any, progress: Callable[[int, int], None] | None = None
    ) -> list[Chunk]:
        self.documents += 1
        if self.slow_after_first and self.documents == 2:
            print("second document", flush=True)
            time.sleep(3600)
        if document.source == self.crash_on:
            raise ZeroDivisionError("sabotage")
        starts = [0] + [b.start for b in document.blocks[1:]]
        ends = [*starts[1:], len(document.text)]
        chunks = []
        for i, (block, start, end) in enumerate(zip(document.blocks, starts, ends, strict=True)):
            if progress:
                progress(i + 1, len(document.blocks))
            text = document.text[start:end]
            chunks.append(
                Chunk(
                    id=f"{i:016x}",
                    doc=document.source,
                    index=i,
                    text=text,
                    start=start,
                    end=end,
                    tokens=len(text.split()),
                    headings=(),
                    pages=tuple({r.page: None for r in block.boxes}),
                    boxes=block.boxes,
                    blocks=(block.id,),
                    confidence=block.confidence,
                    boundary=1.0 if i == 0 else 0.5,
                )
            )
        return chunks


def main() -> None:
    """The docalign command with the stand-in in the chunker's place."""
    from docalign.cli import run

    arguments = sys.argv[1:]
    if arguments[:1] == ["--slow-after-first"]:
        StandInChunker.slow_after_first = True
        del arguments[0]
    docalign.chunker.Chunker = StandInChunker  # type: ignore[misc,assignment,unused-ignore]
    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
