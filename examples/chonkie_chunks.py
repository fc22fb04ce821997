"""Chunks with Chonkie's interface: python examples/chonkie_chunks.py [FILE.md]"""

from __future__ import annotations

import sys
from pathlib import Path

from docalign.integrations.chonkie import DocalignChunker

TEXT = "# Tides\n\nThe moon pulls.\n\n## Spring tides\n\nSun and moon pull together.\n\n# Winds\n\nThe sun heats.\n"


def main(file: str | None = None) -> None:
    text = Path(file).read_text("utf-8") if file else TEXT
    for chunk in DocalignChunker(chunk_size=40).chunk(text):
        assert text[chunk.start_index : chunk.end_index] == chunk.text
        print(chunk.start_index, chunk.token_count, chunk.metadata["headings"], repr(chunk.text[:40]))


if __name__ == "__main__":
    main(*sys.argv[1:])
