"""Functions for worker processes that misbehave as told."""

from __future__ import annotations

import os
import time
from pathlib import Path

from docalign.errors import EmptyInputError

__all__ = ["act", "hold"]


def act(what: str) -> object:
    """Crash, hang, raise, talk, or answer."""
    if what == "crash":
        os._exit(17)
    if what == "abort":
        os.abort()
    if what == "hang":
        time.sleep(3600)
    if what == "raise":
        raise ZeroDivisionError("sabotage")
    if what == "refuse":
        raise EmptyInputError("nothing here.", source="page", remedy="Go away.")
    if what == "talk":
        print("noise on standard output", flush=True)
        os.write(1, b"more noise\n")
    if what.startswith("hold:"):
        hold(what.removeprefix("hold:"))
    if what == "pid":
        return os.getpid()
    return what


def hold(marker: str) -> None:
    """Write this worker's process id into a file, then hang."""
    path = Path(marker)
    path.with_suffix(".part").write_text(str(os.getpid()))
    path.with_suffix(".part").rename(path)
    time.sleep(3600)
