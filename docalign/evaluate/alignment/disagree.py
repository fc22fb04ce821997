"""Pages where policies disagree, as data: the blocks, and where gold and each policy would start a chunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from docalign.evaluate.alignment.measure import Measured

__all__ = ["disagreements"]

_SHOWN: Final = 4
_CONTEXT: Final = 3
_MOST_BLOCKS: Final = 30
_CHARS: Final = 220


def disagreements(measured: Sequence[Measured], number: int = _SHOWN) -> list[dict[str, Any]]:
    """The windows on which the policies, each with its solver, differ most from the first; excerpts around it.

    `starts` are by column (`gold`, then `NAME raw` and `NAME` of each policy) the ids of blocks that start a chunk.
    """
    baseline = measured[0]
    order = sorted(
        range(len(baseline.windows)),
        key=lambda i: (-sum(len(set(m.windows[i].solver) ^ set(baseline.windows[i].solver)) for m in measured), i),
    )
    found = []
    for i in order[:number]:
        window = baseline.windows[i]
        columns = {"gold": window.line.starts}
        for policy in measured:
            columns[f"{policy.name} raw"] = policy.windows[i].greedy
            columns[policy.name] = policy.windows[i].solver
        differing = sorted(set().union(*(set(m.windows[i].solver) ^ set(window.solver) for m in measured)))
        if not differing:
            continue
        blocks = window.line.document.blocks
        first = max(0, differing[0] - _CONTEXT)
        shown = blocks[first : first + _MOST_BLOCKS]
        seen = range(shown[0].id, shown[-1].id + 1)
        found.append(
            {
                "id": window.id,
                "differing": differing,
                "blocks": [
                    {"id": b.id, "kind": b.kind, "text": " ".join(window.line.document.block_text(b).split())[:_CHARS]}
                    for b in shown
                ],
                "starts": {name: [s for s in starts if s in seen] for name, starts in columns.items()},
            }
        )
    return found
