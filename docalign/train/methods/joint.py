"""Joint training: preferences and gold at once, so that the one is not forgotten for the other (arXiv 2410.15483).

`alright` draws each step's objective, `maxright` takes the one that is further from its best, `mix` adds both up.
Data is drawn only for the objective that is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from docalign.train.methods.examples import Example
from docalign.train.methods.lab import Lab
from docalign.train.methods.method import Stateless, Step, batches_of, draw
from docalign.train.methods.offline import dpo_step
from docalign.train.methods.options import JointOptions

__all__ = ["Joint", "sft_loss"]


class Joint(Stateless):
    """f₁ is DPO's loss on preference windows with the fixed reference, f₂ −log P(gold) per block on gold windows."""

    def __init__(
        self, lab: Lab, preferences: Sequence[Example], gold: Sequence[Example], options: JointOptions
    ) -> None:
        self.lab, self.options = lab, options
        self._batches = [
            batches_of(examples, options.batch_windows, options.max_steps, seed=options.seed)
            for examples in (preferences, gold)
        ]
        self._used = [0, 0]
        self._stale = [0.0, 0.0]

    def step(self, number: int) -> Step:
        options = self.options
        if options.joint == "mix":
            found, second = self._dpo(), self._sft()
            loss = options.weight * found.loss + (1 - options.weight) * second
            return Step(loss, found.metrics | {"sft": second.item()})
        if options.joint == "alright":
            take_dpo = bool(torch.rand((), generator=draw(options.seed, number)) < options.weight)
        else:
            if number % options.refresh_steps == 0:
                self._look()
            take_dpo = self._stale[0] >= self._stale[1]
        found = self._dpo() if take_dpo else Step(self._sft())
        if options.joint == "maxright":
            self._stale[0 if take_dpo else 1] = self._distance(0 if take_dpo else 1, found.loss.item())
        name = "dpo" if take_dpo else "sft"
        return Step(found.loss, found.metrics | {name: found.loss.item(), "took_dpo": float(take_dpo)})

    def _dpo(self) -> Step:
        return dpo_step(self.lab, self._next(0), self.options)

    def _sft(self) -> Tensor:
        return sft_loss(self.lab, self._next(1))

    def _next(self, objective: int) -> list[Example]:
        """The next batch of an objective; data is drawn only for the one that is used."""
        self._used[objective] += 1
        return self._batches[objective][self._used[objective] - 1]

    @torch.no_grad()
    def _look(self) -> None:
        """Both distances, on the batches that would come next."""
        options = self.options
        coming = [self._batches[i][min(self._used[i], options.max_steps - 1)] for i in (0, 1)]
        losses = (dpo_step(self.lab, coming[0], options).loss.item(), sft_loss(self.lab, coming[1]).item())
        self._stale = [self._distance(i, loss) for i, loss in enumerate(losses)]

    def _distance(self, objective: int, loss: float) -> float:
        options = self.options
        share = options.weight if objective == 0 else 1 - options.weight
        return share * (loss - (options.dpo_best if objective == 0 else options.sft_best))

    def state(self) -> dict[str, Any]:
        return {"used": self._used, "stale": self._stale}

    def load(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:  # noqa: ARG002
        self._used, self._stale = list(state["used"]), list(state["stale"])


def sft_loss(lab: Lab, examples: Sequence[Example]) -> Tensor:
    """−log P(gold) per block of a batch of gold windows."""
    made = lab.forward(examples)
    log_prob = made.segmentations.log_prob(made.batch["starts"])
    return -log_prob.sum() / made.blocks.sum()
