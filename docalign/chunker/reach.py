"""How far a chunk may reach: sums of counts, put right by counts of the whole, and the headings that must not be left.

Counts of parts need not add up to the count of the whole (two line breaks may be one token or two). Sums decide first,
because they cost nothing. Where a chunk turns out to be over the limit, the starts inside it get a lower cap; where a
heading run fits with what follows although the sums say no, it may reach it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from docalign.chunker.atoms import Atom, heading_runs
from docalign.chunker.solve import reach_within
from docalign.counting import Counter
from docalign.document import Document

__all__ = ["AVOIDABLE", "UNAVOIDABLE", "Reach", "orphan_weights"]

AVOIDABLE: Final = 1000.0
UNAVOIDABLE: Final = 1.0

_SURELY: Final = 0.7
"""A sum within this share of the limit is taken to fit without counting the whole."""
_PATIENCE: Final = 4
_HASTE: Final = 0.9
"""After so many rounds caps fall at least this fast: the number of rounds is bounded whatever the counter does."""

Floats = npt.NDArray[np.float64]


class Reach:
    """Where a chunk that starts at each atom must end at the latest, for one document and one limit."""

    def __init__(self, document: Document, atoms: Sequence[Atom], count: Counter, max_tokens: int) -> None:
        self._text, self._atoms, self._count, self._limit = document.text, atoms, count, max_tokens
        self._sizes: Floats = np.array([a.tokens for a in atoms], dtype=np.float64)
        self._edges = np.concatenate(([0.0], np.cumsum(self._sizes)))
        self._caps: Floats = np.full(len(atoms), float(max_tokens))
        self._floor = np.arange(1, len(atoms) + 1, dtype=np.int64)
        self._known: dict[tuple[int, int], int] = {}
        self._rounds = 0
        for first, end in heading_runs(atoms):
            self._keep_run(first, self.behind_run(end))

    @property
    def ends(self) -> npt.NDArray[np.int64]:
        """For each atom the latest end of a chunk that starts there, `(atoms,)`."""
        return np.maximum(reach_within(self._sizes, self._caps), self._floor)

    def tokens(self, first: int, end: int) -> int:
        """The count of atoms `first` to `end` − 1 as one text."""
        if end - first == 1:
            return self._atoms[first].tokens
        if (first, end) not in self._known:
            self._known[first, end] = self._count(self._text[self._atoms[first].start : self._atoms[end - 1].end])
        return self._known[first, end]

    def fits(self, first: int, end: int) -> bool:
        """Whether the atoms are within the limit together."""
        return self._sum(first, end) <= _SURELY * self._limit or self.tokens(first, end) <= self._limit

    def behind_run(self, end: int) -> int:
        """The end of a heading run with the first piece of what follows; of the run alone where nothing does."""
        return end + 1 if end < len(self._atoms) and self._atoms[end].opens_block else end

    def narrow(self, over: Sequence[tuple[int, int]]) -> None:
        """Lower the caps of the starts inside chunks `(first, end)` that are over the limit; each gets shorter."""
        self._rounds += 1
        haste = 1.0 if self._rounds <= _PATIENCE else _HASTE
        for first, end in over:
            share = self._sum(first, end) * self._limit / self.tokens(first, end)
            self._caps[first:end] = np.minimum(self._caps[first:end], np.floor(share * haste))
            self._caps[first] = min(self._caps[first], self._sum(first, end - 1))
            self._floor[first] = min(self._floor[first], end - 1)

    def _keep_run(self, first: int, end: int) -> None:
        """Let the longest end of the run that fits reach its end; sums may say otherwise."""
        far = self._edges[end] - 2 * self._limit
        low = max(first, int(np.searchsorted(self._edges, far)))
        high = end - 1
        while low < high:
            middle = (low + high) // 2
            if self.fits(middle, end):
                high = middle
            else:
                low = middle + 1
        self._floor[high : end - 1] = end

    def _sum(self, first: int, end: int) -> float:
        return float(self._edges[end] - self._edges[first])


def orphan_weights(atoms: Sequence[Atom], reach: Reach | None) -> list[float]:
    """What a cut before each atom costs in orphan headings: AVOIDABLE, UNAVOIDABLE (in a run too long) or 0.

    `reach` is None where there is no limit.
    """
    weights = [0.0] * len(atoms)
    for first, end in heading_runs(atoms):
        behind = end + 1 if reach is None else reach.behind_run(end)
        inside = AVOIDABLE if reach is None or reach.fits(first, behind) else UNAVOIDABLE
        weights[first + 1 : end] = [inside] * (end - first - 1)
        if end < min(behind, len(atoms)):
            weights[end] = AVOIDABLE
    return weights
