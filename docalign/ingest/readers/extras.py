"""Libraries that come with an extra: imported when a file asks for them, or a named error with the command."""

from __future__ import annotations

import importlib
from typing import Any

from docalign.errors import UnsupportedFormatError

__all__ = ["library"]


def library(module: str, *, package: str, extra: str, what: str) -> Any:
    """The imported module.

    Raises:
        UnsupportedFormatError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UnsupportedFormatError(
            f"reading {what} needs {package}, which is not installed ({error}).",
            remedy=f"Run: pip install '.[{extra}]' in the docalign folder",
        ) from error
