"""LlamaIndex nodes with exact offsets, from a text and from a file: python examples/llama_index_nodes.py [FILE]"""

from __future__ import annotations

import sys
from pathlib import Path

from llama_index.core.schema import Document

from docalign.integrations.llama_index import DocalignNodeParser, DocalignReader

REPORT = Path(__file__).parent.parent / "data" / "samples" / "report.pdf"
TEXT = "# Tides\n\nThe moon pulls.\n\n## Spring tides\n\nSun and moon pull together.\n\n# Winds\n\nThe sun heats.\n"


def main(file: str) -> None:
    parser = DocalignNodeParser(max_tokens=40)
    for node in parser.get_nodes_from_documents([Document(text=TEXT, metadata={"file_path": "tides.md"})]):
        assert TEXT[node.start_char_idx : node.end_char_idx] == node.text
        print(node.start_char_idx, node.metadata["headings"], repr(node.text[:40]))

    for node in DocalignReader(max_tokens=200).load_data(file):
        print(node.metadata["pages"], node.metadata["headings"], repr(node.text[:40]))


if __name__ == "__main__":
    main(*(sys.argv[1:] or [str(REPORT)]))
