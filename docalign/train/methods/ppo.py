"""PPO over chunks: an action is where the chunk that starts here ends, its value is read at the slot it starts with.

Kept of the textbook: clipped ratios, generalised advantages, their normalisation, a value head, a KL penalty whose
weight adapts to a target. Changed: the KL is exact (no estimate from samples) and stands in the loss, not in the
reward; the value head is linear and fitted by least squares on every rollout, so that it needs no learning rate and
cannot disturb the policy; the reward of an action is what its chunk costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from docalign.train.methods.examples import Example, stacked
from docalign.train.methods.lab import Lab, Pass
from docalign.train.methods.losses import clipped_objective, gae
from docalign.train.methods.method import Step, batches_of, draw
from docalign.train.methods.online import score_samples
from docalign.train.methods.options import PpoOptions
from docalign.train.methods.scoring import Scorer

__all__ = ["Ppo", "ValueHead"]

_MOST_CHANGE: Final = 0.2
_ADAPTS: Final = 0.5


class ValueHead:
    """The expected reward still to come at a slot: linear in the LM's state there, fitted by least squares that forget.

    Beside the state it sees a constant and how much of the window is left.
    """

    def __init__(self, hidden: int, *, decay: float, ridge: float) -> None:
        self._decay, self._ridge = decay, ridge
        self.gram = torch.zeros((hidden + 2, hidden + 2), dtype=torch.float64)
        self.moment = torch.zeros(hidden + 2, dtype=torch.float64)
        self.weight = torch.zeros(hidden + 2, dtype=torch.float64)

    def __call__(self, made: Pass) -> Tensor:
        """Values, `(windows, blocks)`."""
        return self._features(made) @ self.weight

    def fit(self, made: Pass, returns: Tensor, cuts: Tensor) -> float:
        """Learn from the returns at the samples' starts; returns the share of their variance explained before."""
        features = self._features(made)[:, None].expand(-1, cuts.shape[1], -1, -1)[cuts]
        wanted = returns.cpu()[cuts.cpu()]
        missed = wanted - features @ self.weight
        explained = 1 - float(missed.var() / wanted.var().clamp(min=1e-12)) if len(wanted) > 1 else 0.0
        scale = 1.0 / len(wanted)
        self.gram = self._decay * self.gram + scale * features.T @ features
        self.moment = self._decay * self.moment + scale * features.T @ wanted
        damped = self.gram + self._ridge / len(wanted) * torch.eye(len(self.moment), dtype=torch.float64)
        self.weight = torch.linalg.solve(damped, self.moment)
        return explained

    @staticmethod
    def _features(made: Pass) -> Tensor:
        states = made.states.detach().double().cpu()
        at = torch.arange(states.shape[1], dtype=torch.float64)
        left = (1 - at / made.batch["lengths"].cpu()[:, None]).clamp(min=0)[..., None]
        return torch.cat((states, left, torch.ones_like(left)), dim=2)


