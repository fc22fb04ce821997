"""Arrow: chunks as a `pyarrow.Table`, in the columns that `--format parquet` writes (extra `parquet`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from docalign.output.jsonout import render_jsonl
from docalign.output.parquet import chunk_table

if TYPE_CHECKING:
    import pyarrow as pa

    from docalign.chunk import Chunk

__all__ = ["table_of"]


def table_of(chunks: Sequence[Chunk]) -> pa.Table:
    """One row a chunk, `start` and `end` among the columns.

    Raises:
        UsageError: pyarrow is not installed.
    """
    return chunk_table(render_jsonl(chunks).splitlines())
