"""Looking at a policy while it is aligned: what it samples on held-out windows, and what it does to gold.

Two things are measured that training does not see: the reward of *raw* samples on held-out documents, without the
solver that would hide what the policy has learnt; and boundary F1 on development gold through the run-time path, which
is what people get and what forgetting would spoil. Beside the run's own reward every rule reward is measured at its
face value (`audit_NAME`): what a reward with a loophole does not see must be seen by somebody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from docalign.chunk import avoidable_orphans
from docalign.counting import counter
from docalign.evaluate.boundaries import boundary_f1
from docalign.evaluate.spans import spans_of
from docalign.preference import Starts
from docalign.rewards.composite import Composite
from docalign.rewards.reward import Span
from docalign.rewards.rules import BAND
from docalign.train.dev_score import dev_score
from docalign.train.gold import GoldLine
from docalign.train.methods.agreement import agreed_pairs, in_batches
from docalign.train.methods.examples import Example
from docalign.train.methods.hacks import AUDIT
from docalign.train.methods.lab import Lab
from docalign.train.methods.method import draw
from docalign.train.methods.online import score_samples
from docalign.train.methods.scoring import CompositeScorer, Scorer

__all__ = ["Bench", "rule_violations", "span_violations"]


@dataclass(frozen=True)
class Bench:
    """What a policy is measured on, none of it trained on.

    `windows` are sampled and scored; `gold` is chunked as at run time; `preferences` are pairs to agree with.
    """

    windows: Sequence[Example]
    gold: Sequence[GoldLine]
    preferences: Sequence[Example]
    scorer: Scorer
    samples: int
    seed: int
    audit: Scorer = field(default_factory=lambda: CompositeScorer("audit", Composite.of_rules()))

    def measure(self, lab: Lab) -> dict[str, float]:
        """All measures of the policy as it is now.

        Raises:
            TrainingStoppedError: the reward failed.
        """
        was_training = lab.model.training
        lab.model.train(False)
        found: dict[str, float] = {}
        if self.windows:
            found |= self._held_out(lab)
        if self.preferences:
            right = [agreed for _, pairs in agreed_pairs(lab, self.preferences) for agreed in pairs]
            found["agreement"] = float(np.mean(right))
        if self.gold:
            scores = dev_score(lab.model, lab.renderer, lab.config, self.gold)
            found |= {("gold_f1" if n == "boundary_f1" else f"gold_{n}"): v for n, v in scores.items()}
        lab.model.train(was_training)
        return found

    @torch.no_grad()
    def _held_out(self, lab: Lab) -> dict[str, float]:
        sums: dict[str, list[float]] = defaultdict(list)
        counts: dict[str, int] = defaultdict(int)
        for number, part in enumerate(in_batches(self.windows)):
            made = lab.forward(part)
            policy = made.segmentations
            kl = policy.kl(lab.reference(part, made.batch)) / made.blocks
            sums["kl_per_block"] += kl.tolist()
            sums["entropy_per_block"] += (policy.entropy / made.blocks).tolist()
            samples = policy.sample(self.samples, draw(self.seed, number))
            greedy = policy.viterbi()[:, None]
            for name, chosen in (("", samples), ("greedy_", greedy)):
                for scored in score_samples(self.scorer, part, chosen):
                    sums[f"{name}reward"].append(float(scored.values.mean()))
                    for reward, values in scored.parts.items():
                        sums[f"{name}reward_{reward}"].append(float(values.mean()))
            for scored in score_samples(self.audit, part, samples):
                for reward, values in scored.parts.items():
                    sums[f"{AUDIT}{reward}"].append(float(values.mean()))
            for row, example in enumerate(part):
                self._of_window(
                    example, samples[row, :, : example.blocks], greedy[row, 0, : example.blocks], sums, counts
                )
        return {name: float(np.mean(values)) for name, values in sums.items()} | {
            k: float(v) for k, v in counts.items()
        }

    def _of_window(
        self, example: Example, samples: Tensor, greedy: Tensor, sums: dict[str, list[float]], counts: dict[str, int]
    ) -> None:
        number = len(samples)
        distinct = torch.unique(samples, dim=0)
        sums["distinct"].append(len(distinct) / number)
        share = samples.double().mean(0)
        pairs = number / max(1, number - 1)
        sums["distance"].append(float((2 * share * (1 - share)).mean()) * pairs)
        cuts = samples.sum(1)
        sums["chunks"].append(float(cuts.double().mean()))
        sums["gold_chunks"].append(float(len(example.line.starts)))
        sums["sample_f1"].append(float(_f1(samples, example.line.starts).mean()))
        if example.blocks > 3:
            sums["all_start"].append(float((cuts == example.blocks).double().mean()))
            sums["all_continue"].append(float((cuts == 1).double().mean()))
        starts = tuple(torch.nonzero(greedy).flatten().tolist())
        sums["raw_f1"].append(boundary_f1(list(starts), list(example.line.starts)))
        for name, value in rule_violations(example.line, starts).items():
            counts[f"greedy_{name}"] += value


def _f1(samples: Tensor, gold: Starts) -> Tensor:
    """Boundary F1 of each of `(samples, blocks)` chunkings."""
    cuts = samples[:, 1:].double()
    truth = torch.zeros_like(cuts[0])
    truth[[s - 1 for s in gold if s > 0]] = 1.0
    both = cuts.sum(1) + truth.sum()
    return torch.where(both > 0, 2 * (cuts @ truth) / both.clamp(min=1), torch.ones_like(both))


def rule_violations(line: GoldLine, starts: Starts) -> dict[str, int]:
    """Chunks over the limit, chunks outside the good band of lengths, and headings left behind, of one chunking."""
    return span_violations(line, spans_of(line.document, starts))


def span_violations(line: GoldLine, spans: Sequence[Span]) -> dict[str, int]:
    """The same of a chunking given as spans, which may cut inside a block."""
    count = counter(line.counter)
    lengths = [count(line.document.text[a:b]) for a, b in spans]
    over = sum(n > line.max_tokens for n in lengths) if line.max_tokens else 0
    outside = 0
    if line.target_tokens and len(lengths) > 1:
        outside = sum(not BAND[0] * line.target_tokens <= n <= BAND[1] * line.target_tokens for n in lengths)
    orphans = len(avoidable_orphans(line.document, spans, count, line.max_tokens))
    return {"chunks": len(spans), "over_limit": over, "outside_band": outside, "orphan_headings": orphans}
