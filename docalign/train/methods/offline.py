"""DPO, KTO and ORPO: methods that learn from preference lines alone.

Every candidate of a window is scored from one forward pass, so a ranking of ten costs what a pair costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from docalign.train.methods.examples import Example, stacked
from docalign.train.methods.lab import Lab, Pass
from docalign.train.methods.losses import dpo_loss, kto_loss, orpo_loss
from docalign.train.methods.method import Stateless, Step, batches_of
from docalign.train.methods.options import CoreOptions, DpoOptions, KtoOptions, OrpoOptions

__all__ = ["Dpo", "Kto", "Orpo", "dpo_step"]


class Offline(Stateless):
    """What the three share: batches of preference windows, no state beyond the step's number."""

    def __init__(self, lab: Lab, examples: Sequence[Example], options: CoreOptions) -> None:
        self.lab = lab
        self.batches = batches_of(examples, options.batch_windows, options.max_steps, seed=options.seed)


class Dpo(Offline):
    """−log σ(β · margin) of every pair; see `losses.dpo_loss`."""

    def __init__(self, lab: Lab, examples: Sequence[Example], options: DpoOptions) -> None:
        super().__init__(lab, examples, options)
        self.options = options

    def step(self, number: int) -> Step:
        return dpo_step(self.lab, self.batches[number], self.options)


def dpo_step(lab: Lab, examples: Sequence[Example], options: DpoOptions) -> Step:
    """DPO's loss over all pairs of a batch of preference windows."""
    made = lab.forward(examples)
    starts = _candidates(examples, made)
    reference = lab.reference(examples, made.batch)
    scores = made.segmentations.score(starts)
    rewards = scores - reference.score(starts)
    rows, chosen, rejected, weights = _pairs(examples, rewards)
    margins = rewards[rows, chosen] - rewards[rows, rejected]
    each = dpo_loss(margins, beta=options.beta, kind=options.loss, label_smoothing=options.label_smoothing)
    loss = (weights * each).sum() / weights.sum()
    kept = scores[rows, chosen] > scores[rows, rejected]
    if options.sft_weight:
        per_block = -(scores[rows, chosen] - made.segmentations.log_z[rows]) / made.blocks[rows]
        loss = loss + options.sft_weight * (weights * per_block).sum() / weights.sum()
    metrics = {
        "accuracy": (margins > 0).double().mean().item(),
        "agreement": kept.double().mean().item(),
        "margin": margins.mean().item(),
    }
    return Step(loss, metrics)


class Kto(Offline):
    """Kahneman–Tversky: each graded chunking by itself, against the exact mean KL of the batch."""

    def __init__(self, lab: Lab, examples: Sequence[Example], options: KtoOptions) -> None:
        super().__init__(lab, [e for e in examples if e.grades], options)
        self.options = options

    def step(self, number: int) -> Step:
        examples, options = self.batches[number], self.options
        made = self.lab.forward(examples)
        starts = _candidates(examples, made)
        reference = self.lab.reference(examples, made.batch)
        ratios = made.segmentations.log_prob(starts) - reference.log_prob(starts)
        rows, columns, desirable, weights = _grades(examples, ratios)
        with torch.no_grad():
            kl = made.segmentations.kl(reference).mean().clamp(min=0)
        each = kto_loss(
            ratios[rows, columns],
            desirable,
            kl,
            beta=options.beta,
            desirable_weight=options.desirable_weight,
            undesirable_weight=options.undesirable_weight,
        )
        loss = (weights * each).sum() / weights.sum()
        return Step(loss, {"kl": kl.item(), "ratio": ratios[rows, columns].mean().item()})


class Orpo(Offline):
    """Odds ratio: no reference; log-probabilities are averaged over blocks, so that the odds are of a decision."""

    def __init__(self, lab: Lab, examples: Sequence[Example], options: OrpoOptions) -> None:
        super().__init__(lab, examples, options)
        self.options = options

    def step(self, number: int) -> Step:
        examples = self.batches[number]
        made = self.lab.forward(examples)
        averaged = made.segmentations.log_prob(_candidates(examples, made)) / made.blocks[:, None]
        rows, chosen, rejected, weights = _pairs(examples, averaged)
        each = orpo_loss(averaged[rows, chosen], averaged[rows, rejected], weight=self.options.weight)
        loss = (weights * each).sum() / weights.sum()
        agreed = (averaged[rows, chosen] > averaged[rows, rejected]).double().mean().item()
        return Step(loss, {"agreement": agreed})


def _candidates(examples: Sequence[Example], made: Pass) -> Tensor:
    return stacked([e.candidates for e in examples], made.batch["slots"].shape[1]).to(made.states.device)


def _pairs(examples: Sequence[Example], like: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Row, chosen, rejected and weight of every pair of the batch."""
    found = [(row, p.chosen, p.rejected, p.weight) for row, e in enumerate(examples) for p in e.pairs]
    rows, chosen, rejected = (torch.tensor([f[i] for f in found], device=like.device) for i in range(3))
    return rows, chosen, rejected, torch.tensor([f[3] for f in found], dtype=like.dtype, device=like.device)


def _grades(examples: Sequence[Example], like: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Row, candidate, whether it is desirable, and weight of every graded chunking; a window's share its weight."""
    found = [(row, c, d, e.weight / len(e.grades)) for row, e in enumerate(examples) for c, d in e.grades.items()]
    rows, columns, desirable = (torch.tensor([f[i] for f in found], device=like.device) for i in range(3))
    return rows, columns, desirable, torch.tensor([f[3] for f in found], dtype=like.dtype, device=like.device)
