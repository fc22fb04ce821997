"""Which waiting windows run together: a pure function of their lengths.

The cost of a run is what it has with padding: windows × the longest of them (rounded up to a bucket, where a device
wants few shapes). The oldest window is always in, so none waits for ever; the others are those nearest to it in length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["MOST_PADDING", "bucketed", "choose"]

MOST_PADDING: Final = 0.10
"""No run gets another window if more than this share of it were padding; buckets are not counted as that."""
_LOOKED_AT: Final = 1024


def bucketed(length: int, bucket: int) -> int:
    """`length` rounded up to a multiple of `bucket`."""
    return -(-length // bucket) * bucket


def choose(lengths: Sequence[int], budget: int, *, bucket: int = 1) -> list[int]:
    """Indices of the windows for the next run, in order of arrival.

    Args:
        lengths: tokens of the waiting windows, the oldest first; not empty.
        budget: tokens a run may have with padding. A window over it runs alone.
    """
    first = lengths[0]
    chosen, longest, real = [0], bucketed(first, bucket), first
    others = sorted(range(1, min(len(lengths), _LOOKED_AT)), key=lambda i: (abs(lengths[i] - first), i))
    for i in others:
        width = max(longest, bucketed(lengths[i], bucket))
        rows, tokens = len(chosen) + 1, real + lengths[i]
        if rows * width > budget:
            if width == longest:
                break
            continue
        if bucket == 1 and rows * width - tokens > MOST_PADDING * rows * width:
            continue
        chosen.append(i)
        longest, real = width, tokens
    return sorted(chosen)
