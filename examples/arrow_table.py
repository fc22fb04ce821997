"""Chunks as an Arrow table, written as Parquet: python examples/arrow_table.py [FILE [OUT.parquet]]"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.parquet

from docalign.chunker import Chunker, ChunkOptions
from docalign.ingest import ingest
from docalign.integrations.arrow import table_of

REPORT = Path(__file__).parent.parent / "data" / "samples" / "report.pdf"


def main(file: str, out: str | None = None) -> None:
    document = ingest(file)
    table = table_of(Chunker.load().chunk(document, ChunkOptions(max_tokens=200)))
    for row in table.select(["start", "end", "text", "pages"]).to_pylist():
        assert document.text[row["start"] : row["end"]] == row["text"]
        print(row["start"], row["pages"], repr(row["text"][:40]))
    if out:
        pyarrow.parquet.write_table(table, out)


if __name__ == "__main__":
    main(*(sys.argv[1:] or [str(REPORT)]))
