"""A reward model's scores of the candidates of open tasks, each worked out once: what is least sure is asked next."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from docalign.counting import counter
from docalign.feedback.store import stretch_document
from docalign.feedback.values import Candidate, Stretch, Task
from docalign.rewards.reward import Sizes

if TYPE_CHECKING:
    from docalign.rewards.human import HumanReward
    from docalign.store import Database

__all__ = ["RewardScores"]


class RewardScores:
    """Candidate id → strength over temperature, so that the difference of two is a log-odds. Safe between threads."""

    def __init__(self, database: Database, reward: HumanReward) -> None:
        self._database = database
        self._reward = reward
        self._known: dict[int, float] = {}
        self._lock = threading.Lock()

    def __call__(self, tasks: Sequence[Task]) -> Mapping[int, float]:
        """The scores of all candidates of `tasks`."""
        with self._lock:
            missing: dict[Stretch, dict[int, Candidate]] = defaultdict(dict)
            for task in tasks:
                for candidate in task.candidates:
                    if candidate.id not in self._known:
                        missing[task.stretch][candidate.id] = candidate
            for stretch, candidates in missing.items():
                self._score(stretch, list(candidates.values()))
            return dict(self._known)

    def _score(self, stretch: Stretch, candidates: Sequence[Candidate]) -> None:
        if stretch.target_tokens is None or stretch.max_tokens is None:
            return  # without sizes there is nothing a reward model could be asked
        sizes = Sizes(stretch.target_tokens, stretch.max_tokens, counter(stretch.counter))
        prepared = self._reward.prepare(stretch_document(self._database, stretch), sizes)
        values = prepared.raw([c.starts for c in candidates])
        for candidate, value in zip(candidates, values, strict=True):
            self._known[candidate.id] = value / self._reward.temperature
