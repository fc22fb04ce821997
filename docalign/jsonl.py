"""JSON lines, plain or xz: the one reader and writer under gold lines, preferences and corpora.

It knows lines and JSON and nothing about what an object means; the callers turn `JsonLinesError` into the error
their reader expects.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from docalign.errors import MissingInputError
from docalign.output.atomic import atomic_file

__all__ = ["JsonLinesError", "read_json_lines", "write_lines"]


class JsonLinesError(ValueError):
    """Line `where` (`file:line`) is no JSON; caught and named by the readers of this package."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{where}: {what}")
        self.what = what
        self.where = where


def read_json_lines(
    path: str | Path, *, on_bad: Callable[[JsonLinesError], None] | None = None
) -> Iterator[tuple[str, Any]]:
    """`(file:line, value)` for each line that is not blank.

    Args:
        on_bad: is told of a line that is no JSON, and reading goes on; without it such a line is raised.

    Raises:
        MissingInputError: the file does not exist or may not be read.
        JsonLinesError: a line is not UTF-8 JSON, or the compressed file is damaged.
    """
    number = 0
    try:
        with _open(Path(path)) as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    value = _parse(line, f"{path}:{number}")
                except JsonLinesError as error:
                    if on_bad is None:
                        raise
                    on_bad(error)
                else:
                    yield f"{path}:{number}", value
    except (lzma.LZMAError, EOFError) as error:
        raise JsonLinesError(f"the xz stream is damaged after this line ({error}).", f"{path}:{number}") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise MissingInputError(f"cannot be read: {reason}.", source=str(path), remedy="Check the path.") from error


def write_lines(path: str | Path, lines: Iterable[str]) -> int:
    """Write `lines` to `path`, whole or not at all (see `output.atomic`); returns how many.

    xz when the name ends in `.xz`.

    Raises:
        OutputError: the file could not be written.
    """
    target, count = Path(path), 0
    with atomic_file(target) as whole, _compressed(whole) if target.suffix == ".xz" else nullcontext(whole) as file:
        for line in lines:
            count += 1
            file.write(line.encode("utf-8", "surrogatepass") + b"\n")
    return count


def _compressed(file: BinaryIO) -> AbstractContextManager[BinaryIO]:
    return lzma.open(file, "wb")  # type: ignore[return-value]  # it leaves `file` open


def _open(path: Path) -> BinaryIO:
    return lzma.open(path, "rb") if path.suffix == ".xz" else path.open("rb")  # type: ignore[return-value]


def _parse(line: bytes, where: str) -> Any:
    try:
        return json.loads(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise JsonLinesError(f"this line is not JSON ({error}).", where) from error
