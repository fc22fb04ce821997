"""Messages for people, on standard error, one or two lines each. Results never pass through here."""

from __future__ import annotations

import os
import sys
import traceback

from docalign.errors import DocalignError

__all__ = ["debugging", "describe_crash", "error", "note", "warn"]


def error(problem: DocalignError) -> None:
    """`docalign: error: INPUT: what is wrong.` and, on a second line, what to do about it."""
    where = f"{problem.source}: " if problem.source else ""
    _say(f"docalign: error: {where}{problem.what}")
    if problem.remedy:
        _say(f"  {problem.remedy}")


def warn(text: str) -> None:
    """Something a person should know, although the command goes on."""
    _say(f"docalign: warning: {text}")


def note(text: str) -> None:
    """What the command did or does."""
    _say(f"docalign: {text}")


def debugging() -> bool:
    """Whether DOCALIGN_DEBUG asks for tracebacks."""
    return os.environ.get("DOCALIGN_DEBUG", "") not in ("", "0")


def describe_crash(problem: Exception) -> DocalignError:
    """An exception nobody foresaw, as an error; its traceback is printed where DOCALIGN_DEBUG asks for it."""
    if debugging():
        traceback.print_exception(problem)
    text = str(problem).strip().splitlines()
    what = f"unexpected {type(problem).__name__}{': ' + text[0][:200] if text else ''}."
    hint = "" if debugging() else " DOCALIGN_DEBUG=1 shows where."
    return DocalignError(what, remedy=f"This is a mistake in docalign; please report it with the input.{hint}")


def _say(text: str) -> None:
    # Names and contents of strangers' files must not move the cursor; sys.stderr escapes what it cannot encode.
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    print(safe, file=sys.stderr, flush=True)  # noqa: T201
