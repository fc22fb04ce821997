"""Whether there is room in the temporary folder: uploads are kept there while they are read."""

from __future__ import annotations

import shutil
import tempfile
from typing import Final

__all__ = ["room"]

_LEAST_FREE: Final = 64 << 20


def room() -> str:
    """`ok`, or what is wrong."""
    try:
        free = shutil.disk_usage(tempfile.gettempdir()).free
    except OSError as error:
        return f"the temporary folder cannot be used ({error.strerror})"
    return "ok" if free > _LEAST_FREE else "the temporary folder is full"
