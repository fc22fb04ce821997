"""Why the chunks of a document start where they do: for each start what the model said, what the sizes said, how much
the cut is preferred to doing without it, which rules it serves, and whether another model would cut there too.

Everything comes from the run-time path, so what is explained is what `docalign chunk` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from docalign.chunker.chunker import Chunker
from docalign.chunker.options import ChunkOptions
from docalign.chunker.segment import Solved, solved
from docalign.chunker.solve import ORPHAN_COST, boundary_marginals, margins
from docalign.counting import counter
from docalign.document import Document
from docalign.rewards.composite import Composite
from docalign.rewards.reward import Sizes

__all__ = ["Boundary", "Explanation", "Other", "explain"]

Why = Literal["first", "free", "limit", "heading"]

_MOVED: Final = 0.0005
"""A reward that moves by less than this is not mentioned."""


@dataclass(frozen=True, slots=True)
class Other:
    """What another model says of a start: its log-odds (None inside a block), its probability, and if it cuts there."""

    log_odds: float | None
    boundary: float
    cuts: bool


@dataclass(frozen=True, slots=True)
class Boundary:
    """The start of a chunk.

    Attributes:
        start: offset in the document's text; `block` is the block it stands in, `inside` whether within it.
        tokens: of the chunk.
        why: `first` starts the document; without a `limit` cut a chunk would be over the limit, without a `heading`
            cut a heading would be left behind; `free` is the model's choice under the length prior.
        log_odds: s, for a cut here against going on; None inside a block, where it is a fixed low number.
        length_prior: φ of the chunk.
        boundary: the probability of a start here under the legal policy.
        margin: how much better the chosen chunking scores than the best without this cut, in nats; None where every
            legal chunking cuts here, or leaves a heading behind where it does not.
        rewards: by rule reward, what it gains by this cut (against joining the two chunks), where it gains or loses.
        other: another model's view, if one was asked.
    """

    start: int
    block: int | None
    inside: bool
    tokens: int
    why: Why
    log_odds: float | None
    length_prior: float
    boundary: float
    margin: float | None
    rewards: Mapping[str, float]
    other: Other | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every start of a chunking, and the starts that only the other model (if one was asked) would make."""

    boundaries: tuple[Boundary, ...]
    others_alone: tuple[int, ...] = ()


def explain(
    document: Document,
    chunker: Chunker,
    options: ChunkOptions | None = None,
    *,
    against: Chunker | None = None,
    rewards: Composite | None = None,
) -> Explanation:
    """Explain the chunking that `chunker` makes of `document`.

    Args:
        against: another model, say the one before alignment; sizes are counted as for `chunker`.
        rewards: what to ask how a cut moves it; the rule rewards by default.

    Raises:
        UsageError: an unknown tokenizer, or a limit that a single character breaks.
    """
    options = options or ChunkOptions()
    ours = _run(chunker, document, options, chunker)
    theirs = _run(against, document, options, chunker) if against is not None else None
    if not ours.found.atoms:
        return Explanation(())
    count = counter(options.tokenizer or chunker.tokenizer)
    moved = _moved(
        document, ours.found, rewards or Composite.of_rules(), Sizes(options.target, options.max_tokens, count)
    )
    kept = margins(ours.found.problem, ours.found.starts)
    edges = [*ours.found.starts, len(ours.found.atoms)]
    boundaries = tuple(
        _boundary(ours, edges[k], edges[k + 1], float(kept[k]), moved[k], theirs) for k in range(len(edges) - 1)
    )
    cut = {b.start for b in boundaries}
    alone = () if theirs is None else tuple(sorted(theirs.cuts() - cut))
    return Explanation(boundaries, alone)


@dataclass(frozen=True, slots=True)
class _Run:
    """One model's answer: the solved problem, and log-odds `(blocks,)` and marginals `(atoms,)`."""

    found: Solved
    log_odds: npt.NDArray[np.float64]
    marginals: npt.NDArray[np.float64]

    def cuts(self) -> set[int]:
        return {self.found.atoms[i].start for i in self.found.starts}


def _run(model: Chunker, document: Document, options: ChunkOptions, counted_by: Chunker) -> _Run:
    # Both models must count alike, or they would be asked for different sizes.
    tokenizer = options.tokenizer or counted_by.tokenizer
    asked = ChunkOptions(options.max_tokens, options.target_tokens, tokenizer)
    log_odds = model.log_odds(document, asked)
    found = solved(
        document,
        log_odds,
        count=counter(tokenizer),
        max_tokens=asked.max_tokens,
        target=asked.target,
        prior=model.prior,
        free_bias=model.free_bias,
        free_prior=model.free_prior,
    )
    return _Run(found, log_odds, boundary_marginals(found.problem))


def _boundary(
    run: _Run, first: int, end: int, margin: float, moved: Mapping[str, float], other: _Run | None
) -> Boundary:
    atoms, problem = run.found.atoms, run.found.problem
    atom = atoms[first]
    inside = not atom.opens_block
    size = float(sum(a.tokens for a in atoms[first:end]))
    prior = 0.0 if problem.target is None else float(problem.prior(np.array([size / problem.target]))[0])
    why: Why = "free"
    if first == 0:
        why = "first"
    elif margin == np.inf:
        why = "limit"
    elif margin > ORPHAN_COST / 2:
        why = "heading"
    reach = run.found.reach
    return Boundary(
        start=atom.start,
        block=atom.block,
        inside=inside,
        tokens=int(size) if reach is None else reach.tokens(first, end),
        why=why,
        log_odds=None if inside or atom.block is None or first == 0 else float(run.log_odds[atom.block]),
        length_prior=prior,
        boundary=float(run.marginals[first]),
        margin=margin if why == "free" else None,
        rewards=moved,
        other=None if other is None or first == 0 else _other(other, atom.start),
    )


def _other(run: _Run, start: int) -> Other:
    # Atoms depend on text, limit and counter only, so both models have the same.
    index = next(i for i, atom in enumerate(run.found.atoms) if atom.start == start)
    atom = run.found.atoms[index]
    known = atom.opens_block and atom.block is not None
    return Other(
        log_odds=float(run.log_odds[atom.block]) if known and atom.block is not None else None,
        boundary=float(run.marginals[index]),
        cuts=index in run.found.starts,
    )


def _moved(document: Document, found: Solved, rewards: Composite, sizes: Sizes) -> list[Mapping[str, float]]:
    """For each start, what every reward gains by it: with the cut minus with its two chunks joined.

    Rewards see block starts only, so a cut inside a block moves none.
    """
    blocks = [found.atoms[i].block if found.atoms[i].opens_block else None for i in found.starts]
    chosen = [b for b in blocks if b]
    if not document.blocks:
        return [MappingProxyType({}) for _ in blocks]
    prepared = rewards.prepare(document, sizes)
    # One chunking as it is, and one without each of its cuts.
    mask = np.zeros((1 + len(chosen), len(document.blocks)), dtype=np.bool_)
    mask[:, [0, *chosen]] = True
    mask[np.arange(1, 1 + len(chosen)), chosen] = False
    parts = prepared.batch_of_mask(mask).parts
    return [_gains(parts, chosen.index(b) + 1) if b else MappingProxyType({}) for b in blocks]


def _gains(parts: Mapping[str, npt.NDArray[np.float64]], row: int) -> Mapping[str, float]:
    gains = {name: float(values[0] - values[row]) for name, values in parts.items()}
    return MappingProxyType({name: gain for name, gain in sorted(gains.items()) if abs(gain) >= _MOVED})
