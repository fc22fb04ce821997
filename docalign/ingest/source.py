"""Where an input comes from: a path, bytes or standard input, as a file on disk that readers can open by path.

Checks what needs no parsing: that there is something, and not too much of it.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from docalign.errors import EmptyInputError, LimitExceededError, MissingInputError, OutputError, UsageError
from docalign.ingest.options import IngestOptions
from docalign.special_files import special_file

__all__ = ["SourceFile", "as_file"]

_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file on disk, the sha256 of its bytes, and what the system said of it when they were read."""

    path: Path
    sha256: str
    stamp: tuple[int, int, int]

    def unchanged(self) -> bool:
        """Whether the file is, as far as the system tells, still the one that was hashed."""
        try:
            return _stamp(self.path) == self.stamp
        except OSError:
            return False


@contextmanager
def as_file(source: str | Path | bytes, options: IngestOptions) -> Iterator[SourceFile]:
    """The source as a file that is neither empty nor too large; bytes and standard input in a temporary one.

    Raises:
        MissingInputError: it cannot be read. UsageError: it is a directory, a pipe, a socket or a device.
        EmptyInputError: no bytes.
        LimitExceededError: more than `max_bytes`. OutputError: no room for the temporary file.
    """
    if isinstance(source, bytes):
        if len(source) > options.max_bytes:
            raise _too_many_bytes(options)
        with _spooled([source]) as spooled:
            yield spooled
    elif str(source) == "-":
        with _spooled(_pieces(sys.stdin.buffer, options)) as spooled:
            yield spooled
    else:
        yield _hashed(Path(source), options)


def _stamp(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _hashed(path: Path, options: IngestOptions) -> SourceFile:
    if path.is_dir():
        raise UsageError("this is a directory.", remedy="Name a file in it.")
    problem = special_file(path)
    if problem is not None:
        raise problem
    digest = hashlib.sha256()
    try:
        stamp = _stamp(path)
        with path.open("rb") as file:
            for piece in _pieces(file, options):
                digest.update(piece)
    except FileNotFoundError as error:
        raise MissingInputError("there is no such file.", remedy="Check the path.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MissingInputError(f"the file cannot be read ({reason}).", remedy="Check its permissions.") from error
    return SourceFile(path, digest.hexdigest(), stamp)


def _pieces(file: BinaryIO, options: IngestOptions) -> Iterator[bytes]:
    total = 0
    while piece := file.read(_PIECE):
        total += len(piece)
        if total > options.max_bytes:
            raise _too_many_bytes(options)
        yield piece
    if total == 0:
        raise EmptyInputError("the file is empty (0 bytes).", remedy="Check how it was made.")


def _too_many_bytes(options: IngestOptions) -> LimitExceededError:
    return LimitExceededError(f"it has more than {options.max_bytes} bytes.", remedy="Raise max_bytes or split it.")


@contextmanager
def _spooled(pieces: Iterator[bytes] | list[bytes]) -> Iterator[SourceFile]:
    """Bytes in a temporary file, because workers open files by path."""
    digest = hashlib.sha256()
    total = 0
    with _temporary() as (file, path):
        for piece in pieces:
            digest.update(piece)
            total += len(piece)
            _write_all(file, piece)
        if total == 0:
            raise EmptyInputError("the input is empty (0 bytes).", remedy="Check how it was made.")
        yield SourceFile(path, digest.hexdigest(), _stamp(path))


@contextmanager
def _temporary() -> Iterator[tuple[BinaryIO, Path]]:
    """A file that is gone afterwards; unbuffered, so that what cannot be written is known at once."""
    try:
        file = tempfile.NamedTemporaryFile(prefix="docalign-", buffering=0, delete=False)  # noqa: SIM115
    except OSError as error:
        raise _no_room(error) from error
    path = Path(file.name)
    try:
        with file:
            yield cast(BinaryIO, file), path
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[file.write(view) :]
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> OutputError:
    return OutputError(
        f"the input cannot be copied to the temporary folder ({error.strerror or error}).",
        remedy="Free space there, or set TMPDIR to another folder.",
    )
