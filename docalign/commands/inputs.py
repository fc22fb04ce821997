"""Which files a command line names, and what each is called in the results.

One file (or `-`, standard input) is a single job; several files or a directory are a batch, whose names are paths
relative to the deepest folder that holds all of them. Directories are walked in sorted order; hidden files, files of
kinds no reader knows, and docalign's own results are passed over. Whether a file can be read is found out later.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from docalign.errors import EmptyInputError, UsageError

__all__ = ["STDIN", "Input", "Inputs", "expand"]

STDIN: Final = "-"

_OWN_RESULT: Final = re.compile(r"\.(chunks\.\w+|error\.json)$")


@dataclass(frozen=True, slots=True)
class Input:
    """A file to read, or standard input where `path` is None; `name` is what results call it."""

    name: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class Inputs:
    """The jobs of one command line. `passed_over` are files of unknown kinds in the directories it named."""

    jobs: tuple[Input, ...]
    is_batch: bool
    passed_over: tuple[Path, ...] = ()


def expand(arguments: Sequence[str], *, suffixes: Collection[str], out: Path | None = None) -> Inputs:
    """The jobs that `arguments` name.

    Args:
        suffixes: lower-case suffixes (`.pdf`) of the files to take from a directory; a file named itself is taken.
        out: the folder results go to, which is not walked.

    Raises:
        UsageError: `-` beside other inputs.
        EmptyInputError: directories, and nothing to read in them.
    """
    if STDIN in arguments:
        if len(arguments) > 1:
            raise UsageError("'-' (standard input) was given beside other inputs.", remedy="Give it alone.")
        return Inputs((Input(STDIN, None),), is_batch=False)
    paths = [Path(a) for a in arguments]
    if len(paths) == 1 and not paths[0].is_dir():
        return Inputs((Input(paths[0].name, paths[0]),), is_batch=False)

    found: dict[Path, Path] = {}
    passed_over: list[Path] = []
    for path in paths:
        for file in _walk(path, out) if path.is_dir() else [path]:
            if path.is_dir() and file.suffix.lower() not in suffixes:
                passed_over.append(file)
            else:
                found.setdefault(_absolute(file), file)
    if not found:
        raise EmptyInputError(
            "there is no file to read in it.",
            source=", ".join(arguments),
            remedy=f"Files of these kinds are taken from a directory: {' '.join(sorted(suffixes))}.",
        )
    root = Path(os.path.commonpath([_absolute(p) if p.is_dir() else _absolute(p).parent for p in paths]))
    jobs = tuple(Input(absolute.relative_to(root).as_posix(), file) for absolute, file in found.items())
    return Inputs(jobs, is_batch=True, passed_over=tuple(passed_over))


def _absolute(path: Path) -> Path:
    # Not resolve(): a link keeps the name it has here.
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute() keeps `..`


def _walk(directory: Path, out: Path | None) -> Iterator[Path]:
    own = _absolute(out) if out is not None else None
    for folder, subfolders, files in os.walk(directory):
        here = Path(folder)
        subfolders[:] = sorted(d for d in subfolders if not d.startswith(".") and _absolute(here / d) != own)
        for name in sorted(files):
            if not name.startswith(".") and not _OWN_RESULT.search(name) and (here / name).is_file():
                yield here / name
