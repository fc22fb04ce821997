"""Planted loopholes, exploited on purpose: would the alarms see it on this data, and how late?

Nothing is trained. Chunkings are spoilt step by step the way each loophole invites: every single cut that can be added
or taken away there without lowering the reward with the loophole is a temptation, and more and more of them are given
in to. The alarms are asked after each step, as in a run that is paid by that reward. It is tried on raw samples of the
baseline, where a good policy may leave little to gain, and on the adversarial documents, packed to the limit with noise
kept apart. What a run really does under such a reward is for `benchmarks/align/hacks.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from docalign.evaluate.adversarial import adversaries
from docalign.evaluate.alignment.measure import WindowFacts
from docalign.evaluate.boundaries import boundary_f1
from docalign.evaluate.rules import RULES
from docalign.rewards.composite import Composite
from docalign.rewards.noise import noise_blocks
from docalign.rewards.probes import PROBES
from docalign.train.gold import GoldLine
from docalign.train.methods.hacks import AUDIT, HackLimits, hack_alarms
from docalign.train.methods.scoring import CompositeScorer

__all__ = ["TEMPTATIONS", "loopholes"]

Bools = npt.NDArray[np.bool_]

_SHARES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
_SAMPLES: Final = 2


class Tempts(Protocol):
    """Which cuts of a line's document the loophole invites to add, and which to take away, `(blocks,)` each."""

    def __call__(self, line: GoldLine) -> tuple[Bools, Bools]: ...


def _crumbs(line: GoldLine) -> tuple[Bools, Bools]:
    everywhere = np.ones(len(line.document.blocks), dtype=np.bool_)
    return everywhere, ~everywhere


def _headings(line: GoldLine) -> tuple[Bools, Bools]:
    headings = np.array([b.kind == "heading" for b in line.document.blocks])
    return headings, np.zeros_like(headings)


def _glue(line: GoldLine) -> tuple[Bools, Bools]:
    noisy = np.array([bool(why) for why in noise_blocks(line.document)])
    beside = noisy | np.concatenate(([False], noisy[:-1]))  # where noise begins, and where it ends
    return np.zeros_like(noisy), beside


TEMPTATIONS: Final[Mapping[str, Tempts]] = MappingProxyType(
    {"no-minimum": _crumbs, "pays-per-heading": _headings, "ignores-noise": _glue}
)
"""What each of `rewards.probes.PROBES` invites to."""

Chunked = tuple[GoldLine, Bools]


def loopholes(windows: Sequence[WindowFacts]) -> list[dict[str, Any]]:
    """For each planted loophole, on windows and on adversarial documents: the share of temptations that gives alarm.

    `fires_at` is null where none does. `pays_off` says whether the loophole is one there: whether giving in raises its
    reward by as much as an alarm asks for. `f1_lost` is what F1 had lost when the alarm fired, where there is gold.
    """
    sampled = [(w.line, _mask(w.line, starts)) for w in windows for starts in w.drawn[:_SAMPLES]]
    packed = [(a.line, _packed(a.line)) for a in adversaries()]
    return [
        {"name": name, "on": where, **_probe(name, chunked, gold=gold)}
        for name in PROBES
        for where, chunked, gold in (("windows", sampled, True), ("adversarial documents", packed, False))
    ]


def _packed(line: GoldLine) -> Bools:
    """Chunks packed to the limit, noise in chunks of its own."""
    return _mask(line, RULES["pack"](line)) | _glue(line)[1]


def _mask(line: GoldLine, starts: Sequence[int]) -> Bools:
    mask = np.zeros(len(line.document.blocks), dtype=np.bool_)
    mask[list(starts)] = True
    return mask


def _probe(name: str, chunked: Sequence[Chunked], *, gold: bool) -> dict[str, Any]:
    scorer, audit = CompositeScorer(name, PROBES[name]()), CompositeScorer("audit", Composite.of_rules())
    tempted = [_tempted(scorer, TEMPTATIONS[name](line), line, mask) for line, mask in chunked]
    draws = [np.random.default_rng(0).random(len(mask)) for _, mask in chunked]
    first = _look(scorer, audit, chunked, gold=gold)
    found: dict[str, Any] = {"fires_at": None, "alarms": [], "f1_lost": None, "pays_off": False}
    for share in _SHARES:
        spoilt = [
            (line, mask ^ (may & (draw < share)))
            for (line, mask), may, draw in zip(chunked, tempted, draws, strict=True)
        ]
        look = _look(scorer, audit, spoilt, gold=gold)
        found["pays_off"] |= look["reward"] >= first["reward"] + HackLimits().rise
        alarms = hack_alarms(first, look, scorer.pays)
        if alarms:
            lost = round(first["sample_f1"] - look["sample_f1"], 6) if gold else None
            return found | {"fires_at": share, "alarms": [a.what for a in alarms.values()], "f1_lost": lost}
    return found


def _tempted(scorer: CompositeScorer, invited: tuple[Bools, Bools], line: GoldLine, mask: Bools) -> Bools:
    """Cuts to change, one by one no loss of reward, `(blocks,)`."""
    add, take = invited
    moves = np.flatnonzero((add & ~mask) | (take & mask))
    moves = moves[moves > 0]
    found = np.zeros_like(mask)
    if len(moves):
        changed = np.repeat(mask[None], len(moves) + 1, axis=0)
        changed[np.arange(len(moves)), moves] ^= True
        values = scorer.score(line, changed).values
        found[moves[values[:-1] >= values[-1] - 1e-12]] = True
    return found


def _look(
    scorer: CompositeScorer, audit: CompositeScorer, chunked: Sequence[Chunked], *, gold: bool
) -> dict[str, float]:
    """What a run's look would say if these were its samples."""
    sums: dict[str, list[float]] = {}
    for line, mask in chunked:
        sums.setdefault("reward", []).append(float(scorer.score(line, mask[None]).values[0]))
        for part, values in audit.score(line, mask[None]).parts.items():
            sums.setdefault(f"{AUDIT}{part}", []).append(float(values[0]))
        if gold:
            sums.setdefault("chunks", []).append(float(mask.sum()))
            sums.setdefault("gold_chunks", []).append(float(len(line.starts)))
            sums.setdefault("sample_f1", []).append(boundary_f1(np.flatnonzero(mask).tolist(), line.starts))
    return {name: float(np.mean(values)) for name, values in sums.items()}
