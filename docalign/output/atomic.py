"""Files that are either whole or not there.

A result is written to a hidden temporary file beside its target, synced, and renamed over it. The temporary file is
locked while its writer lives; one that nobody locks belongs to a killed run, and `clean_stale` removes it. A target
that is no regular file (a pipe, /dev/null) cannot be replaced and is written to directly.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

from docalign.errors import OutputError, OutputNameError

__all__ = ["clean_stale", "output_error", "write_atomic"]

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
    try:
        if path.exists() and not path.is_file():
            if path.is_dir():
                raise OutputNameError("is a directory.", source=str(path), remedy="Give --out a file name.")
            path.write_bytes(data)
            return
        target = path.resolve()  # so that a symbolic link keeps pointing where it did
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, data)
    except OSError as error:
        raise output_error(error, str(path)) from error


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


def _replace(target: Path, data: bytes) -> None:
    kept = os.fsdecode(os.fsencode(target.name)[:_KEPT_BYTES])  # the limit of a name is in bytes
    temporary = target.with_name(f".{kept}.{secrets.token_hex(6)}{_SUFFIX}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(data)
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
