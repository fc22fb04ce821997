"""Chunks as a Parquet table: the columns of `docalign.chunk/1`, one row a chunk.

Values are those of the JSON, rounded as there. Parquet's strings are UTF-8, which cannot carry the lone surrogates of
broken files: they become U+FFFD, so that offsets still hold. Needs pyarrow (extra `parquet`).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from docalign.errors import UsageError
from docalign.output.jsonout import render_jsonl

if TYPE_CHECKING:
    import pyarrow as pa

    from docalign.chunk import Chunk

__all__ = ["arrow", "chunk_schema", "chunk_table", "render_parquet", "without_surrogates"]

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def arrow() -> Any:
    """The module pyarrow.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed.",
            remedy="Run: pip install '.[parquet]' in the docalign folder",
        ) from error
    return pyarrow


def chunk_schema() -> pa.Schema:
    """The columns, `embed_text` always among them: null where it was not asked for."""
    pa = arrow()
    box = pa.struct([("page", pa.int32()), ("box", pa.list_(pa.float64()))])
    return pa.schema(
        [
            ("schema", pa.string()),
            ("id", pa.string()),
            ("doc", pa.string()),
            ("index", pa.int32()),
            ("text", pa.large_string()),
            ("start", pa.int64()),
            ("end", pa.int64()),
            ("tokens", pa.int32()),
            ("headings", pa.list_(pa.string())),
            ("pages", pa.list_(pa.int32())),
            ("boxes", pa.list_(box)),
            ("blocks", pa.list_(pa.int32())),
            ("confidence", pa.float64()),
            ("boundary", pa.float64()),
            ("embed_text", pa.large_string()),
        ]
    )


def chunk_table(lines: Iterable[bytes]) -> pa.Table:
    """`docalign.chunk/1` lines as a table."""
    rows = [without_surrogates(json.loads(line)) for line in lines]
    return arrow().Table.from_pylist(rows, schema=chunk_schema())


def render_parquet(chunks: Sequence[Chunk]) -> bytes:
    """One file of one table.

    Raises:
        UsageError: pyarrow is not installed.
    """
    arrow()
    import pyarrow.parquet

    file = io.BytesIO()
    pyarrow.parquet.write_table(chunk_table(render_jsonl(chunks).splitlines()), file, compression="zstd")
    return file.getvalue()


def without_surrogates(value: Any) -> Any:
    """`value` with every lone surrogate in its strings replaced."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {key: without_surrogates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_surrogates(inner) for inner in value]
    return value
