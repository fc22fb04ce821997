"""Rule baselines: chunkers that know the gold policy but no language.

A learned chunker earns its place where it beats these on the same blocks. `kind+policy` on marked documents is an
oracle (1.0 by construction where the gold came from the policy), no competitor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from docalign.chunker import outline
from docalign.chunker.heading_guess import guessed_levels
from docalign.chunker.outline import Section, looks_like_heading
from docalign.counting import counter
from docalign.train.gold import GoldLine
from docalign.train.policy_gold import Unit, gold_starts

__all__ = [
    "RULES",
    "Rule",
    "every",
    "guess_and_policy",
    "kind_and_policy",
    "looks_like_heading",
    "outline_hint",
    "pack",
]

Rule = Callable[[GoldLine], list[int]]
"""Gold line → ids of the blocks that start a chunk. The gold starts in the line are not looked at."""

_GUESSED_LEVEL: Final = 2


def pack(line: GoldLine) -> list[int]:
    """Blocks are packed until the next one would go over the target."""
    target, _ = line.sizes
    return outline.pack([Section(u.tokens, None) for u in _units(line)], target)


def guess_and_policy(line: GoldLine) -> list[int]:
    """The gold policy, with short lines that look like headings taken for headings of one level."""
    units = [
        Unit(u.text, "heading" if looks_like_heading(u.text) else u.kind, _GUESSED_LEVEL, u.tokens)
        for u in _units(line)
    ]
    return _policy(line, units)


def kind_and_policy(line: GoldLine) -> list[int]:
    """The gold policy, with the kinds and levels the document states."""
    return _policy(line, _units(line))


def outline_hint(line: GoldLine) -> list[int]:
    """What the prompt's `>` hint proposes: the same policy, with headings as marked or, where none is, as guessed."""
    target, limit = line.sizes
    units = _units(line)
    levels = [u.level if u.is_heading else None for u in units]
    if not any(u.is_heading for u in units):
        levels = guessed_levels([u.kind for u in units], [u.text for u in units])
    return outline.pack_sections([Section(u.tokens, v) for u, v in zip(units, levels, strict=True)], target, limit)


def every(line: GoldLine) -> list[int]:
    """A chunk for every block."""
    return list(range(len(line.document.blocks)))


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "pack": pack,
        "guess+policy": guess_and_policy,
        "outline": outline_hint,
        "kind+policy": kind_and_policy,
        "every": every,
    }
)


def _policy(line: GoldLine, units: list[Unit]) -> list[int]:
    target, limit = line.sizes
    return gold_starts(units, target=target, limit=limit)


def _units(line: GoldLine) -> list[Unit]:
    document, count = line.document, counter(line.counter)
    texts = [document.block_text(b) for b in document.blocks]
    return [Unit(t, b.kind, b.level, max(1, count(t))) for t, b in zip(texts, document.blocks, strict=True)]
