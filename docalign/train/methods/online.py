"""GRPO, RLOO and online DPO: methods that learn from rewards of the policy's own chunkings.

One forward pass gives a window's distribution; its samples, their exact log-probabilities, the KL to the reference and
the entropy cost no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from docalign.preference import Pair
from docalign.train.methods.examples import Example
from docalign.train.methods.lab import Lab
from docalign.train.methods.losses import group_advantages
from docalign.train.methods.method import Stateless, Step, batches_of, draw
from docalign.train.methods.offline import dpo_step
from docalign.train.methods.options import GroupOptions, OnlineDpoOptions
from docalign.train.methods.scoring import Scored, Scorer, checked_scores

__all__ = ["Group", "OnlineDpo", "score_samples"]


def score_samples(scorer: Scorer, examples: Sequence[Example], samples: Tensor) -> list[Scored]:
    """The scores of each window's samples, given as `(windows, samples, blocks)`.

    Raises:
        TrainingStoppedError: the reward failed.
    """
    masks = samples.cpu().numpy()
    return [checked_scores(scorer, e.line, masks[row, :, : e.blocks]) for row, e in enumerate(examples)]


class Group(Stateless):
    """GRPO and RLOO: each sample is weighed against the others of its window; one update per rollout, so no ratios."""

    def __init__(
        self,
        lab: Lab,
        examples: Sequence[Example],
        scorer: Scorer,
        options: GroupOptions,
        *,
        baseline: Literal["grpo", "rloo"],
    ) -> None:
        self.lab, self.scorer, self.options, self.baseline = lab, scorer, options, baseline
        self.batches = batches_of(examples, options.batch_windows, options.max_steps, seed=options.seed)

    def step(self, number: int) -> Step:
        examples, options = self.batches[number], self.options
        made = self.lab.forward(examples)
        policy = made.segmentations
        samples = policy.sample(options.samples, draw(options.seed, number))
        scored = score_samples(self.scorer, examples, samples)
        rewards = torch.from_numpy(np.stack([s.values for s in scored])).to(made.states.device)
        advantages = group_advantages(rewards, baseline=self.baseline, scale=options.scale)
        kl = policy.kl(self.lab.reference(examples, made.batch))
        loss = -(advantages * policy.log_prob(samples)).mean() + options.kl_weight * kl.mean()
        if options.entropy_weight:
            loss = loss - options.entropy_weight * policy.entropy.mean()
        flat = (rewards.std(1, unbiased=False) < 1e-9).double().mean().item()
        metrics = {
            "reward": rewards.mean().item(),
            "spread": rewards.std(1, unbiased=False).mean().item(),
            "kl": kl.mean().item(),
            "flat": flat,
        }
        return Step(loss, metrics, groups_flat=flat)


class OnlineDpo(Stateless):
    """DPO on pairs of the policy's own samples, made anew for the windows of each round."""

    def __init__(self, lab: Lab, examples: Sequence[Example], scorer: Scorer, options: OnlineDpoOptions) -> None:
        self.lab, self.scorer, self.options = lab, scorer, options
        self.batches = batches_of(examples, options.batch_windows, options.max_steps, seed=options.seed)
        self._round: list[list[Any]] = []

    def step(self, number: int) -> Step:
        within = number % self.options.round_steps
        if within == 0 or not self._round:
            first = number - within
            self._round = [
                self._pairs(i) for i in range(first, min(first + self.options.round_steps, len(self.batches)))
            ]
        chosen = self._round[within]
        examples = [
            replace(e, candidates=(tuple(best), tuple(worst)), pairs=(Pair(0, 1, 1.0),))
            for e, (best, worst) in zip(self.batches[number], chosen, strict=True)
            if best != worst
        ]
        flat = 1 - len(examples) / len(chosen)
        if not examples:
            return Step(self.lab.prior.values.sum() * 0.0, {"flat": flat}, groups_flat=flat)
        found = dpo_step(self.lab, examples, self.options)
        return Step(found.loss, found.metrics | {"flat": flat}, groups_flat=flat)

    @torch.no_grad()
    def _pairs(self, number: int) -> list[Any]:
        """Best and worst sample of each window of a batch, as starts; twice the same where they are not apart."""
        examples = self.batches[number]
        samples = self.lab.forward(examples).segmentations.sample(self.options.samples, draw(self.options.seed, number))
        found = []
        for row, scored in enumerate(score_samples(self.scorer, examples, samples)):
            best, worst = int(scored.values.argmax()), int(scored.values.argmin())
            if scored.values[best] - scored.values[worst] < self.options.margin:
                worst = best
            found.append([torch.nonzero(samples[row, k]).flatten().tolist() for k in (best, worst)])
        return found

    def state(self) -> dict[str, Any]:
        return {"round": self._round}

    def load(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:  # noqa: ARG002
        self._round = state["round"]
