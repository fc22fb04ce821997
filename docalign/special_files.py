"""What has a path and is no file: pipes, sockets, devices.

Opening one may wait for ever, and what it gives can be read only once, while readers open an input several times.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from docalign.errors import UsageError

__all__ = ["special_file"]

_KINDS: Final = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"),
                 (stat.S_ISBLK, "a device"))  # fmt: skip


def special_file(path: Path) -> UsageError | None:
    """Why `path` cannot be read as a file, where it is something else than a file or a folder; nothing is opened."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # not there, or not to be looked at: reading it will say so
        return None
    kind = next((kind for fits, kind in _KINDS if fits(mode)), None)
    if kind is None:
        return None
    return UsageError(
        f"this is {kind}, not a file.",
        source=str(path),
        remedy="Name a file; or, in place of a pipe or <(COMMAND), give - and pipe into docalign: "
        "COMMAND | docalign chunk - (--stdin-name page.html tells the format).",
    )
