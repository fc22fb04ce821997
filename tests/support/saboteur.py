"""Functions for worker processes that misbehave as told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from docalign.errors import DamagedInputError, EmptyInputError, OcrFailedError

__all__ = ["act", "hold"]

_leaked: list[bytes] = []


def act(what: str) -> object:
    """Do what the word before a colon says with what follows it; anything else is the answer."""
    verb, _, object_ = what.partition(":")
    answer = _ACTS[verb](object_) if verb in _ACTS else None
    return what if answer is None else answer


def hold(marker: str) -> None:
    """Write this worker's process id into a file, then hang."""
    path = Path(marker)
    path.with_suffix(".part").write_text(str(os.getpid()))
    path.with_suffix(".part").rename(path)
    time.sleep(3600)


def _crash(_: str) -> None:
    os._exit(17)


def _abort(_: str) -> None:
    os.abort()


def _hang(_: str) -> None:
    time.sleep(3600)


def _raise(_: str) -> None:
    raise ZeroDivisionError("sabotage")


def _refuse(_: str) -> None:
    raise EmptyInputError("nothing here.", source="page", remedy="Go away.")


def _talk(_: str) -> None:
    print("noise on standard output", flush=True)
    os.write(1, b"more noise\n")


def _shout(_: str) -> None:
    """More than a pipe or a small disk holds."""
    for _line in range(200):
        os.write(2, b"warning: nonsense\n" * 1000)


def _crash_once(marker: str) -> None:
    path = Path(marker)
    if not path.exists():
        path.touch()
        os._exit(17)


def _fail_once(marker: str) -> None:
    path = Path(marker)
    if not path.exists():
        path.touch()
        _fail("")


def _fail(_: str) -> None:
    raise OcrFailedError("the engine is out of order.")


def _fill(mib: str) -> str:
    return f"held {len([bytearray(1 << 20) for _ in range(int(mib))])} MiB"


def _swallow(mib: str) -> None:
    """As readers do that wrap every exception of their library."""
    try:
        bytearray(int(mib) << 20)
    except Exception as error:
        raise DamagedInputError("the page is damaged.") from error


def _bad_alloc(_: str) -> None:
    """What C++ says before it aborts."""
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def _answer(mib: str) -> str:
    return "x" * (int(mib) << 20)


def _leak(mib: str) -> int:
    _leaked.append(b"x" * (int(mib) << 20))
    return os.getpid()


def _garbage(_: str) -> None:
    """Bytes on whatever the protocol runs over."""
    for descriptor in range(3, 30):
        with suppress(OSError):
            os.write(descriptor, b"\xff" * 64)
    os._exit(0)


def _pid(_: str) -> int:
    return os.getpid()


_ACTS: dict[str, Callable[[str], object]] = {
    "crash": _crash,
    "abort": _abort,
    "hang": _hang,
    "raise": _raise,
    "refuse": _refuse,
    "talk": _talk,
    "shout": _shout,
    "once": _crash_once,
    "ocr-once": _fail_once,
    "ocr-fail": _fail,
    "fill": _fill,
    "swallow": _swallow,
    "bad_alloc": _bad_alloc,
    "answer": _answer,
    "babble": _answer,
    "leak": _leak,
    "garbage": _garbage,
    "pid": _pid,
    "hold": hold,
}
