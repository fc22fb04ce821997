"""The child side of the worker pool: runs one call after the other for its parent, over its own standard pipes.

Started by `process`, never by hand. It exists as a plain child process instead of `multiprocessing` so that a caller's
`__main__` is not run again, threads of the parent do not matter, and the whole process group can be killed.
"""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import struct
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from docalign.errors import DocalignError
from docalign.ingest.work.limits import MIB, Limits

try:
    import resource
except ImportError:  # Windows: a job's memory is not bounded there
    resource = None  # type: ignore[assignment]

__all__ = ["Answer", "main", "read_answer", "send"]

_LENGTH: Final = struct.Struct("<Q")
_HEAD: Final = struct.Struct("<QQ")
_PARENT_CHECK_S: Final = 0.25
_MOST_CAUSES: Final = 20


class Answer(NamedTuple):
    """`kind` is `value`, `error` (a DocalignError), `failure` (what was said), `memory`, or `output` (bytes)."""

    kind: str
    value: Any
    rss: int
    """Resident bytes of the worker after the call; 0 where the system does not tell."""


def send(pipe: IO[bytes], value: Any) -> None:
    """Write one pickled value. The other end is our own process, so pickle is safe here."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """Read one value.

    Raises:
        EOFError: the other end is gone.
    """
    return pickle.loads(_read(pipe, _LENGTH.unpack(_read(pipe, _LENGTH.size))[0]))  # noqa: S301 - own process


def read_answer(pipe: IO[bytes], most: int) -> Answer:
    """Read what a worker wrote with `_reply`; an answer longer than `most` bytes is not read, only its size.

    Raises:
        EOFError: the worker is gone, or what it wrote is no answer.
    """
    length, rss = _HEAD.unpack(_read(pipe, _HEAD.size))
    if length > most:
        return Answer("output", length, rss)
    try:
        kind, value = pickle.loads(_read(pipe, length))  # noqa: S301 - written by our own process
    except (pickle.UnpicklingError, ValueError, TypeError, AttributeError, ImportError, IndexError) as error:
        raise EOFError(f"the worker's answer is garbled ({error})") from error
    return Answer(kind, value, rss)


def _read(pipe: IO[bytes], length: int) -> bytes:
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data


@cache
def _resolve(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _answer(target: str, arguments: tuple[Any, ...], most: int) -> bytes:
    """The pickled (kind, value) of one call, at most `most` bytes."""
    try:
        data = pickle.dumps(("value", _resolve(target)(*arguments)), protocol=pickle.HIGHEST_PROTOCOL)
        if len(data) > most:
            data = pickle.dumps(("output", len(data)))
    except MemoryError:
        data = pickle.dumps(("memory", None))
    except DocalignError as error:
        data = pickle.dumps(("memory", None) if _for_memory(error) else ("error", error))
    except Exception as error:  # noqa: BLE001 - whatever a library throws at one page is that page's error
        said = f"{type(error).__name__}: {error}"[:1000]
        data = pickle.dumps(("memory", None) if _for_memory(error) else ("failure", said))
    return data


def _for_memory(error: BaseException | None) -> bool:
    """Whether a failed allocation is behind an error: readers wrap what their libraries raise."""
    for _ in range(_MOST_CAUSES):
        if error is None or isinstance(error, MemoryError):
            break
        error = error.__cause__ or error.__context__
    return isinstance(error, MemoryError)


def _obey(limits: Limits) -> None:
    """Bound this process's private memory; only the soft limit, so that the next call may have another."""
    if resource is None or not hasattr(resource, "RLIMIT_DATA"):
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = limits.memory_mib * MIB
    with suppress(OSError, ValueError, OverflowError):
        resource.setrlimit(
            resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )


def _behave() -> None:
    """No core files, and first in line when the machine runs out of memory."""
    if resource is not None:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _resident() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - once a call, a third of the time
            return int(file.read().split()[1]) * resource.getpagesize()
    except (OSError, AttributeError, IndexError, ValueError):
        return 0


def _die_with(parent: int) -> None:
    """A busy worker whose parent was killed must not go on alone; an idle one sees its pipe close."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_S)
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def main() -> None:
    """Answer calls from standard input on what was standard output, until the parent hangs up."""
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # Libraries that print must not write into the protocol.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115 - for the whole life
    _behave()
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()
    while True:
        try:
            target, arguments, limits = receive(calls)
        except EOFError:
            return
        _obey(limits)
        data = _answer(target, arguments, limits.output_mib * MIB)
        answers.write(_HEAD.pack(len(data), _resident()))
        answers.write(data)
        answers.flush()
