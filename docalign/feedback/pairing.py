"""Which candidates are compared, in which order they are shown, and which comparison comes next.

A comparison teaches most where its outcome is least sure: Bradley–Terry strengths of the generators (and, where there
is one, a reward model's scores of the candidates) say how sure it is. But asking only there would make the answers say
little about everything else, so a fixed share of the comparisons is drawn at random and stays so. Everything random
comes from seeds that are stored with the task, so that every choice can be made again.

People often like more chunks, or fewer. Comparisons that differ in little but the number of chunks are therefore
rationed, and balanced: within them, each generator has more chunks as often as fewer. Pure functions; no I/O.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from docalign.feedback.candidates import NEAR, distance
from docalign.feedback.values import Candidate, Ranking, Task

__all__ = [
    "RANDOM_SHARE",
    "REPEAT_SHARE",
    "Balance",
    "Game",
    "Strengths",
    "fit_strengths",
    "games_of",
    "mostly_number",
    "plan",
    "priorities",
    "repeat_of",
    "shown_order",
    "uncertainty",
]

RANDOM_SHARE: Final = 0.3
"""This share of the tasks comes in an order that no model has a say in."""
REPEAT_SHARE: Final = 0.1
REPEAT_GAP: Final = 8
"""A task is shown again after at least so many others."""
NUMBER_SHARE: Final = 1 / 3
"""At most this share of the comparisons may differ mostly in number."""

_PRIOR_VARIANCE: Final = 1.0
_SPREAD: Final = 0.5
"""Variance of a candidate's quality around its generator's strength."""

Game = tuple[str, str, float]
"""Two generators and how often the first won against the second: 1, 0, or 0.5 for a tie."""
Floats = npt.NDArray[np.float64]


def mostly_number(a: Candidate, b: Candidate) -> bool:
    """Whether the two differ in little but how many chunks they make: one is the other with more cuts, or nearly."""
    one, other = set(a.starts), set(b.starts)
    different = len(one ^ other)
    return different > 0 and abs(len(one) - len(other)) > 0.5 * different


@dataclass(frozen=True, slots=True)
class Balance:
    """How the comparisons chosen so far lean: by pair of generators, how often the first (in order of name) had more
    chunks minus how often it had fewer, among those that differ mostly in number."""

    leaning: Mapping[tuple[str, str], int] = field(default_factory=lambda: MappingProxyType({}))
    mostly: int = 0
    total: int = 0

    def with_(self, group: Sequence[Candidate]) -> Balance:
        """The balance once the candidates of `group` are compared with each other."""
        leaning, mostly, total = Counter(self.leaning), self.mostly, self.total
        for a, b in combinations(group, 2):
            total += 1
            if mostly_number(a, b):
                mostly += 1
                first, second = sorted((a, b), key=lambda c: c.generator)
                if first.generator != second.generator:
                    more = 1 if len(first.starts) > len(second.starts) else -1
                    leaning[first.generator, second.generator] += more
        return Balance(MappingProxyType(dict(leaning)), mostly, total)

    def allows(self, group: Sequence[Candidate]) -> bool:
        """Whether the group keeps every pair of generators within one of even, and the ration."""
        after = self.with_(group)
        if after.mostly == self.mostly:
            return True
        changed = (abs(v) for k, v in after.leaning.items() if v != self.leaning.get(k, 0))
        return max(changed, default=0) <= 1 and after.mostly <= max(1.0, NUMBER_SHARE * after.total)


def plan(
    candidates: Sequence[Candidate], *, number: int, width: int, seed: int, balance: Balance | None = None
) -> tuple[list[tuple[int, ...]], Balance]:
    """Up to `number` groups of up to `width` candidates (indexes, no order) to compare, and the balance after them.

    Every group begins with a pair; candidates that were in few groups so far come first, otherwise chance decides. No
    two in a group are near-identical, and no two groups are the same.
    """
    rng, balance = random.Random(f"plan {seed}"), balance or Balance()
    used: Counter[int] = Counter()
    groups: list[tuple[int, ...]] = []
    while len(groups) < number:
        group = _group(candidates, width, rng, used, balance, groups)
        if group is None:
            break
        balance = balance.with_([candidates[i] for i in group])
        used.update(group)
        groups.append(group)
    return groups, balance


def _group(
    candidates: Sequence[Candidate],
    width: int,
    rng: random.Random,
    used: Counter[int],
    balance: Balance,
    taken: Sequence[tuple[int, ...]],
) -> tuple[int, ...] | None:
    pairs = list(combinations(range(len(candidates)), 2))
    rng.shuffle(pairs)
    pairs.sort(key=lambda p: used[p[0]] + used[p[1]])
    for pair in pairs:
        group: tuple[int, ...] = pair
        if not _fits(candidates, group, balance):
            continue
        others = [i for i in range(len(candidates)) if i not in pair]
        rng.shuffle(others)
        for other in sorted(others, key=lambda i: used[i]):
            if len(group) < width and _fits(candidates, (*group, other), balance):
                group = (*group, other)
        group = tuple(sorted(group))
        if group not in taken:
            return group
    return None


def _fits(candidates: Sequence[Candidate], group: Sequence[int], balance: Balance) -> bool:
    chosen = [candidates[i] for i in group]
    apart = all(distance(a.starts, b.starts) >= NEAR for a, b in combinations(chosen, 2))
    return apart and balance.allows(chosen)


def shown_order(number: int, seed: int) -> list[int]:
    """In which order `number` candidates are shown."""
    order = list(range(number))
    random.Random(f"order {seed}").shuffle(order)
    return order


@dataclass(frozen=True, slots=True)
class Strengths:
    """Bradley–Terry strengths of generators: a Gaussian around `values` with `covariance`."""

    names: tuple[str, ...] = ()
    values: Floats = field(default_factory=lambda: np.zeros(0))
    covariance: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def margin(self, a: str, b: str) -> tuple[float, float]:
        """Mean and variance of strength(a) − strength(b). A generator nobody has judged is average, and unsure."""
        if a == b:
            return 0.0, 0.0
        known = [self.names.index(n) if n in self.names else None for n in (a, b)]
        i, j = known
        mean = (self.values[i] if i is not None else 0.0) - (self.values[j] if j is not None else 0.0)
        variance = sum(self.covariance[k, k] if k is not None else _PRIOR_VARIANCE for k in known)
        if i is not None and j is not None:
            variance -= 2 * self.covariance[i, j]
        return float(mean), float(variance)


def fit_strengths(games: Sequence[Game], *, iterations: int = 50) -> Strengths:
    """Bradley–Terry strengths under a standard normal prior: Newton's method, and the curvature at the maximum.

    (`docalign feedback report` uses evalica; which comparison to ask for next needs the covariance, which it has not.)
    """
    names = tuple(sorted({n for a, b, _ in games for n in (a, b)}))
    at = {name: i for i, name in enumerate(names)}
    design = np.zeros((len(games), len(names)))
    for row, (a, b, _) in enumerate(games):
        design[row, at[a]] += 1.0
        design[row, at[b]] -= 1.0
    won = np.array([w for _, _, w in games], dtype=np.float64)
    values, prior = np.zeros(len(names)), np.eye(len(names)) / _PRIOR_VARIANCE
    hessian = prior
    for _ in range(iterations if len(games) else 0):
        chance = 1.0 / (1.0 + np.exp(-(design @ values)))
        hessian = prior + design.T @ (design * (chance * (1.0 - chance))[:, None])
        step = np.linalg.solve(hessian, design.T @ (won - chance) - prior @ values)
        values = values + step
        if np.abs(step).max(initial=0.0) < 1e-9:
            break
    return Strengths(names, values, np.asarray(np.linalg.inv(hessian), dtype=np.float64))


def games_of(task: Task, ranking: Ranking) -> list[Game]:
    """What a ranking says about the generators, pair by pair."""
    rank = {position: r for r, group in enumerate(ranking) for position in group}
    games = []
    for i, j in combinations(range(len(task.candidates)), 2):
        won = 0.5 if rank[i] == rank[j] else float(rank[i] < rank[j])
        games.append((task.candidates[i].generator, task.candidates[j].generator, won))
    return games


def uncertainty(task: Task, strengths: Strengths, scores: Mapping[int, float] | None = None) -> float:
    """How much the least sure comparison of the task would teach: p(1 − p) × the variance of its margin.

    Args:
        scores: a reward model's log-odds-like scores, by candidate id; where both candidates have one, their difference
            is the margin in place of the generators' strengths.
    """
    best = 0.0
    for a, b in combinations(task.candidates, 2):
        mean, variance = strengths.margin(a.generator, b.generator)
        if scores is not None and a.id in scores and b.id in scores:
            mean = scores[a.id] - scores[b.id]
        chance = 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, mean))))
        best = max(best, chance * (1.0 - chance) * (variance + 2 * _SPREAD))
    return best


def priorities(
    tasks: Sequence[Task], strengths: Strengths, scores: Mapping[int, float] | None = None
) -> dict[int, float]:
    """Task id → priority between 0 and 1; the highest comes first.

    Tasks of the random share have the number their seed gives them, whatever anybody thinks. The others are in order of
    uncertainty, spread evenly over 0 to 1, so that at any time the two kinds come in their shares.
    """
    chance = {t.id: _draw(t.seed, "priority") for t in tasks}
    judged = [t for t in tasks if _draw(t.seed, "kind") >= RANDOM_SHARE]
    order = sorted(judged, key=lambda t: (uncertainty(t, strengths, scores), chance[t.id]))
    return chance | {task.id: (place + 0.5) / len(order) for place, task in enumerate(order)}


def repeat_of(history: Sequence[int], repeated: Sequence[int], seed: int) -> int | None:
    """Which task to show an annotator once more now, if any.

    Args:
        history: ids of the tasks they judged, oldest first, without repeats.
        repeated: ids of those that were shown again already.
    """
    due = len(history) * REPEAT_SHARE / (1 - REPEAT_SHARE)
    old = [task for task in history[: max(0, len(history) - REPEAT_GAP)] if task not in set(repeated)]
    if len(repeated) + 1 > due or not old:
        return None
    return random.Random(f"repeat {seed} {len(history)}").choice(old)


def _draw(seed: int, what: str) -> float:
    """A number in [0, 1) that depends on nothing else."""
    digest = hashlib.sha256(f"{what} {seed}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
