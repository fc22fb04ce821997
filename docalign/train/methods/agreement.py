"""Does a policy score the better chunking of a ranking higher? The raw score is compared, so Z cancels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import torch

from docalign.train.methods.examples import Example, stacked
from docalign.train.methods.lab import Lab

__all__ = ["agreed_pairs", "agreement_of_lines", "in_batches"]

_BATCH: Final = 4


@torch.no_grad()
def agreed_pairs(lab: Lab, examples: Sequence[Example]) -> Iterator[tuple[Example, list[bool]]]:
    """Each example with, for every pair of it, whether the policy gives the better chunking the higher score."""
    for part in in_batches(examples):
        made = lab.forward(part)
        scores = made.segmentations.score(stacked([e.candidates for e in part], made.batch["slots"].shape[1]))
        for row, example in enumerate(part):
            yield example, [bool(scores[row, p.chosen] > scores[row, p.rejected]) for p in example.pairs]


def agreement_of_lines(lab: Lab, examples: Sequence[Example]) -> dict[str, float]:
    """The share of its pairs that the policy orders right, by the id of the preference line."""
    was_training = lab.model.training
    lab.model.train(False)
    found = {example.id: sum(right) / len(right) for example, right in agreed_pairs(lab, examples)}
    lab.model.train(was_training)
    return found


def in_batches(examples: Sequence[Example]) -> list[Sequence[Example]]:
    """Examples of like length together, the same way each time."""
    in_order = sorted(examples, key=lambda e: len(e.window["input_ids"]))
    return [in_order[i : i + _BATCH] for i in range(0, len(in_order), _BATCH)]
