"""Rewards of many chunkings of a window, as the methods ask for them.

A method knows a `Scorer` and nothing of where the rewards come from. Whatever goes wrong in one ends the run with its
name: a reward that fails silently is a reward of nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from docalign.config import RewardSettings
from docalign.counting import counter
from docalign.errors import DocalignError, TrainingStoppedError
from docalign.rewards.composite import Composite, PreparedComposite
from docalign.rewards.reward import Sizes
from docalign.rewards.rules import RULE_REWARDS
from docalign.train.gold import GoldLine
from docalign.train.run_folder import digest_of

__all__ = ["CompositeScorer", "Scored", "Scorer", "checked_scores", "described_rewards"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_PREPARED: Final = 1024
"""So many windows are kept ready; reading one again costs milliseconds."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What a reward says of chunkings of one window.

    Attributes:
        values: the reward of each, `(chunkings,)`.
        parts: its parts by name, each `(chunkings,)`; those that apply to the window.
        costs: the points the chunk that starts at each block costs, `(chunkings, blocks)`, 0 where none starts; None
            where the reward cannot say.
    """

    values: Floats
    parts: Mapping[str, Floats]
    costs: Floats | None = None


class Scorer(Protocol):
    """Scores chunkings `(chunkings, blocks)` of one line's document at the line's sizes. Deterministic."""

    name: str

    def score(self, line: GoldLine, chunkings: Bools) -> Scored: ...


class CompositeScorer:
    """The weighted rewards of `docalign.rewards.composite`.

    `pays` names the rule rewards that count in it just as they are.
    """

    def __init__(self, name: str, composite: Composite) -> None:
        self.name = name
        self.pays = frozenset(p.name for p in composite.parts if p.weight > 0 and p.reward is RULE_REWARDS.get(p.name))
        self._composite = composite
        self._prepared: OrderedDict[tuple[object, ...], PreparedComposite] = OrderedDict()

    def score(self, line: GoldLine, chunkings: Bools) -> Scored:
        batch = self._of(line).batch_of_mask(chunkings)
        costs = np.zeros(chunkings.shape)
        costs[batch.chunks.sample, batch.chunks.first] = batch.lost
        return Scored(batch.values, batch.parts, costs)

    def _of(self, line: GoldLine) -> PreparedComposite:
        key = (line.id, len(line.document.text), line.counter, line.target_tokens, line.max_tokens)
        known = self._prepared.pop(key, None)
        if known is None:
            sizes = Sizes(line.target_tokens, line.max_tokens, counter(line.counter))
            known = self._composite.prepare(line.document, sizes)
            if len(self._prepared) >= _PREPARED:
                self._prepared.popitem(last=False)
        self._prepared[key] = known
        return known


def checked_scores(scorer: Scorer, line: GoldLine, chunkings: Bools) -> Scored:
    """The scores of chunkings, or the error that ends a run.

    Raises:
        TrainingStoppedError: the reward failed or answered no number; the line is named.
    """
    try:
        found = scorer.score(line, chunkings)
    except DocalignError as error:
        raise TrainingStoppedError(
            f"the reward {scorer.name!r} failed: {error.what}", source=line.id, remedy=error.remedy
        ) from error
    except Exception as error:  # rewards are other people's code
        raise TrainingStoppedError(
            f"the reward {scorer.name!r} failed ({type(error).__name__}: {error}).", source=line.id, remedy=_MEND
        ) from error
    if found.values.shape != (len(chunkings),) or not np.isfinite(found.values).all():
        raise TrainingStoppedError(
            f"the reward {scorer.name!r} did not answer a number for each of {len(chunkings)} chunkings.",
            source=line.id,
            remedy=_MEND,
        )
    return found


def described_rewards(settings: RewardSettings) -> dict[str, Any]:
    """The weights as JSON, with a hash of every reward model: what a run's record says of its reward."""
    weights = {f.name: getattr(settings, f.name) for f in fields(settings)}
    weights = {name: dict(v) if isinstance(v, Mapping) else v for name, v in weights.items()}
    return weights | {"models_sha256": digest_of(list(settings.models))}


_MEND: Final = "Mend the reward; the same command goes on from the last checkpoint."
