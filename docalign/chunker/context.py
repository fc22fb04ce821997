"""Windows: consecutive blocks that fit the model's context, overlapping so that each block is read where it has most.

The model is causal: a slot sees what stands before it. So a window repeats the end of the one before as context, and
only its fresh blocks are scored. Windows are made one at a time: memory does not grow with the document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

from docalign.chunker.prompt import Hints, Renderer
from docalign.document import Document

__all__ = ["FREE_OVERLAP_TOKENS", "FREE_WINDOW_TOKENS", "OVERLAP_TOKENS", "WINDOW_TOKENS", "Window", "windows_of"]

WINDOW_TOKENS: Final = 512
OVERLAP_TOKENS: Final = 128
FREE_WINDOW_TOKENS: Final = 2048
FREE_OVERLAP_TOKENS: Final = 256
"""Where no size is asked for: topics are long, and what one was about a page ago must still be seen."""
_RENDER_BLOCKS: Final = 256


@dataclass(frozen=True, slots=True)
class Window:
    """Token ids `(tokens,)`, slot positions `(fresh blocks,)` and the ids of the blocks they belong to."""

    ids: npt.NDArray[np.int64]
    slots: npt.NDArray[np.int64]
    blocks: tuple[int, ...]


def windows_of(
    document: Document,
    hints: Hints,
    renderer: Renderer,
    *,
    window_tokens: int = WINDOW_TOKENS,
    overlap_tokens: int = OVERLAP_TOKENS,
) -> Iterator[Window]:
    """The windows of a document; every block is fresh in exactly one."""
    held: list[tuple[int, list[int]]] = []
    total = context = 0
    for block, ids in _rendered(document, hints, renderer):
        if held and total + len(ids) > window_tokens and len(held) > context:
            yield _window(held, context)
            held = _tail(held, max(0, min(overlap_tokens, window_tokens - len(ids))))
            context, total = len(held), sum(len(i) for _, i in held)
        held.append((block, ids))
        total += len(ids)
    if len(held) > context:
        yield _window(held, context)


def _rendered(document: Document, hints: Hints, renderer: Renderer) -> Iterator[tuple[int, list[int]]]:
    blocks = iter(document.blocks)
    while part := list(islice(blocks, _RENDER_BLOCKS)):
        for block, ids in zip(part, renderer.render(document, hints, part), strict=True):
            yield block.id, ids


def _tail(held: list[tuple[int, list[int]]], overlap_tokens: int) -> list[tuple[int, list[int]]]:
    """The last blocks that fit the overlap together."""
    kept, total = len(held), 0
    while kept > 0 and total + len(held[kept - 1][1]) <= overlap_tokens:
        kept -= 1
        total += len(held[kept][1])
    return held[kept:]


def _window(held: list[tuple[int, list[int]]], context: int) -> Window:
    ends = np.cumsum([len(ids) for _, ids in held])
    ids = np.fromiter((t for _, block in held for t in block), dtype=np.int64)
    return Window(ids, (ends[context:] - 1).astype(np.int64), tuple(b for b, _ in held[context:]))
