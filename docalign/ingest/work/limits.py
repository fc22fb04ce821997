"""What one call of a worker process may take, and how it is said that a call took more.

Values and errors only: `worker` obeys the limits from inside, `process` enforces them from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from docalign.errors import DamagedInputError, LimitExceededError, PageTimeoutError

__all__ = ["MIB", "Limits", "crashed", "out_of_memory", "too_much_output", "too_slow", "uncaught"]

MIB: Final = 1 << 20
_SAVE_AGAIN: Final = "The file may be damaged; save it again and retry."
_MEMORY_WORDS: Final = ("bad_alloc", "out of memory", "cannot allocate memory", "memoryerror", "oom_")
_KILL: Final = -9
_GAVE_UP: Final = (-4, -5, -6)
"""SIGILL, SIGTRAP, SIGABRT: how PDFium ends, without a word, when an allocation fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one call.

    `timeout_s` is wall-clock time; `time_option` names the option that raises it. `memory_mib` bounds the process's
    private memory (RLIMIT_DATA: what it reserves, whether used or not; mapped files and code do not count).
    `output_mib` bounds the pickled answer.
    """

    timeout_s: float
    memory_mib: int = 2048
    output_mib: int = 256
    time_option: str = "page_timeout_s"


def too_slow(limits: Limits) -> PageTimeoutError:
    return PageTimeoutError(
        f"it took longer than {limits.timeout_s:g} s and was stopped.",
        remedy=f"Raise {limits.time_option} if it is worth it.",
    )


def out_of_memory(limits: Limits) -> LimitExceededError:
    return LimitExceededError(
        f"it needs more memory than the {limits.memory_mib} MiB a worker may have.", remedy="Raise worker_memory_mib."
    )


def too_much_output(limits: Limits, size: int) -> LimitExceededError:
    return LimitExceededError(
        f"it gives {size / MIB:.0f} MiB of results; the limit is {limits.output_mib} MiB.",
        remedy="Raise worker_output_mib.",
    )


def uncaught(said: str) -> DamagedInputError:
    """An exception that no reader turned into an error of ours."""
    return DamagedInputError(f"it could not be read ({said}).", remedy=_SAVE_AGAIN)


def crashed(limits: Limits, exit_code: int | None, last_words: str) -> DamagedInputError | LimitExceededError:
    """A worker that is gone.

    Libraries in C and C++ end the process when an allocation fails; some say so on standard error, and those that end
    it on purpose for another reason (a broken heap, an exception) say that.
    """
    if any(word in last_words.lower() for word in _MEMORY_WORDS) or (exit_code in _GAVE_UP and not last_words):
        return out_of_memory(limits)
    how = f"signal {-exit_code}" if exit_code is not None and exit_code < 0 else f"exit status {exit_code}"
    said = f"{how}: {last_words}" if last_words else how
    remedy = "The machine may be out of memory: use fewer workers." if exit_code == _KILL else _SAVE_AGAIN
    return DamagedInputError(f"the reader crashed ({said}).", remedy=remedy)
