"""Where Ray Data hands rows over to be written, a part a task. A module of its own: it needs a class of Ray's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ray.data import Datasink

from docalign.integrations.ray.parts import Parts
from docalign.output.parquet import arrow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PartsSink"]


class PartsSink(Datasink[str]):
    """Writes `ChunkDocuments`' rows, at least `files` of them a part but for the last."""

    def __init__(self, out: str, settings: str, files: int) -> None:
        self._out, self._settings, self._files = out, settings, files

    @property
    def min_rows_per_write(self) -> int:
        return self._files

    def write(self, blocks: Iterable[pa.Table], ctx: Any) -> str:  # noqa: ARG002 - Ray's signature
        tables = [block for block in blocks if block.num_rows]
        if not tables:
            return ""
        return Parts(self._out).write(arrow().concat_tables(tables), self._settings)
