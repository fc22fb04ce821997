"""The losses of alignment as pure functions of log-probabilities; shapes are the caller's, results are per item.

DPO, KTO and ORPO are TRL's formulas (its trainers' own code is run beside them in the tests); their inputs are exact
log-probabilities of whole chunkings where TRL adds up tokens.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from docalign.train.methods.options import DpoLoss

__all__ = ["clipped_objective", "dpo_loss", "gae", "group_advantages", "kto_loss", "orpo_loss"]


def dpo_loss(margins: Tensor, *, beta: float, kind: DpoLoss = "sigmoid", label_smoothing: float = 0.0) -> Tensor:
    """Loss of each pair.

    Args:
        margins: Δscore(chosen) − Δscore(rejected), policy minus reference: the log-ratio of DPO, since Z cancels.
        kind: `sigmoid` (Rafailov et al.), `ipo` (on the whole margin), `robust` (label noise of `label_smoothing`).
    """
    if kind == "ipo":
        return (margins - 1 / (2 * beta)) ** 2
    if kind == "robust":
        clean, flipped = -logsigmoid(beta * margins), -logsigmoid(-beta * margins)
        return ((1 - label_smoothing) * clean - label_smoothing * flipped) / (1 - 2 * label_smoothing)
    return -(1 - label_smoothing) * logsigmoid(beta * margins) - label_smoothing * logsigmoid(-beta * margins)


def kto_loss(
    log_ratios: Tensor,
    desirable: Tensor,
    kl: Tensor,
    *,
    beta: float,
    desirable_weight: float = 1.0,
    undesirable_weight: float = 1.0,
) -> Tensor:
    """Loss of each chunking from log π − log π_ref; `kl` is z₀, the batch's mean KL, not below 0, without gradient."""
    wanted = desirable_weight * (1 - torch.sigmoid(beta * (log_ratios - kl)))
    unwanted = undesirable_weight * (1 - torch.sigmoid(beta * (kl - log_ratios)))
    return torch.where(desirable, wanted, unwanted)


def orpo_loss(chosen: Tensor, rejected: Tensor, *, weight: float) -> Tensor:
    """NLL(chosen) − weight · log σ(log odds ratio), of log-probabilities averaged over blocks (below 0)."""
    log_odds = (chosen - rejected) - (_log1mexp(chosen) - _log1mexp(rejected))
    return -chosen - weight * logsigmoid(log_odds)


def _log1mexp(x: Tensor) -> Tensor:
    """log(1 − eˣ) for x < 0, exact at both ends."""
    x = x.clamp(max=-1e-12)
    return torch.where(x > -math.log(2), torch.log(-torch.expm1(x)), torch.log1p(-torch.exp(x)))


def group_advantages(rewards: Tensor, *, baseline: Literal["grpo", "rloo"], scale: bool = True) -> Tensor:
    """How much better each sample is than its group, `(windows, samples)`.

    `grpo`: against the group's mean, by its standard deviation where `scale`; `rloo`: against the mean of the others.
    A group whose rewards are all alike teaches nothing: 0.
    """
    samples = rewards.shape[1]
    centred = rewards - rewards.mean(1, keepdim=True)
    if baseline == "rloo":
        return centred * samples / max(1, samples - 1)
    if not scale:
        return centred
    std = rewards.std(1, keepdim=True, unbiased=samples > 1)
    return torch.where(std > 1e-9, centred / (std + 1e-4), torch.zeros_like(centred))


def clipped_objective(new: Tensor, old: Tensor, advantages: Tensor, *, clip: float) -> Tensor:
    """PPO's clipped surrogate of each action, to be maximised."""
    ratio = (new - old).exp()
    return torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)


def gae(rewards: Tensor, values: Tensor, cuts: Tensor, *, discount: float, decay: float) -> Tensor:
    """Generalised advantage estimates at the start of every chunk, 0 elsewhere.

    Args:
        rewards: of the chunk that starts at each atom, `(windows, samples, atoms)`.
        values: of each atom as a chunk's start, `(windows, atoms)`.
        cuts: the samples' starts, `(windows, samples, atoms)`.
    """
    advantages = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[..., 0])
    running = torch.zeros_like(following)
    for i in range(rewards.shape[2] - 1, -1, -1):
        here, value = cuts[..., i], values[:, i : i + 1].expand_as(following)
        estimate = rewards[..., i] + discount * following - value + discount * decay * running
        running = torch.where(here, estimate, running)
        following = torch.where(here, value, following)
        advantages[..., i] = torch.where(here, estimate, advantages[..., i])
    return advantages
