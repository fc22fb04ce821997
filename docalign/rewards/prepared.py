"""The rule rewards, prepared: everything they need to know of a document by block, read once; then chunkings by the
thousand without reading or counting any text again.

Training scores many samples of every window of every step. A chunking here is a set of block ids, so each rule becomes
a few array operations over all chunks of all samples. The values are those of the pure functions (a property test
compares them); the reasons are theirs alone.

Token counts: `words*1.35` and `chars` add up exactly. The counts of a tokenizer do not quite: by default a chunk counts
as the sum of its blocks (a token or so off for each block); with `exact` each distinct chunk is counted, once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from docalign.chunk import avoidable_orphans
from docalign.counting import TOKENS_PER_WORD, count_words
from docalign.document import Document
from docalign.rewards.beginnings import dangling, mid_sentence
from docalign.rewards.headings import NO_LEVEL, outline_of
from docalign.rewards.lengths import BAND, FRAGMENT, ZERO
from docalign.rewards.noise import HARMLESS, SPOILT, noise_blocks
from docalign.rewards.personal import personal_wholes
from docalign.rewards.pieces import block_spans, calls_for
from docalign.rewards.reward import Sizes
from docalign.rewards.rules import RULE_REWARDS
from docalign.rewards.wholes import Whole, list_wholes, table_wholes

__all__ = ["Chunks", "PreparedRules", "RuleLosses"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Chunks:
    """The chunks of several chunkings of one document, one after the other; each array `(chunks,)`.

    Chunk c belongs to chunking `sample[c]` and holds blocks `first[c]` to `end[c]` (exclusive).
    """

    number: int
    sample: Ints
    first: Ints
    end: Ints
    tokens: Ints
    over: Bools

    def by_sample(self, values: npt.NDArray[np.generic]) -> Floats:
        """Sums of `values` `(chunks,)` by chunking, `(number,)`."""
        sums = np.bincount(self.sample, weights=values.astype(np.float64), minlength=self.number)
        return sums.astype(np.float64, copy=False)


@dataclass(frozen=True, slots=True)
class RuleLosses:
    """One part on several chunkings: `values` `(number,)`, and the points each chunk costs, `(chunks,)`."""

    values: Floats
    points: Floats


_Rule = Callable[[Chunks], tuple[npt.NDArray[np.generic], float | Floats]]
"""Chunks → losses by chunk, and what they are a share of (a number, or one for each chunking)."""


class PreparedRules:
    """The rule rewards `names` for one document. `applying` are the names of those it gives something to judge."""

    def __init__(
        self, document: Document, sizes: Sizes, names: Collection[str] = tuple(RULE_REWARDS), *, exact: bool = False
    ) -> None:
        self.blocks: Final = len(document.blocks)
        self._sizes = sizes
        self._lengths = _lengths(document, sizes, exact=exact)
        self._total = sizes.count(document.text)
        makers = _MAKERS if self.blocks else {}
        made = {name: makers[name](self, document, sizes) for name in names if name in makers}
        self._rules: dict[str, _Rule] = {name: rule for name, rule in made.items() if rule is not None}
        self.applying: Final = tuple(self._rules)

    def chunks(self, mask: Bools) -> Chunks:
        """The chunks of chunkings given as `(number, blocks)`: whether a chunk starts at each block (the first counts
        as True)."""
        mask = np.array(mask, dtype=np.bool_)
        mask[:, :1] = True
        sample, first = np.nonzero(mask)
        end = np.append(first[1:], 0)
        end[np.append(sample[1:] != sample[:-1], True)] = self.blocks
        tokens = self._lengths(first, end)
        limit = self._sizes.max_tokens
        over = tokens > limit if limit is not None else np.zeros(len(tokens), dtype=np.bool_)
        return Chunks(len(mask), sample, first, end, tokens, over)

    def losses(self, chunks: Chunks) -> dict[str, RuleLosses]:
        """Every applying part on these chunks."""
        found = {}
        for name, rule in self._rules.items():
            lost, of = rule(chunks)
            total = chunks.by_sample(lost)
            whole = np.broadcast_to(np.asarray(of, dtype=np.float64), total.shape)
            values = np.where(total > 0, np.maximum(0.0, 1.0 - total / np.maximum(whole, 1e-12)), 1.0)
            points = lost / np.maximum(np.maximum(whole, total), 1e-12)[chunks.sample]
            found[name] = RuleLosses(values, points)
        return found

    def _missing_cuts(self, chunks: Chunks) -> Ints | int:
        limit = self._sizes.max_tokens
        return np.where(chunks.over, chunks.tokens // limit, 0) if limit else 0

    # Each maker reads the document once and gives the rule, or None where there is nothing to judge.

    def _within_limit(self, document: Document, sizes: Sizes) -> _Rule | None:  # noqa: ARG002 - makers are alike
        if sizes.max_tokens is None:
            return None
        return lambda c: (c.tokens * c.over, c.by_sample(c.tokens))

    def _length_band(self, document: Document, sizes: Sizes) -> _Rule | None:  # noqa: ARG002
        target = sizes.target_tokens
        if target is None:
            return None

        def rule(c: Chunks) -> tuple[Floats, Floats]:
            ratio = c.tokens / target
            alone = c.by_sample(np.ones(len(ratio)))[c.sample] == 1
            short = np.where(alone, 1.0, (ratio - ZERO[0]) / (BAND[0] - ZERO[0]))
            credit = np.clip(np.minimum(short, (ZERO[1] - ratio) / (ZERO[1] - BAND[1])), 0.0, 1.0)
            return c.tokens * (1.0 - credit), c.by_sample(c.tokens)

        return rule

    def _not_too_short(self, document: Document, sizes: Sizes) -> _Rule | None:  # noqa: ARG002
        if sizes.target_tokens is None or self._total < FRAGMENT * sizes.target_tokens:
            return None
        least, called = FRAGMENT * sizes.target_tokens, calls_for(self._total, sizes)
        return lambda c: (c.tokens < least, called)

    def _headings_kept(self, document: Document, sizes: Sizes) -> _Rule | None:
        headings = sum(b.kind == "heading" for b in document.blocks)
        if not headings:
            return None
        every = block_spans(document, range(self.blocks))
        orphan = np.zeros(self.blocks, dtype=np.bool_)
        orphan[avoidable_orphans(document, every, sizes.count, sizes.max_tokens)] = True
        orphan[-1] = False
        return lambda c: (orphan[c.end - 1], headings)

    def _headings_start(self, document: Document, sizes: Sizes) -> _Rule | None:  # noqa: ARG002
        starts = [k for k in outline_of(document).starts if k]
        if not starts:
            return None
        before = _before(self.blocks, starts)
        inside = np.array([b.kind != "heading" for b in document.blocks])
        inside[0] = False
        return lambda c: ((before[c.end] - before[c.first + 1]) * (c.over | inside[c.first]), len(starts))

    def _depth_respected(self, document: Document, sizes: Sizes) -> _Rule | None:  # noqa: ARG002
        outline = outline_of(document)
        if not outline.crossable:
            return None
        # (levels + 1, blocks + 1): how many crossable starts of a level below `level` stand before a block
        higher = np.array(
            [
                _before(self.blocks, [k for k in outline.crossable if outline.levels[k] < level])
                for level in range(NO_LEVEL + 2)
            ]
        )
        levels = np.array(outline.levels)

        def rule(c: Chunks) -> tuple[Ints, float]:
            level = np.where(c.over, NO_LEVEL + 1, levels[c.first])
            return higher[level, c.end] - higher[level, c.first + 1], len(outline.crossable)

        return rule

    def _lists_whole(self, document: Document, sizes: Sizes) -> _Rule | None:
        return self._kept_whole(list_wholes(document, sizes))

    def _tables_whole(self, document: Document, sizes: Sizes) -> _Rule | None:
        return self._kept_whole(table_wholes(document, sizes))

    def _personal_data_together(self, document: Document, sizes: Sizes) -> _Rule | None:
        return self._kept_whole(personal_wholes(document, sizes))

    def _kept_whole(self, wholes: Sequence[Whole]) -> _Rule | None:
        if not wholes:
            return None
        before = _before(self.blocks, [w.first for w in wholes])
        crossing = np.full(self.blocks + 1, -1)  # where the whole begins that a cut before this block would break
        for whole in wholes:
            crossing[whole.first + 1 : whole.last + 1] = whole.first

        def rule(c: Chunks) -> tuple[Ints, float]:
            broken = crossing[c.end] >= c.first
            return np.where(c.over, before[c.end] - before[c.first], broken), len(wholes)

        return rule

    def _sentences_whole(self, document: Document, sizes: Sizes) -> _Rule | None:
        broken = np.array(mid_sentence(document))
        called = calls_for(self._total, sizes)
        return lambda c: (broken[c.first] + self._missing_cuts(c), called)

    def _self_contained(self, document: Document, sizes: Sizes) -> _Rule | None:
        bad = np.array([bool(why) for why in dangling(document, sizes)])
        called = calls_for(self._total, sizes)
        return lambda c: (bad[c.first] + self._missing_cuts(c), called)

    def _noise_apart(self, document: Document, sizes: Sizes) -> _Rule | None:  # noqa: ARG002
        lengths = np.array([b.end - b.start for b in document.blocks])
        noisy = np.array([bool(why) for why in noise_blocks(document)])
        readable = int(lengths[~noisy].sum())
        if not noisy.any() or not readable:
            return None
        noise, clean = (np.concatenate(([0], np.cumsum(lengths * of))) for of in (noisy, ~noisy))

        def rule(c: Chunks) -> tuple[Floats, float]:
            bad, good = noise[c.end] - noise[c.first], clean[c.end] - clean[c.first]
            share = bad / np.maximum(bad + good, 1)
            return good * np.clip((share - HARMLESS) / (SPOILT - HARMLESS), 0.0, 1.0), readable

        return rule


_MAKERS: Final[dict[str, Callable[[PreparedRules, Document, Sizes], _Rule | None]]] = {
    name: getattr(PreparedRules, f"_{name}") for name in RULE_REWARDS
}


def _before(blocks: int, marked: Sequence[int]) -> Ints:
    """How many of the `marked` blocks stand before each block, `(blocks + 1,)`."""
    counts = np.zeros(blocks + 1, dtype=np.int64)
    np.add.at(counts, np.asarray(marked, dtype=np.int64) + 1, 1)
    return np.cumsum(counts)


def _lengths(document: Document, sizes: Sizes, *, exact: bool) -> Callable[[Ints, Ints], Ints]:
    """Tokens of the chunks that begin with blocks `first` and end before blocks `end`."""
    text, blocks = document.text, document.blocks
    edges = np.array([0, *(b.start for b in blocks[1:]), len(text)], dtype=np.int64)
    apart = all(b.end > a.end and b.start > a.end for a, b in pairwise(blocks))
    if sizes.count is len:
        return lambda first, end: edges[end] - edges[first]
    if sizes.count is count_words and apart:
        words = np.concatenate(([0], np.cumsum([len(text[b.start : b.end].split()) for b in blocks]))).astype(np.int64)

        def counted(first: Ints, end: Ints) -> Ints:
            number = words[end] - words[first]
            return np.where(number > 0, np.maximum(1, np.rint(number * TOKENS_PER_WORD)), 0).astype(np.int64)

        return counted
    if not exact and sizes.count is not count_words:
        sums = np.concatenate(([0], np.cumsum([sizes.count(text[a:b]) for a, b in pairwise(edges)])))
        return lambda first, end: (sums[end] - sums[first]).astype(np.int64)
    known: dict[tuple[int, int], int] = {}

    def remembered(first: Ints, end: Ints) -> Ints:
        pairs = list(zip(first.tolist(), end.tolist(), strict=True))
        for a, b in pairs:
            if (a, b) not in known:
                known[a, b] = sizes.count(text[edges[a] : edges[b]])
        return np.array([known[pair] for pair in pairs], dtype=np.int64)

    return remembered
