"""The `tree` gold policy: chunks are whole sections of the outline wherever sizes allow, and parents are respected.

From the deepest level up, neighbouring sections of one parent are joined while they fit the target; a parent's opening
text joins its first child when both fit; a section that fits is never joined to one of another parent. A section over
the target is opened up; a leaf over the limit is cut at even sizes, never after a heading, and not between a table and
its caption, a paragraph that ends in a colon and its list, or inside a list that fits the limit.

The `reference` policy (`train.policy_gold`) is simpler: it joins across parents and knows no lists or captions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Final

from docalign.train.policy_gold import Unit, keep_within

__all__ = ["TREE_POLICY", "tree_starts"]

TREE_POLICY: Final = "tree/1"
_ROOT_LEVEL: Final = 0


@dataclass(slots=True)
class _Section:
    """`units[first:end]`; its opening (headings and text of its own) ends at `opening`, where its children begin."""

    level: int
    first: int
    opening: int
    end: int
    children: list[_Section] = field(default_factory=list)


def tree_starts(units: Sequence[Unit], *, target: int, limit: int) -> list[int]:
    """Ids of the units that start a chunk, the first 0; the units are already cut to the limit."""
    if not units:
        return []
    sums = [0, *accumulate(u.tokens for u in units)]
    cutter = _Cutter(units, sums, target, limit)
    starts = [first for first, _ in cutter.segments(_tree(units))]
    return keep_within(units, starts, limit, sums)


def _tree(units: Sequence[Unit]) -> _Section:
    """The outline. Headings with nothing between them open as many sections, each inside the one before if deeper."""
    root = _Section(_ROOT_LEVEL, 0, len(units), len(units))
    path = [root]
    for index, unit in enumerate(units):
        if not unit.is_heading:
            continue
        level = unit.level or 1
        while path[-1].level >= level:
            path.pop().end = index
        parent = path[-1]
        if not parent.children:
            parent.opening = index
        section = _Section(level, index, len(units), len(units))
        parent.children.append(section)
        path.append(section)
    for section in path:
        section.end = len(units)
    _close(root)
    return root


def _close(section: _Section) -> None:
    """An opening without children is the whole section."""
    if not section.children:
        section.opening = section.end
    for child in section.children:
        _close(child)


class _Cutter:
    def __init__(self, units: Sequence[Unit], sums: Sequence[int], target: int, limit: int) -> None:
        self._units, self._sums, self._target, self._limit = units, sums, target, limit

    def _size(self, first: int, end: int) -> int:
        return self._sums[end] - self._sums[first]

    def segments(self, section: _Section) -> list[tuple[int, int]]:
        """The chunks of a section, in order; they tile it."""
        if self._size(section.first, section.end) <= self._target:
            return [(section.first, section.end)]
        if not section.children:
            return self._leaf(section.first, section.end)
        made: list[tuple[int, int]] = []
        whole = False  # may the last chunk take in a sibling?
        if section.opening > section.first:
            made = self._leaf(section.first, section.opening)
            whole = len(made) == 1
        for child in section.children:
            parts = self.segments(child)
            fits = made and self._size(made[-1][0], parts[0][1]) <= self._target
            bare = made and all(u.is_heading for u in self._units[made[-1][0] : made[-1][1]])
            if made and ((whole and len(parts) == 1 and fits) or bare):
                made[-1] = (made[-1][0], parts[0][1])
                made += parts[1:]
            else:
                made += parts
            whole = len(parts) == 1
        return made

    def _leaf(self, first: int, end: int) -> list[tuple[int, int]]:
        """A stretch without children: one chunk while it is within the limit, else even parts of whole groups."""
        size = self._size(first, end)
        if size <= self._limit:
            return [(first, end)]
        share = size / -(-size // self._target)
        cuts = [first]
        for group, _ in self._groups(first, end)[1:]:
            enough = self._size(cuts[-1], group) + self._units[group].tokens / 2 >= share
            if enough and self._size(group, end) > 0.4 * share:
                cuts.append(group)
        return list(pairwise([*cuts, end]))

    def _groups(self, first: int, end: int) -> list[tuple[int, int]]:
        """Runs of units that belong together, each within the limit where it can be."""
        groups: list[tuple[int, int]] = []
        begun = first
        for index in range(first + 1, end):
            tied = _tied(self._units[index - 1], self._units[index])
            heading = self._units[index - 1].is_heading
            if not (heading or (tied and self._size(begun, index + 1) <= self._limit)):
                groups.append((begun, index))
                begun = index
        return [*groups, (begun, end)]


def _tied(above: Unit, below: Unit) -> bool:
    """A reader would not part these two: caption and table, a colon and its list, items of one list."""
    kinds = (above.kind, below.kind)
    if kinds in (("caption", "table"), ("table", "caption"), ("list_item", "list_item")):
        return True
    return below.kind in ("list_item", "table", "code") and above.text.rstrip().endswith(":")
