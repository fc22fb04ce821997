"""The chunker: prompt, policy, solver. `Chunker` is the door; importing this package loads no model library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docalign.chunker.options import ChunkOptions

if TYPE_CHECKING:
    from docalign.chunker.chunker import Chunker

__all__ = ["ChunkOptions", "Chunker"]


def __getattr__(name: str) -> object:
    if name == "Chunker":
        from docalign.chunker.chunker import Chunker

        return Chunker
    raise AttributeError(name)
