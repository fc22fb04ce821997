"""How far a page must be turned for its text to read upright, told from where the lines of a document stand.

Boxes belong to the unrotated page, while a viewer wants to read: pages that a PDF rotates for display and pages that
were scanned sideways look alike here. A pure function of the document; the picture of a page (`pictures`) and the
regions drawn over it (`pages`) both ask it, so that they agree.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from docalign.document import Box, Document

__all__ = ["page_turns"]


def page_turns(document: Document) -> Mapping[int, int]:
    """Page number → degrees clockwise (0, 90, 180, 270); pages without a clear answer are missing and mean 0.

    Where the reader knew the page, its own answer counts. Elsewhere (documents of other programs) successive lines of
    a block step down the upright page, so the direction of the step on the unrotated page is the turn. The majority of
    steps decides.
    """
    votes: dict[int, Counter[int]] = defaultdict(Counter)
    for block in document.blocks:
        for before, after in zip(block.lines, block.lines[1:], strict=False):
            if before.page == after.page and (turn := _turn_of_step(before.box, after.box)) is not None:
                votes[before.page][turn] += 1
    guessed = {page: count.most_common(1)[0][0] for page, count in votes.items()}
    return guessed | {page.number: page.rotation for page in document.pages if page.kind or page.rotation}


def _turn_of_step(before: Box, after: Box) -> int | None:
    """The turn under which `after` stands below `before`; None where they stand side by side or far apart."""
    across = _overlap(before[0], before[2], after[0], after[2])
    down = _overlap(before[1], before[3], after[1], after[3])
    if across > 0.5 >= down:
        return 0 if after[1] > before[1] else 180
    if down > 0.5 >= across:
        return 90 if after[0] > before[0] else 270
    return None


def _overlap(a0: float, a1: float, b0: float, b1: float) -> float:
    """The shared part of two stretches, as a share of the shorter one."""
    shorter = min(a1 - a0, b1 - b0)
    return (min(a1, b1) - max(a0, b0)) / shorter if shorter > 0 else 0.0
