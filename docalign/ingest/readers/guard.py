"""What a format's library throws at a broken file, as an error of ours.

Libraries raise anything at all on files that break their format: KeyError for a missing part, ValueError for a number.
Only the calls into such a library are guarded, never our own code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from docalign.errors import DamagedInputError, DocalignError

__all__ = ["guarded"]

_SHOWN: int = 120


@contextmanager
def guarded(what: str, *, remedy: str = "Save it again and retry.") -> Iterator[None]:
    """Run a library's code on `what` ("the presentation").

    Raises:
        DamagedInputError: the library raised something; errors of ours and want of memory pass.
    """
    try:
        yield
    except (DocalignError, MemoryError):
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:_SHOWN]
        raise DamagedInputError(f"{what} is broken ({type(error).__name__}: {said}).", remedy=remedy) from error
