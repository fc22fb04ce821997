"""Which files a command line names, and what each is called in the results.

One file (or `-`, standard input) is a single job; several files or a directory are a batch, whose names are paths
relative to the deepest folder that holds all of them. Directories are walked in sorted order without their hidden
files. What else is passed over (kinds no reader knows, docalign's own results, links to folders, broken links, what
is no file) is listed with the reason; a folder that cannot be listed is a job that has failed. Whether a file can be
read is found out later.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from docalign.errors import DocalignError, EmptyInputError, MissingInputError, UsageError
from docalign.special_files import special_file

__all__ = ["STDIN", "Input", "Inputs", "PassedOver", "expand", "single"]

STDIN: Final = "-"

UNKNOWN_KIND: Final = "of kinds no reader knows"
OWN_RESULT: Final = "that are docalign's own results"
FOLDER_LINK: Final = "that are links to folders"
BROKEN_LINK: Final = "that are broken links"
NO_FILE: Final = "that are no regular files"

_OWN_RESULT: Final = re.compile(r"\.(chunks\.\w+|error\.json)$")


@dataclass(frozen=True, slots=True)
class Input:
    """A file to read, or standard input where `path` is None; `name` is what results call it.

    `problem` is why it cannot be read, where that is known already.
    """

    name: str
    path: Path | None
    problem: DocalignError | None = None


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Something in a directory that is no input; `why` completes "passed over files …"."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """The jobs of one command line."""

    jobs: tuple[Input, ...]
    is_batch: bool
    passed_over: tuple[PassedOver, ...] = ()


def single(argument: str, *, stdin_name: str | None = None) -> Input:
    """The one input that `argument` names; standard input goes by `stdin_name`, whose suffix tells its format.

    Raises:
        UsageError: the argument is empty, or a name is given for an input that has one.
    """
    _check([argument], stdin_name)
    return Input(stdin_name or STDIN, None) if argument == STDIN else _input(Path(argument).name, Path(argument))


def expand(
    arguments: Sequence[str], *, suffixes: Collection[str], out: Path | None = None, stdin_name: str | None = None
) -> Inputs:
    """The jobs that `arguments` name.

    Args:
        suffixes: lower-case suffixes of the files to take from directories; a file named itself is always taken.
        out: the output folder, left out where a directory contains it.
        stdin_name: what standard input is called.

    Raises:
        UsageError: an empty argument, standard input beside other inputs, or a name for it where it is not read.
        EmptyInputError: the directories hold nothing to read.
    """
    _check(arguments, stdin_name)
    if STDIN in arguments and len(arguments) > 1:
        raise UsageError("standard input (-) cannot be read beside other inputs.", remedy="Give it alone.")
    paths = [Path(a) for a in arguments]
    if len(paths) == 1 and (arguments[0] == STDIN or not _is_dir(paths[0])):
        return Inputs((single(arguments[0], stdin_name=stdin_name),), is_batch=False)

    found: dict[Path, Path | Input] = {}
    passed_over: list[PassedOver] = []
    for path in paths:
        if not _is_dir(path):
            found.setdefault(_absolute(path), path)
            continue
        for item in _walk(path, suffixes, out):
            if isinstance(item, PassedOver):
                passed_over.append(item)
            else:
                found.setdefault(_absolute(item.path or path), item)
    if not found:
        raise EmptyInputError(
            "there is no file to read in it.",
            source=", ".join(arguments),
            remedy=f"Files of these kinds are taken from a directory: {' '.join(sorted(suffixes))}.",
        )
    root = Path(os.path.commonpath([_absolute(p) if _is_dir(p) else _absolute(p).parent for p in paths]))
    return Inputs(tuple(_named(where, what, root) for where, what in found.items()), True, tuple(passed_over))


def _check(arguments: Sequence[str], stdin_name: str | None) -> None:
    if not all(arguments):
        raise UsageError("an input has an empty name.", remedy="Name a file; `.` is the current directory.")
    if stdin_name is None:
        return
    if STDIN not in arguments:
        raise UsageError("--stdin-name needs standard input as the input.", remedy="Give - in place of a file.")
    if not stdin_name or not stdin_name.isprintable():
        raise UsageError(f"--stdin-name is {stdin_name!r}.", remedy="Give a name such as page.html.")


def _named(absolute: Path, what: Path | Input, root: Path) -> Input:
    name = absolute.relative_to(root).as_posix() if absolute != root else absolute.name
    return Input(name, what.path, what.problem) if isinstance(what, Input) else _input(name, what)


def _input(name: str, path: Path) -> Input:
    """A file that was named itself; a pipe and the like is a job that has failed, before anything opens it."""
    return Input(name, path, special_file(path))


def _absolute(path: Path) -> Path:
    # Not resolve(): a link keeps the name it has here.
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute() keeps `..`


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name too long, or with a NUL: reading it will say so
        return False


def _walk(directory: Path, suffixes: Collection[str], out: Path | None) -> Iterator[Input | PassedOver]:
    """What is below a directory, in order: files to read, folders that cannot be listed, what is passed over."""
    own = _absolute(out) if out is not None else None
    unreadable: list[OSError] = []
    for folder, subfolders, files in os.walk(directory, onerror=unreadable.append):
        here = Path(folder)
        yield from map(_unreadable, unreadable)
        unreadable.clear()
        visible = sorted(d for d in subfolders if not d.startswith(".") and _absolute(here / d) != own)
        subfolders[:] = [d for d in visible if not (here / d).is_symlink()]
        yield from (PassedOver(here / d, FOLDER_LINK) for d in visible if d not in subfolders)
        for name in sorted(files):
            if not name.startswith("."):
                yield _file(here / name, suffixes)
    yield from map(_unreadable, unreadable)


def _file(path: Path, suffixes: Collection[str]) -> Input | PassedOver:
    try:
        if not path.is_file():
            return PassedOver(path, BROKEN_LINK if path.is_symlink() and not path.exists() else NO_FILE)
    except OSError:  # a folder that may be listed and not entered: reading the file says so
        return Input(path.name, path)
    if _OWN_RESULT.search(path.name):
        return PassedOver(path, OWN_RESULT)
    return Input(path.name, path) if path.suffix.lower() in suffixes else PassedOver(path, UNKNOWN_KIND)


def _unreadable(error: OSError) -> Input:
    path = Path(error.filename)
    problem = MissingInputError(
        f"the folder cannot be listed ({error.strerror}).", remedy="Check its permissions; nothing in it was read."
    )
    return Input(path.name, path, problem)
