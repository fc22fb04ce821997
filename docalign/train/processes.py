"""Several processes train one policy: who is first, who waits, and that only one of them writes.

`accelerate launch` (or torchrun) starts the same command once a device. Each process reads the gold and takes its share
of every step; the folder, the messages and the result are the main process's alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import PartialState

__all__ = ["is_main", "main_first", "process_count"]


def is_main() -> bool:
    """Whether this process is the only one, or the first."""
    return os.environ.get("RANK", "0") == "0"


def process_count() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def main_first() -> Iterator[bool]:
    """The main process runs the block, then the others do; gives `is_main()`."""
    if "RANK" not in os.environ:  # one process: nothing to set up, and nothing left behind for the next run
        yield True
        return
    with PartialState(cpu=not torch.cuda.is_available()).main_process_first():
        yield is_main()
