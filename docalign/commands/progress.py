"""A progress bar on standard error, for people only: nothing is drawn unless standard error is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Bar", "progress_bar"]


class Bar:
    """Shows the file at hand and how far its reading and chunking are; without a display it does nothing."""

    def __init__(self, display: Progress | None, files: int) -> None:
        self._display = display
        self._files = files
        self._task: TaskID | None = None
        self._done = 0

    def file(self, name: str) -> None:
        """The work now is on the file called `name`."""
        self._done += 1
        self._label = name if self._files == 1 else f"{name} ({self._done} of {self._files})"

    def stage(self, verb: str) -> Callable[[int, int], None] | None:
        """A callback `(done, total)` for a stage (`reading`, `chunking`) of the file; None without a display."""
        display = self._display
        if display is None:
            return None
        if self._task is not None:
            display.remove_task(self._task)
        task = self._task = display.add_task(f"{verb} {self._label}", total=None)

        def update(done: int, total: int) -> None:
            display.update(task, completed=done, total=total)

        return update


@contextmanager
def progress_bar(files: int, *, quiet: bool) -> Iterator[Bar]:
    """A bar for `files` files, drawn only where standard error is a terminal and `quiet` does not forbid it."""
    if quiet or not sys.stderr.isatty():
        yield Bar(None, files)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        yield Bar(display, files)
