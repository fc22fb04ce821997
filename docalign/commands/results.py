"""Where one result goes: standard output, in bytes and flushed, or a file, whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from docalign.errors import UsageError
from docalign.output.atomic import clean_stale, output_error, write_atomic

__all__ = ["STDOUT", "ReaderGoneError", "keep_inputs", "out_path", "write_result", "write_stdout"]

STDOUT: Final = "-"


def out_path(out: str | None, inputs: Iterable[str | Path | None] = ()) -> Path | None:
    """The value of --out as a path; None for standard output.

    Args:
        inputs: what the command reads, which its result must not replace (None and names of no file are passed over).

    Raises:
        UsageError: it is empty, or one of `inputs`.
    """
    if out == "":
        raise UsageError("--out is empty.", remedy="Name a file or folder, or leave it out.")
    if out is None or out == STDOUT:
        return None
    keep_inputs([Path(out)], inputs)
    return Path(out)


def keep_inputs(places: Iterable[Path], inputs: Iterable[str | Path | None]) -> None:
    """Before any work: no result may replace what it is made of.

    Raises:
        UsageError: one of `places` is one of `inputs`, by whatever name.
    """
    read = [Path(name) for name in inputs if name]
    for place in places:
        if any(_same_file(place, path) for path in read):
            raise UsageError("is the input itself; it would be lost.", source=str(place), remedy="Name another file.")


def _same_file(place: Path, path: Path) -> bool:
    try:
        return place.is_file() and place.samefile(path)
    except (OSError, ValueError):  # one of them is not there, or cannot be: reading and writing say so
        return False


class ReaderGoneError(Exception):
    """Whoever read standard output (`| head`) has what it wanted: a reason to stop, no failure."""


def write_result(data: bytes, out: Path | None) -> None:
    """Write to the file `out`, or to standard output where it is None.

    Raises:
        OutputError: the result cannot be written; nothing half-written is left in a file.
        ReaderGoneError: the reader of standard output has gone.
    """
    if out is None:
        write_stdout(data)
        return
    if out.parent.is_dir():
        clean_stale(out.parent)
    write_atomic(out, data)


def write_stdout(data: bytes) -> None:
    """Write and flush, so that a full disk or a closed pipe shows here and not at exit.

    Raises:
        OutputError: standard output cannot be written (disk full).
        ReaderGoneError: its reader has gone.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        # Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ReaderGoneError from error
    except OSError as error:
        raise output_error(error, "standard output") from error
