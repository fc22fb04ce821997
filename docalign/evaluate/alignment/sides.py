"""Pages where policies disagree, side by side: a row for each block, a column for each chunker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["side_by_side"]


def side_by_side(examples: Sequence[Mapping[str, Any]]) -> str:
    """The excerpts of `disagree.disagreements`; a coloured cell is where that chunker starts a chunk."""
    if not examples:
        return "<h2>Where policies disagree</h2><p>Nowhere on these windows, with the solver.</p>"
    return (
        "<h2>Where policies disagree</h2>"
        '<p class="note">Windows with the most differences at run time. A coloured cell: a chunk starts with this '
        "block. “raw” is the most probable chunking without the solver; rows in bold are where a policy with its "
        "solver differs from the baseline.</p>" + "".join(_example(e, opened=n == 0) for n, e in enumerate(examples))
    )


def _example(example: Mapping[str, Any], *, opened: bool) -> str:
    columns = list(example["starts"])
    head = "".join(f"<th>{escape(name)}</th>" for name in ("block", *columns))
    rows = []
    for block in example["blocks"]:
        differs = ' class="differs"' if block["id"] in example["differing"] else ""
        cells = "".join(
            '<td class="cut">starts</td>' if block["id"] in example["starts"][name] else '<td class="on">·</td>'
            for name in columns
        )
        words = f'<td class="words"><small>{block["id"]} {escape(block["kind"])}</small> {escape(block["text"])}</td>'
        rows.append(f"<tr{differs}>{words}{cells}</tr>")
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return (
        f"<details{' open' if opened else ''}><summary>{escape(example['id'])}: {len(example['differing'])} blocks"
        f'</summary><div class="scroll sides">{body}</div></details>'
    )
