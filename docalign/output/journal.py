"""Which results of a batch are finished, so that a rerun skips them.

A hidden file in the output folder gets one line for each finished result: the input's hash, the settings' fingerprint
and the hash of the bytes written. A result counts as finished only while all three still hold, so the line needs no
lock-step with the rename: killed between the two, a run leaves a result without a line, and the next run writes the
same bytes again. A torn last line is ignored. The result files themselves hold nothing but the fixed schema.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docalign.output.atomic import output_error

__all__ = ["Journal", "file_sha256", "fingerprint"]

FILE_NAME: Final = ".docalign-journal.jsonl"


@dataclass(frozen=True, slots=True)
class _Entry:
    """Hex hashes of the input's bytes, of the settings, and of the result's bytes."""

    input: str
    settings: str
    result: str


class Journal:
    """The finished results below one output folder; `result` is always a path relative to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / FILE_NAME
        self._entries = _read(self._path)

    def is_finished(self, result: Path, *, input_sha256: str, settings: str) -> bool:
        """Whether `result` was written from this input with these settings, and still has those bytes."""
        entry = self._entries.get(result.as_posix())
        if entry is None or (entry.input, entry.settings) != (input_sha256, settings):
            return False
        path = self._folder / result
        return path.is_file() and file_sha256(path) == entry.result

    def finish(self, result: Path, data: bytes, *, input_sha256: str, settings: str) -> None:
        """Record that `data` now stands at `result`.

        Raises:
            OutputError: the line cannot be written.
        """
        entry = _Entry(input_sha256, settings, hashlib.sha256(data).hexdigest())
        line = {"path": result.as_posix(), "input": entry.input, "settings": entry.settings, "result": entry.result}
        try:
            with self._path.open("ab") as file:
                # The blank line before heals a line that a killed run tore.
                file.write(b"\n" + json.dumps(line).encode("ascii") + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise output_error(error, str(self._path)) from error
        self._entries[result.as_posix()] = entry


def fingerprint(settings: Any) -> str:
    """A hex hash of everything besides the input that decides the bytes of a result; `settings` is JSON-like."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode("utf-8")).hexdigest()


def file_sha256(path: Path) -> str:
    """The hex hash of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> dict[str, _Entry]:
    entries: dict[str, _Entry] = {}
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return entries
    except OSError as error:
        raise output_error(error, str(path)) from error
    for line in lines:
        try:
            value = json.loads(line)
            entries[value["path"]] = _Entry(value["input"], value["settings"], value["result"])
        except (ValueError, KeyError, TypeError):
            continue  # torn by a kill, or not ours: the result it spoke of is written again
    return entries
