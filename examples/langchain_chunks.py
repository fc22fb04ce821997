"""LangChain documents with exact offsets, from a text and from a file: python examples/langchain_chunks.py [FILE]"""

from __future__ import annotations

import sys
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.documents.base import Blob

from docalign.integrations.langchain import DocalignBlobParser, DocalignTextSplitter

REPORT = Path(__file__).parent.parent / "data" / "samples" / "report.pdf"
TEXT = "# Tides\n\nThe moon pulls.\n\n## Spring tides\n\nSun and moon pull together.\n\n# Winds\n\nThe sun heats.\n"


def main(file: str) -> None:
    splitter = DocalignTextSplitter(max_tokens=40)
    for part in splitter.split_documents([Document(TEXT, metadata={"source": "tides.md"})]):
        start = part.metadata["start_index"]
        assert TEXT[start : start + len(part.page_content)] == part.page_content
        print(start, part.metadata["headings"], repr(part.page_content[:40]))

    for part in DocalignBlobParser(max_tokens=200).lazy_parse(Blob.from_path(file)):
        print(part.metadata["pages"], part.metadata["headings"], repr(part.page_content[:40]))


if __name__ == "__main__":
    main(*(sys.argv[1:] or [str(REPORT)]))
