"""ZIP archives from strangers (Office, OpenDocument, EPUB): bounded before anything is inflated, read in memory only.

Nothing is ever written under a name from the archive, so names with `..` or a root are only names. The bounds are on
what the directory declares; Python's reader never inflates more than that.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docalign.errors import DamagedInputError, EncryptedInputError, LimitExceededError
from docalign.ingest.readers.safe_xml import check_entities, parse_xml

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

    from docalign.ingest.options import IngestOptions

__all__ = ["Archive", "open_archive"]

MAX_ENTRIES: Final = 20_000
MAX_DIRECTORY_BYTES: Final = 16 << 20
MAX_PART_BYTES: Final = 192 << 20
"""One XML part; its tree takes some ten times as much memory."""
MAX_RATIO: Final = 200
RATIO_FREE_BYTES: Final = 64 << 20
"""Below this any ratio is harmless: blank sheets and repeated XML compress a hundredfold."""
_END: Final = b"PK\x05\x06"
_SAVE: Final = "The file may be damaged; save it again and retry."


class Archive:
    """An opened archive whose directory has been checked."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self.names: frozenset[str] = frozenset(file.namelist())

    def read(self, name: str) -> bytes:
        """A part, whole.

        Raises:
            DamagedInputError: it is missing or broken. LimitExceededError: larger than a part may be.
        """
        try:
            info = self._file.getinfo(name)
            if info.file_size > MAX_PART_BYTES:
                raise _too_large(f"its part {name} is {info.file_size} bytes large, over {MAX_PART_BYTES}")
            return self._file.read(info)
        except KeyError as error:
            raise DamagedInputError(f"its part {name} is missing.", remedy=_SAVE) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
            raise DamagedInputError(f"its part {name} cannot be read ({error}).", remedy=_SAVE) from error

    def xml(self, name: str) -> ET.Element:
        """A part as XML."""
        return parse_xml(self.read(name), name)

    def check_xml(self) -> None:
        """Refuse entity declarations in every XML part, before a library parses them."""
        for name in sorted(self.names):
            if name.endswith((".xml", ".rels", ".vml")):
                check_entities(self.read(name), name)


@contextmanager
def open_archive(path: str | Path, options: IngestOptions) -> Iterator[Archive]:
    """Open the ZIP at `path`.

    Raises:
        DamagedInputError: no ZIP, or a broken one. EncryptedInputError: its parts are encrypted.
        LimitExceededError: too many parts, or they would inflate to too much.
    """
    _check_directory(Path(path))
    try:
        file = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise DamagedInputError(f"its ZIP structure is broken ({error}).", remedy=_SAVE) from error
    with file:
        _check_sizes(file.infolist(), options)
        yield Archive(file)


def _check_directory(path: Path) -> None:
    """The directory's own size, from the record at the file's end: it is parsed into memory whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 65_557))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise DamagedInputError(
            "its ZIP directory is missing: the file is truncated or damaged.", remedy="Copy or download it again."
        )
    count, length = struct.unpack("<HI", tail[at + 10 : at + 16])
    if count == 0xFFFF or length == 0xFFFFFFFF:  # ZIP64: the true numbers stand before it
        wide = tail.rfind(b"PK\x06\x06", 0, at)
        if wide >= 0 and len(tail) >= wide + 48:
            count, length = struct.unpack("<QQ", tail[wide + 32 : wide + 48])
    if count > MAX_ENTRIES:
        raise _too_large(f"its archive has {count} parts, over {MAX_ENTRIES}")
    if length > MAX_DIRECTORY_BYTES:
        raise _too_large(f"its archive's directory has {length} bytes, over {MAX_DIRECTORY_BYTES}")


def _check_sizes(infos: list[zipfile.ZipInfo], options: IngestOptions) -> None:
    if len(infos) > MAX_ENTRIES:
        raise _too_large(f"its archive has {len(infos)} parts, over {MAX_ENTRIES}")
    if any(info.flag_bits & 1 for info in infos):
        raise EncryptedInputError("its archive is encrypted with a password.", remedy="Save it without one.")
    inflated = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if inflated > options.max_bytes:
        raise _too_large(
            f"its archive would inflate to {inflated} bytes, over max_bytes ({options.max_bytes})", "Raise max_bytes."
        )
    if inflated > RATIO_FREE_BYTES and inflated > MAX_RATIO * max(packed, 1):
        raise _too_large(f"its archive would inflate from {packed} to {inflated} bytes, more than {MAX_RATIO}-fold")


def _too_large(
    what: str, remedy: str = "Check where it comes from; no office program writes that."
) -> LimitExceededError:
    return LimitExceededError(what + ".", remedy=remedy)
