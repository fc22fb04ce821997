"""Pages kept from earlier runs: small files named by a key that holds everything the page depends on (`cache_key`).

The cache never stands in the way: an entry that is damaged in any way counts as missing and is written anew; a folder
that cannot be used is given up for the rest of the file, with one warning. Entries appear by renaming, so any number
of processes may share a folder. Its size stays bounded because each of its 256 subfolders does, by letting the entries
go that were not used for longest.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from docalign.ingest.work.codec import decode, encode

__all__ = ["PageCache", "default_directory"]

_T = TypeVar("_T")
_MAGIC: Final = b"docalign.page/1\n"
_SUM: Final = hashlib.sha256().digest_size
_MIB: Final = 1 << 20
_SHARDS: Final = 256
_LEVEL: Final = 1
_MOST_BYTES: Final = 256 * _MIB
"""No entry unpacks to more: only a forged one would."""


def default_directory() -> Path:
    """`$XDG_CACHE_HOME/docalign/pages`, or below `~/.cache`.

    Raises:
        OSError: there is no home directory.
    """
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(home) if home and Path(home).is_absolute() else Path.home() / ".cache"
    except RuntimeError as error:
        raise OSError(str(error)) from error
    return base / "docalign" / "pages"


class PageCache:
    """Values by key in `directory` (default: `default_directory`), at most `most_mib` of them.

    `problem` says why the cache was given up, once it was.
    """

    def __init__(self, directory: Path | None, most_mib: int) -> None:
        self.problem: str | None = None
        self._most_in_shard = max(1, most_mib * _MIB // _SHARDS)
        try:
            self._directory: Path | None = directory or default_directory()
        except OSError as error:
            self._give_up(error)

    def has(self, key: str) -> bool:
        """Whether something is kept under `key`; it may turn out to be damaged."""
        return self._directory is not None and self._path(self._directory, key).is_file()

    def get(self, key: str, kind: type[_T]) -> _T | None:
        """The value kept under `key`, None without one that is whole."""
        if self._directory is None:
            return None
        path = self._path(self._directory, key)
        try:
            with path.open("rb") as file:
                data = file.read(self._most_in_shard + 1)
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._give_up(error)
            return None
        return _unpacked(data, key, kind)

    def put(self, key: str, kind: type[_T], value: _T) -> None:
        """Keep a value, unless it is too large for this cache."""
        if self._directory is None:
            return
        try:
            data = _packed(key, encode(kind, value))
        except (TypeError, ValueError, NameError) as error:  # a reader's mistake, which must not cost the file
            self.problem = f"a page cannot be kept in the page cache ({error})."
            return
        if len(data) > self._most_in_shard:
            return
        path = self._path(self._directory, key)
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _make_room(path.parent, self._most_in_shard - len(data))
            _write(path, data)
        except OSError as error:
            self._give_up(error)

    @staticmethod
    def _path(directory: Path, key: str) -> Path:
        return directory / key[:2] / f"{key[2:]}.page"

    def _give_up(self, error: OSError) -> None:
        self._directory = None
        reason = error.strerror or str(error)
        self.problem = f"the page cache cannot be used ({reason}); set cache_dir, or use_cache to false."


def _packed(key: str, value: bytes) -> bytes:
    body = zlib.compress(value, _LEVEL)
    return _MAGIC + hashlib.sha256(key.encode() + body).digest() + body


def _unpacked(data: bytes, key: str, kind: type[_T]) -> _T | None:
    start = len(_MAGIC) + _SUM
    body = data[start:]
    if not data.startswith(_MAGIC) or data[len(_MAGIC) : start] != hashlib.sha256(key.encode() + body).digest():
        return None
    try:
        unpacker = zlib.decompressobj()
        value = unpacker.decompress(body, _MOST_BYTES)
        found: _T | None = decode(kind, value) if unpacker.eof else None
    except (zlib.error, ValueError, TypeError, NameError, AttributeError, RecursionError):
        return None
    return found


def _write(path: Path, data: bytes) -> None:
    """The whole file or none of it."""
    handle, name = tempfile.mkstemp(prefix="new-", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _make_room(folder: Path, most: int) -> None:
    """Delete what was not used for longest, files of killed processes too, until `most` bytes are left."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                stat = entry.stat(follow_symlinks=False)
                found.append((stat.st_mtime_ns, entry.name, stat.st_size))
    total = sum(size for _, _, size in found)
    for _, name, size in sorted(found):
        if total <= most:
            break
        (folder / name).unlink(missing_ok=True)
        total -= size
