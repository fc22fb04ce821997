"""The output of a corpus: Parquet in parts, each some files' chunks and what became of those files.

    OUT/chunks/part-ID.parquet   rows of `docalign.chunk/1`
    OUT/files/part-ID.parquet    a row a file: sha256, settings, number of chunks and pages, warnings, its error if any

A part is finished when its second file is there: it is written last. Both are whole or not there (synced and renamed on
a disk, and object stores show nothing before the end). Every run begins by bringing the output in order: what a killed
run left half-done goes, and so does what is stale, failed, or there twice; where a part holds other files as well, it
is written anew with those alone. So a corpus is completed by running again, and no row is there twice when a run is
over.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from docalign.errors import OutputError
from docalign.integrations.ray.places import is_address, opened
from docalign.output.atomic import clean_stale, write_atomic
from docalign.output.parquet import arrow, chunk_table, without_surrogates

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Done", "Parts"]

_PREFIX: Final = "part-"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a file: `sha256` of its bytes, the settings' fingerprint, and whether there is an error."""

    doc: str
    sha256: str | None
    settings: str
    failed: bool


class Parts:
    """The parts below one place. Any process may write; one at a time may bring it in order."""

    def __init__(self, out: str) -> None:
        """
        Raises:
            UsageError: no such kind of address.
        """
        self._out = out
        self._system, self._root = opened(out)
        self._local = not is_address(out)

    def write(self, rows: pa.Table, settings: str) -> str:
        """Write a part of `ChunkDocuments`' rows, and give its name.

        Raises:
            OutputError: it cannot be written.
        """
        made = rows.to_pylist()
        files = arrow().Table.from_pylist([_file_row(row, settings) for row in made], schema=_files_schema())
        return self._write(files, chunk_table(line for row in made for line in row["lines"].splitlines()))

    def done(self) -> Iterator[Done]:
        """What is finished, in no order.

        Raises:
            OutputError: it cannot be read.
        """
        for _, table in self._finished():
            for row in table.select(["doc", "sha256", "settings", "error"]).to_pylist():
                yield Done(row["doc"], row["sha256"], row["settings"], row["error"] is not None)

    def bring_in_order(self, keep: Callable[[Done], bool]) -> None:
        """Leave only what is whole, is there once, and is to be kept.

        Raises:
            OutputError: it cannot be read or written.
        """
        self._clean()
        seen: set[str] = set()
        for name, table in self._finished():
            rows = table.to_pylist()
            kept = []
            for row in rows:
                done = Done(row["doc"], row["sha256"], row["settings"], row["error"] is not None)
                if done.doc not in seen and keep(done):
                    kept.append(row)
                    seen.add(done.doc)
            if len(kept) < len(rows):
                self._replace(name, kept)

    def failures(self) -> list[dict[str, Any]]:
        """The errors, as they are written beside results, by name of the file."""
        found = [
            row
            for _, table in self._finished()
            for row in table.select(["doc", "error", "what", "remedy", "exit_code"]).to_pylist()
            if row["error"] is not None
        ]
        return sorted(found, key=lambda row: str(row["doc"]))

    def _replace(self, name: str, kept: Sequence[dict[str, Any]]) -> None:
        """Another part in place of this one, with `kept` of its files; none where nothing is kept."""
        if kept:
            wanted = {row["doc"] for row in kept}
            chunks = self._read("chunks", name).to_pylist()
            left = [chunk for chunk in chunks if chunk["doc"] in wanted]
            pa = arrow()
            self._write(
                pa.Table.from_pylist(list(kept), schema=_files_schema()),
                pa.Table.from_pylist(left, schema=chunk_table(()).schema),
            )
        for kind in ("files", "chunks"):
            self._delete(kind, name)

    def _write(self, files: pa.Table, chunks: pa.Table) -> str:
        told = [[row["doc"], row["sha256"], row["settings"], row["error"]] for row in files.to_pylist()]
        digest = hashlib.sha256(json.dumps(sorted(told, key=str)).encode()).hexdigest()
        name = f"{_PREFIX}{digest[:16]}.parquet"
        self._put("chunks", name, chunks)
        self._put("files", name, files)
        return name

    def _finished(self) -> Iterator[tuple[str, pa.Table]]:
        for name in self._names("files"):
            yield name, self._read("files", name)

    def _clean(self) -> None:
        """Remove what killed runs left: temporary files, and chunks whose part was never finished."""
        finished = set(self._names("files"))
        for kind in ("chunks", "files"):
            folder = Path(self._root) / kind
            if self._local and folder.is_dir():
                clean_stale(folder)
        for name in self._names("chunks"):
            if name not in finished:
                self._delete("chunks", name)

    def _names(self, kind: str) -> list[str]:
        from pyarrow import fs

        try:
            infos = self._system.get_file_info(fs.FileSelector(f"{self._root}/{kind}", allow_not_found=True))
        except OSError as error:
            raise self._error(error) from error
        return sorted(name for info in infos if (name := PurePosixPath(info.path).name).startswith(_PREFIX))

    def _read(self, kind: str, name: str) -> pa.Table:
        import pyarrow.parquet

        try:
            return pyarrow.parquet.read_table(f"{self._root}/{kind}/{name}", filesystem=self._system)
        except (OSError, ValueError) as error:
            raise self._error(error) from error

    def _put(self, kind: str, name: str, table: pa.Table) -> None:
        import pyarrow.parquet

        buffer = io.BytesIO()
        pyarrow.parquet.write_table(table, buffer, compression="zstd")
        folder = f"{self._root}/{kind}"
        if self._local:
            write_atomic(Path(folder) / name, buffer.getvalue())
            return
        try:
            self._system.create_dir(folder, recursive=True)
            with self._system.open_output_stream(f"{folder}/{name}") as stream:
                stream.write(buffer.getvalue())
        except OSError as error:
            raise self._error(error) from error

    def _delete(self, kind: str, name: str) -> None:
        try:
            self._system.delete_file(f"{self._root}/{kind}/{name}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> OutputError:
        return OutputError(
            f"cannot be written or read ({str(error).splitlines()[0][:200]}).",
            source=self._out,
            remedy="Choose another place with --out, or remove what is damaged there.",
        )


def _files_schema() -> pa.Schema:
    pa = arrow()
    return pa.schema(
        [
            ("doc", pa.string()),
            ("sha256", pa.string()),
            ("settings", pa.string()),
            ("chunks", pa.int32()),
            ("pages", pa.int32()),
            ("warnings", pa.list_(pa.string())),
            ("error", pa.string()),
            ("what", pa.string()),
            ("remedy", pa.string()),
            ("exit_code", pa.int32()),
        ]
    )


def _file_row(row: dict[str, Any], settings: str) -> dict[str, Any]:
    error = json.loads(row["error"]) if row["error"] else {}
    values = {
        "doc": row["name"],
        "sha256": row["sha256"] or None,
        "settings": settings,
        "chunks": row["lines"].count(b"\n"),
        "pages": row["pages"],
        "warnings": json.loads(row["warnings"]),
        **{key: error.get(key) for key in ("error", "what", "remedy", "exit_code")},
    }
    return without_surrogates(values)  # type: ignore[no-any-return]
