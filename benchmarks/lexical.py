"""Unsupervised baselines for transcripts: where the words change, a topic starts. No model, no training, no labels.

`texttiling` follows Hearst (1997) on blocks: the cosine of word counts between the blocks before and after a gap, its
depth against the peaks on both sides, cuts where the depth is over mean + ½ deviation (her conservative cut-off). That
cuts chat far too often, so `deepest` takes the few deepest dips instead, as many as windows have topics. `even` cuts
into parts of equal length, `none` not at all, which is hard to beat on Pk. Function words are left out by a short list,
in place of a stemmer.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["BASELINES", "deepest", "depths", "even", "texttiling"]

_WORDS = re.compile(r"[a-z]{3,}")
_COMMON = """
    the and that for you was with this have but not are they what there all can your
    just like know yeah okay well would which from been will has had were one about out get
    got don our she him her his its it's them then than so think really some more could
    also mean right going because when how who why where did does here very want need say said
    see yes uhm mmm hmm
"""
_SIDE = 10
"""Blocks looked at on each side of a gap."""


def _bag(texts: Sequence[str]) -> Counter[str]:
    common = frozenset(_COMMON.split())
    return Counter(w for text in texts for w in _WORDS.findall(text.lower()) if w not in common)


def _cosine(a: Counter[str], b: Counter[str]) -> float:
    norm = math.sqrt(sum(v * v for v in a.values()) * sum(v * v for v in b.values()))
    return sum(v * b[w] for w, v in a.items()) / norm if norm else 0.0


def depths(texts: Sequence[str], side: int = _SIDE) -> np.ndarray:
    """How deep the similarity dips before each block, `(blocks,)`; 0 before the first."""
    close = np.ones(len(texts))
    for i in range(1, len(texts)):
        close[i] = _cosine(_bag(texts[max(0, i - side) : i]), _bag(texts[i : i + side]))
    found = np.zeros(len(texts))
    for i in range(1, len(texts)):
        left = right = i
        while left > 1 and close[left - 1] >= close[left]:
            left -= 1
        while right + 1 < len(texts) and close[right + 1] >= close[right]:
            right += 1
        found[i] = close[left] + close[right] - 2 * close[i]
    return found


def texttiling(texts: Sequence[str], *, deviations: float) -> list[int]:
    """Starts where the dip is a local one and deeper than mean + `deviations` standard deviations."""
    dip = depths(texts)
    least = dip[1:].mean() + deviations * dip[1:].std()
    return [0] + [
        i
        for i in range(1, len(texts))
        if dip[i] > least and dip[i] == dip[max(1, i - _SIDE // 2) : i + _SIDE // 2].max()
    ]


def deepest(texts: Sequence[str], *, cuts: int) -> list[int]:
    """Starts at the `cuts` deepest dips that are not next to a deeper one; words are compared over twice the span."""
    dip = depths(texts, 2 * _SIDE)
    found: list[int] = []
    for i in np.argsort(-dip, kind="stable"):
        if i and len(found) < cuts and all(abs(i - j) >= _SIDE for j in found):
            found.append(int(i))
    return [0, *sorted(found)]


def even(texts: Sequence[str], *, parts: int) -> list[int]:
    """Starts of `parts` equal runs of blocks."""
    return sorted({round(i * len(texts) / parts) for i in range(parts)})


BASELINES: dict[str, Callable[[Sequence[str]], list[int]]] = {
    "texttiling": lambda texts: texttiling(texts, deviations=0.5),
    "texttiling, 2 deepest": lambda texts: deepest(texts, cuts=2),
    "texttiling, 3 deepest": lambda texts: deepest(texts, cuts=3),
    "even": lambda texts: even(texts, parts=4),
    "none": lambda _: [0],
}
