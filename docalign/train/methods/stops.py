"""When a run ends before its last step, and which policy it keeps.

Over-optimisation shows before it hurts: the reward rises while gold falls, the distance to the reference grows without
bound, samples become all alike. Each alarm ends the run with a sentence; what is kept is the best policy by a criterion
declared before the first step, never simply the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from docalign.train.methods.options import CoreOptions

__all__ = ["Alarm", "Watch", "best_look"]

Look = Mapping[str, float]

_CRITERION: Final = {"reward": "reward", "gold": "gold_f1", "preferences": "agreement"}
_RISE: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Alarm:
    """Why a run stopped: a short name and a sentence."""

    name: str
    what: str

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "what": self.what}


class Watch:
    """Watches looks and steps for alarms; its state is JSON."""

    def __init__(self, options: CoreOptions) -> None:
        self._options = options
        self._flat_steps = 0

    def step(self, flat: float | None, kl_per_block: float | None = None) -> Alarm | None:
        """After a step whose groups had this share without spread, so far from the reference (None: not known)."""
        if kl_per_block is not None and kl_per_block > self._options.kl_budget:
            return self._too_far(kl_per_block)
        if flat is None:
            return None
        self._flat_steps = self._flat_steps + 1 if flat >= self._options.flat_share else 0
        if self._flat_steps < self._options.flat_steps:
            return None
        return Alarm(
            "no_spread",
            f"in {self._flat_steps} steps running, at least {self._options.flat_share:.0%} of the windows had samples "
            "that the reward could not tell apart; there is nothing left to learn from it.",
        )

    def looks(self, looks: Sequence[Look]) -> Alarm | None:
        """After a look: the newest is last, the first is of the policy the run began with."""
        options, newest = self._options, looks[-1]
        if newest.get("kl_per_block", 0.0) > options.kl_budget:
            return self._too_far(newest["kl_per_block"])
        for name, how in (("all_start", "everywhere"), ("all_continue", "nowhere")):
            if newest.get(name, 0.0) >= options.collapse_share > looks[0].get(name, 0.0):
                return Alarm("collapse", f"{newest[name]:.0%} of the samples cut {how}.")
        if len(looks) > options.patience and all(
            self._rose_and_fell(looks[0], look) for look in looks[-options.patience :]
        ):
            return Alarm(
                "proxy_up_gold_down",
                f"{options.patience} looks running the reward was above its start ({newest['reward']:.3f} against "
                f"{looks[0]['reward']:.3f}) and gold F1 below its own ({newest['gold_f1']:.3f} against "
                f"{looks[0]['gold_f1']:.3f}).",
            )
        return None

    def _too_far(self, kl_per_block: float) -> Alarm:
        return Alarm(
            "kl_budget",
            f"the policy is {kl_per_block:.3f} nats per block from its reference; the budget is "
            f"{self._options.kl_budget:.3f}.",
        )

    def _rose_and_fell(self, first: Look, look: Look) -> bool:
        if not {"reward", "gold_f1"} <= look.keys():
            return False
        return (
            look["reward"] > first["reward"] + _RISE
            and look["gold_f1"] < first["gold_f1"] - self._options.gold_tolerance
        )

    def state(self) -> dict[str, Any]:
        return {"flat_steps": self._flat_steps}

    def load(self, state: Mapping[str, Any]) -> None:
        self._flat_steps = state["flat_steps"]


def best_look(looks: Sequence[Look], options: CoreOptions) -> int:
    """Which look's policy is kept: the best by `options.keep` whose gold F1 is within the tolerance of the first's.

    Without gold every look is within it. Where a run measures nothing of the criterion, the last one is kept.
    """
    name = _CRITERION[options.keep]
    floor = looks[0].get("gold_f1", 0.0) - options.gold_tolerance
    allowed = [i for i, look in enumerate(looks) if look.get("gold_f1", floor) >= floor]
    measured = [i for i in allowed if name in looks[i]]
    if not measured:
        return allowed[-1]
    return max(measured, key=lambda i: (looks[i][name], -i))
