"""Composite: several rewards, weighted. Its value is never shown without its parts.

A part that does not apply to a document is left out of the mean there, so the weights of the others count for more.
`Composite.score` explains one chunking; `Composite.prepare` makes the composite ready to score many chunkings of one
document, as training does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from docalign.document import Document
from docalign.rewards.one_by_one import OneByOne
from docalign.rewards.reward import Prepared, Reward, Score, Sizes, Span, check_tiling
from docalign.rewards.rules import RULE_REWARDS
from docalign.rewards.weights import RewardSettings, rule_weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from docalign.rewards.prepared import Chunks, PreparedRules

__all__ = ["Batch", "Composite", "Part", "PreparedComposite", "Scored"]


@dataclass(frozen=True, slots=True)
class Part:
    """A reward, what it is called and how much it counts (0: it is shown only)."""

    name: str
    weight: float
    reward: Reward


@dataclass(frozen=True, slots=True)
class Scored:
    """A chunking's score: the weighted mean, and the parts it is the mean of."""

    value: float
    parts: Mapping[str, Score]


@dataclass(frozen=True, slots=True)
class Batch:
    """Many chunkings of one document, scored: `values` `(chunkings,)`, `parts` the same by name (those that apply).

    `chunks` says which chunks these are; `lost` `(chunks,)` is what each costs its chunking, so that a chunking's value
    is 1 − the sum over its chunks. What a part without reasons by chunk loses is spread evenly over the chunks.
    """

    values: npt.NDArray[np.float64]
    parts: Mapping[str, npt.NDArray[np.float64]]
    chunks: Chunks
    lost: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Composite:
    """Weighted rewards. Also a `Reward` itself."""

    parts: tuple[Part, ...]

    @classmethod
    def of_rules(cls, settings: RewardSettings | None = None) -> Composite:
        """The rule rewards with the weights of `settings` (None: the defaults)."""
        return cls(tuple(Part(name, weight, RULE_REWARDS[name]) for name, weight in rule_weights(settings).items()))

    def score(self, document: Document, spans: Sequence[Span], sizes: Sizes) -> Scored:
        """Every part on one chunking, with reasons.

        Raises:
            UsageError: the spans do not tile the text.
        """
        check_tiling(document, spans)
        remembering = replace(sizes, count=lru_cache(maxsize=None)(sizes.count))  # parts count the same chunks
        scores = {p.name: p.reward(document, spans, remembering) for p in self.parts}
        shares = _shares({p.name: p.weight for p in self.parts if scores[p.name].applies})
        value = max(0.0, 1.0 - sum(share * (1.0 - scores[name].value) for name, share in shares.items()))
        return Scored(value, MappingProxyType(scores))

    def __call__(self, document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
        """As a reward: the weighted mean; every reason says which part it is of.

        Raises:
            UsageError: the spans do not tile the text.
        """
        scored = self.score(document, spans, sizes)
        shares = _shares({p.name: p.weight for p in self.parts if scored.parts[p.name].applies})
        named = [(name, scored.parts[name]) for name in shares]
        reasons = tuple(f"{name}: {reason}" for name, s in named for reason in s.reasons)
        losses = tuple(
            replace(loss, points=shares[name] * loss.points, reason=f"{name}: {loss.reason}")
            for name, s in named
            for loss in s.losses
        )
        flags = tuple(flag for s in scored.parts.values() for flag in s.flags)
        return Score(scored.value, reasons, losses, applies=bool(shares), flags=flags)

    def prepare(self, document: Document, sizes: Sizes, *, exact: bool = False) -> PreparedComposite:
        """Read the document once, for scoring many chunkings of it.

        Args:
            exact: count each distinct chunk with a tokenizer instead of adding up its blocks (see `prepared.py`).
        """
        return PreparedComposite(self, document, sizes, exact=exact)


class PreparedComposite:
    """A composite that has read one document.

    Rule rewards cost microseconds a chunk; another reward is asked through its own `prepare` where it has one, else
    once for each distinct chunking.
    """

    def __init__(self, composite: Composite, document: Document, sizes: Sizes, *, exact: bool) -> None:
        from docalign.rewards.prepared import PreparedRules

        rules = [p.name for p in composite.parts if p.reward is RULE_REWARDS.get(p.name)]
        self.rules: PreparedRules = PreparedRules(document, sizes, rules, exact=exact)
        made = {p.name: _prepared(p.reward, document, sizes) for p in composite.parts if p.name not in rules}
        self._others: dict[str, Prepared] = {name: prepared for name, prepared in made.items() if prepared is not None}
        weights = {p.name: p.weight for p in composite.parts}
        self.applying = (*self.rules.applying, *self._others)
        self.shares: Mapping[str, float] = MappingProxyType(_shares({name: weights[name] for name in self.applying}))
        """What each applying part counts; they sum to 1."""

    def parts(self, starts: Sequence[int]) -> dict[str, float]:
        """Every applying part of one chunking, given as the ids of the blocks that start a chunk."""
        return {name: float(values[0]) for name, values in self.batch([starts]).parts.items()}

    def values(self, chunkings: Sequence[Sequence[int]]) -> list[float]:
        """The composite of each chunking."""
        return [float(v) for v in self.batch(chunkings).values]

    def batch(self, chunkings: Sequence[Sequence[int]]) -> Batch:
        """Many chunkings at once, each given as the ids of the blocks that start a chunk."""
        import numpy as np

        mask = np.zeros((len(chunkings), self.rules.blocks), dtype=np.bool_)
        for row, starts in zip(mask, chunkings, strict=True):
            row[list(starts)] = True
        return self.batch_of_mask(mask)

    def batch_of_mask(self, mask: Any) -> Batch:
        """The same for chunkings as `(chunkings, blocks)`: whether a chunk starts at each block."""
        import numpy as np

        chunks = self.rules.chunks(np.asarray(mask))
        found = self.rules.losses(chunks)
        parts = {name: losses.values for name, losses in found.items()}
        lost = np.zeros(len(chunks.first))
        for name, losses in found.items():
            lost += self.shares.get(name, 0.0) * losses.points
        if self._others:
            edges = np.searchsorted(chunks.sample, np.arange(1, chunks.number))
            chunkings = [part.tolist() for part in np.split(chunks.first, edges)]
            counts = chunks.by_sample(np.ones(len(chunks.first)))
            for name, prepared in self._others.items():
                parts[name] = np.asarray(prepared.values(chunkings), dtype=np.float64)
                lost += (self.shares.get(name, 0.0) * (1.0 - parts[name]) / counts)[chunks.sample]
        values = np.ones(chunks.number)
        for name, share in self.shares.items():
            values -= share * (1.0 - parts[name])
        return Batch(values, MappingProxyType(parts), chunks, lost)


def _prepared(reward: Reward, document: Document, sizes: Sizes) -> Prepared | None:
    """The reward made ready for the document; None where it does not apply (that never depends on the chunking)."""
    prepare = getattr(reward, "prepare", None)
    if prepare is not None:
        made: Prepared | None = prepare(document, sizes)
        return made
    asked = OneByOne(reward, document, sizes)
    return asked if asked.applies() else None


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    """The weights above 0, made to sum to 1."""
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items() if weight > 0}
