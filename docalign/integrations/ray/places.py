"""Where a corpus and its chunks lie: a folder that every machine sees, or an address pyarrow knows (s3://, gs://)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from docalign.errors import DocalignError, EmptyInputError, LimitExceededError, MissingInputError, UsageError
from docalign.output.parquet import arrow
from docalign.special_files import special_file

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

__all__ = ["Place", "fetched", "is_address", "listed", "opened", "sha256_of"]

_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """A file of the corpus; `name` is what results call it. `where` is a path or an address."""

    name: str
    where: str


def is_address(argument: str) -> bool:
    return "://" in argument


def opened(where: str) -> tuple[FileSystem, str]:
    """The file system of a path or an address, and the path in it.

    Raises:
        UsageError: no such kind of address is known here. MissingInputError: its store does not answer.
    """
    arrow()
    from pyarrow import fs

    if not is_address(where):
        return fs.LocalFileSystem(), str(Path(where).absolute())
    try:
        found: tuple[FileSystem, str] = fs.FileSystem.from_uri(where)
    except (ValueError, NotImplementedError) as error:
        raise UsageError(
            f"is no address that pyarrow can open ({str(error).splitlines()[0][:200]}).",
            source=where,
            remedy="Use s3://, gs://, abfs://, hdfs:// or file://.",
        ) from error
    except OSError as error:
        raise MissingInputError(_said(error), source=where, remedy="Check the address and its credentials.") from error
    return found


def listed(where: str, suffixes: Collection[str]) -> list[Place]:
    """The files at an address whose suffix is one of `suffixes`, sorted by name; hidden ones are left out.

    Raises:
        MissingInputError: nothing is there. EmptyInputError: nothing to read is.
    """
    from pyarrow import fs

    system, root = opened(where)
    try:
        if system.get_file_info(root).type == fs.FileType.File:
            return [Place(PurePosixPath(root).name, where)]
        infos = system.get_file_info(fs.FileSelector(root, recursive=True))
    except OSError as error:
        raise MissingInputError(_said(error), source=where, remedy="Check the address and its credentials.") from error
    base = where.rstrip("/")
    found = []
    for info in infos:
        relative = PurePosixPath(info.path).relative_to(PurePosixPath(root))
        hidden = any(part.startswith(".") for part in relative.parts)
        if info.type == fs.FileType.File and not hidden and relative.suffix.lower() in suffixes:
            found.append(Place(str(relative), f"{base}/{quote(str(relative))}"))
    if not found:
        raise EmptyInputError("there is no file to read in it.", source=where, remedy="Check the address.")
    return sorted(found, key=lambda place: place.name)


def fetched(where: str, max_bytes: int) -> bytes:
    """The bytes at an address.

    Raises:
        MissingInputError: they cannot be read. LimitExceededError: more than `max_bytes`.
    """
    system, path = opened(where)
    pieces, total = [], 0
    try:
        with system.open_input_stream(path) as stream:
            while piece := stream.read(_PIECE):
                total += len(piece)
                if total > max_bytes:
                    raise LimitExceededError(
                        f"it has more than {max_bytes} bytes.", remedy="Raise max_bytes or split it."
                    )
                pieces.append(piece)
    except OSError as error:
        raise MissingInputError(_said(error), remedy="Check the address and its credentials.") from error
    return b"".join(pieces)


def sha256_of(where: str) -> str | None:
    """The hex hash of what is at a place; None where it cannot be read, which reading it will explain."""
    if not is_address(where) and special_file(Path(where)) is not None:
        return None
    digest = hashlib.sha256()
    try:
        system, path = opened(where)
        with system.open_input_stream(path) as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
    except (OSError, DocalignError):
        return None
    return digest.hexdigest()


def _said(error: OSError) -> str:
    return f"cannot be read ({str(error).splitlines()[0][:200]})."
