"""Files and texts through a Haystack pipeline that is saved and loaded: python examples/haystack_pipeline.py [FILE]"""

from __future__ import annotations

import sys
from pathlib import Path

from haystack import Document, Pipeline
from haystack.components.joiners import DocumentJoiner

from docalign.integrations.haystack import DocalignConverter, DocalignDocumentSplitter

REPORT = Path(__file__).parent.parent / "data" / "samples" / "report.pdf"
TEXT = "# Tides\n\nThe moon pulls.\n\n## Spring tides\n\nSun and moon pull together.\n\n# Winds\n\nThe sun heats.\n"


def main(file: str) -> None:
    pipeline = Pipeline()
    pipeline.add_component("read", DocalignConverter(max_tokens=200))
    pipeline.add_component("split", DocalignDocumentSplitter(max_tokens=40))
    pipeline.add_component("join", DocumentJoiner())
    pipeline.connect("read", "join")
    pipeline.connect("split", "join")
    # Haystack loads classes of modules that it is told to trust.
    pipeline = Pipeline.loads(pipeline.dumps(), allowed_modules=["docalign.integrations.haystack"])

    found = pipeline.run({"read": {"sources": [file]}, "split": {"documents": [Document(content=TEXT)]}})
    for part in found["join"]["documents"]:
        start = part.meta["split_idx_start"]
        if "source_id" in part.meta:  # of a text, offsets are those of the text
            assert TEXT[start : start + len(part.content)] == part.content
        print(start, part.meta["pages"], part.meta["headings"], repr(part.content[:40]))


if __name__ == "__main__":
    main(*(sys.argv[1:] or [str(REPORT)]))
