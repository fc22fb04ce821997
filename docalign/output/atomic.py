"""Files that are either whole or not there.

A result is written to a hidden temporary file beside its target, synced, and renamed over it. The temporary file is
locked while its writer lives; one that nobody locks belongs to a killed run, and `clean_stale` removes it. A target
that is no regular file (a pipe, /dev/null) cannot be replaced and is written to directly. It knows bytes only, and
stands below everything that writes: chunks, reports, and the JSON lines of gold, preferences and rankings.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from docalign.errors import OutputError, OutputNameError, UsageError

__all__ = ["atomic_file", "clean_stale", "is_replaceable", "output_error", "place_beside", "write_atomic"]

_SUFFIX: Final = ".docalign-tmp"
_KEPT_BYTES: Final = 200

_ELSEWHERE: Final = "Choose another place with --out."
_FREE: Final = "Free some space, or choose another place with --out."
_ALLOW: Final = "Check the permissions of the folder, or choose another place with --out."
_REMEDIES: Final = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.EACCES: _ALLOW,
    errno.EPERM: _ALLOW,
    errno.EROFS: "The file system is read-only; choose another place with --out.",
}
_IN_THE_WAY: Final = "A file and a folder of the same name are in each other's way; remove or rename one."
_NAME_ERRORS: Final = {
    errno.ENAMETOOLONG: "Give the input a shorter name.",
    errno.EISDIR: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
}


def write_atomic(path: Path, data: bytes) -> None:
    """Put `data` at `path`, creating its folders; after a crash at any point `path` is the old file or the new one.

    Raises:
        OutputError: disk full, no permission, `path` is a directory. Nothing half-written is left.
    """
    with atomic_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to that becomes `path` when the block ends, as `write_atomic` puts it; when the block raises,
    `path` stays as it was.

    Raises:
        OutputError: as `write_atomic`.
    """
    try:
        if not is_replaceable(path):
            if path.is_dir():
                raise OutputNameError("is a directory.", source=str(path), remedy="Give --out a file name.")
            with path.open("wb") as file:
                yield file
            return
        target = path.resolve()  # so that a symbolic link keeps pointing where it did
        target.parent.mkdir(parents=True, exist_ok=True)
        with _replacing(target) as file:
            yield file
    except OSError as error:
        raise output_error(error, str(path)) from error


def is_replaceable(path: Path) -> bool:
    """Whether `path` is a regular file or nothing yet; a pipe or a device is written to, and has no file beside it."""
    return path.is_file() or not path.exists()


def place_beside(path: Path, name: str) -> Path:
    """Where a file called `name` is kept beside the result `path` until that is there; its folder is made.

    Raises:
        UsageError: `path` is a device or a pipe, beside which nothing is kept. OutputError: the folder cannot be made.
    """
    if not is_replaceable(path):
        raise UsageError("is no file.", source=str(path), remedy="Name one with --out: unfinished work is kept beside.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, str(path)) from error
    return path.with_name(name)


def clean_stale(directory: Path) -> None:
    """Remove the temporary files that killed runs left in `directory`; those of living writers stay.

    Raises:
        OutputError: the directory cannot be read or written.
    """
    try:
        for path in sorted(directory.glob(f".*{_SUFFIX}")):
            with contextlib.suppress(FileNotFoundError):  # another run may be cleaning too
                _remove_if_dead(path)
    except OSError as error:
        raise output_error(error, str(directory)) from error


def output_error(error: OSError, source: str) -> OutputError:
    """`error`, met while writing to `source`, as something a person can act on."""
    what = f"cannot be written ({error.strerror or error})."
    if error.errno in _NAME_ERRORS:
        return OutputNameError(what, source=source, remedy=_NAME_ERRORS[error.errno])
    return OutputError(what, source=source, remedy=_REMEDIES.get(error.errno or 0, _ELSEWHERE))


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    kept = os.fsdecode(os.fsencode(target.name)[:_KEPT_BYTES])  # the limit of a name is in bytes
    temporary = target.with_name(f".{kept}.{secrets.token_hex(6)}{_SUFFIX}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_if_dead(path: Path) -> None:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        path.unlink()