class Ppo:
    """Clipped policy optimisation over the policy's own chunkings."""

    def __init__(self, lab: Lab, examples: Sequence[Example], scorer: Scorer, options: PpoOptions) -> None:
        self.lab, self.scorer, self.options = lab, scorer, options
        rollouts = -(-options.max_steps // options.epochs)
        self.batches = batches_of(examples, options.batch_windows, rollouts, seed=options.seed)
        self.kl_weight = options.kl_weight
        self.values = ValueHead(lab.model.config.hidden_size, decay=options.value_decay, ridge=options.value_ridge)
        self._rollout: dict[str, Any] = {}
        self._kl = 0.0
        if options.ema_decay:
            lab.start_averaging()

    def step(self, number: int) -> Step:
        options = self.options
        turn, epoch = divmod(number, options.epochs)
        examples = self.batches[turn]
        made = self.lab.forward(examples)
        metrics = self._roll_out(examples, made, turn) if epoch == 0 else {}
        samples, old, advantages, cuts = self._taken(made)
        new = made.segmentations.log_steps(samples)
        objective = clipped_objective(new[cuts], old[cuts], advantages[cuts], clip=options.clip)
        kl = made.segmentations.kl(self.lab.reference(examples, made.batch))
        # Summed over a sample's actions and averaged over samples, so that it is weighed against KL per window.
        loss = -objective.sum() / (cuts.shape[0] * cuts.shape[1]) + self.kl_weight * kl.mean()
        if options.entropy_weight:
            loss = loss - options.entropy_weight * made.segmentations.entropy.mean()
        self._kl = (kl / made.blocks).mean().item()
        clipped = ((new - old).exp() - 1).abs().gt(options.clip)[cuts].double().mean().item()
        return Step(
            loss,
            metrics | {"kl": kl.mean().item(), "kl_weight": self.kl_weight, "clipped": clipped},
            groups_flat=self._rollout["flat"],
            kl_per_block=self._kl,
        )

    @torch.no_grad()
    def _roll_out(self, examples: Sequence[Example], made: Pass, turn: int) -> dict[str, float]:
        """Sample, score and weigh the actions of this batch; what later epochs need is kept as JSON."""
        options, policy = self.options, made.segmentations
        samples = policy.sample(options.samples, draw(options.seed, turn))
        scored = score_samples(self.scorer, examples, samples)
        rewards = torch.zeros(samples.shape, dtype=torch.float64)
        for row, found in enumerate(scored):
            if found.costs is not None:
                rewards[row, :, : found.costs.shape[1]] = torch.from_numpy(-found.costs)
            else:  # a reward that cannot say which chunk costs what is paid at the end
                last = samples[row].cpu().long().cumsum(1).argmax(1)
                rewards[row, torch.arange(len(last)), last] = torch.from_numpy(found.values - 1.0)
        cuts = samples.cpu()
        values = self.values(made)
        advantages = gae(rewards, values, cuts, discount=options.discount, decay=options.decay)
        explained = self.values.fit(made, _returns(rewards, cuts, options.discount), cuts)
        taken = advantages[cuts]
        normal = torch.where(cuts, (advantages - taken.mean()) / (taken.std() + 1e-6), torch.zeros_like(advantages))
        value = np.stack([found.values for found in scored])
        flat = float((value.std(1) < 1e-9).mean())
        self._rollout = {
            "samples": [[torch.nonzero(s).flatten().tolist() for s in window] for window in cuts],
            "old": policy.log_steps(samples).cpu()[cuts].tolist(),
            "advantages": normal[cuts].tolist(),
            "flat": flat,
        }
        return {"reward": float(value.mean()), "spread": float(value.std(1).mean()), "explained": explained}

    def _taken(self, made: Pass) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Samples, old log π and advantages of the rollout, `(windows, samples, blocks)`, and where actions are."""
        samples = stacked(self._rollout["samples"], made.batch["slots"].shape[1])
        old, advantages = (torch.zeros(samples.shape, dtype=torch.float64) for _ in range(2))
        old[samples] = torch.tensor(self._rollout["old"], dtype=torch.float64)
        advantages[samples] = torch.tensor(self._rollout["advantages"], dtype=torch.float64)
        device = made.states.device
        return samples.to(device), old.to(device), advantages.to(device), samples.to(device)

    def after(self, number: int) -> None:  # noqa: ARG002 - every step is alike
        """Adapt the penalty to the KL that was met; move the averaged reference."""
        error = self._kl / self.options.kl_target - 1 if self.options.kl_target else 0.0
        self.kl_weight *= 1 + _ADAPTS * max(-_MOST_CHANGE, min(_MOST_CHANGE, error))
        if self.options.ema_decay:
            self.lab.average(self.options.ema_decay)

    def state(self) -> dict[str, Any]:
        return {"kl_weight": self.kl_weight, "rollout": self._rollout}

    def tensors(self) -> dict[str, Tensor]:
        found = {"value.gram": self.values.gram, "value.moment": self.values.moment, "value.weight": self.values.weight}
        if self.lab.averaged is not None:
            found |= {f"averaged.{name}": p for name, p in self.lab.averaged.named_parameters()}
        return found

    @torch.no_grad()
    def load(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        self.kl_weight, self._rollout = state["kl_weight"], state["rollout"]
        self.values.gram, self.values.moment = tensors["value.gram"], tensors["value.moment"]
        self.values.weight = tensors["value.weight"]
        if self.lab.averaged is not None:
            for name, parameter in self.lab.averaged.named_parameters():
                parameter.copy_(tensors[f"averaged.{name}"])


def _returns(rewards: Tensor, cuts: Tensor, discount: float) -> Tensor:
    """The discounted sum of rewards from every chunk's start on, 0 elsewhere."""
    returns = torch.zeros_like(rewards)
    running = torch.zeros_like(rewards[..., 0])
    for i in range(rewards.shape[2] - 1, -1, -1):
        running = torch.where(cuts[..., i], rewards[..., i] + discount * running, running)
        returns[..., i] = torch.where(cuts[..., i], running, returns[..., i])
    return returns
