"""The child side of the worker pool: runs one call after the other for its parent, over its own standard pipes.

Started by `pool`, never by hand. It exists as a plain child process instead of `multiprocessing` so that a caller's
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
from functools import cache
from typing import IO, Any, Final

from docalign.errors import DocalignError

__all__ = ["main", "receive", "send"]

_LENGTH: Final = struct.Struct("<Q")
_PARENT_CHECK_S: Final = 0.25


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


def _read(pipe: IO[bytes], length: int) -> bytes:
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data


@cache
def _resolve(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _answer(target: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return "value", _resolve(target)(*arguments)
    except DocalignError as error:
        return "error", error
    except MemoryError:
        return "failure", "out of memory"
    except Exception as error:  # noqa: BLE001 - whatever a library throws at one page is that page's error
        return "failure", f"{type(error).__name__}: {error}"


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
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()
    while True:
        try:
            target, arguments = receive(calls)
        except EOFError:
            return
        send(answers, _answer(target, arguments))
