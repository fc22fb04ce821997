"""Method: what the loop asks of one. A method draws its batch for a step from the step's number alone, so that a run
that was killed goes on as if it had not been."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from docalign.train.methods.examples import Example

__all__ = ["Method", "Stateless", "Step", "batches_of", "draw"]


@dataclass(frozen=True)
class Step:
    """The loss of one step and what is worth logging.

    `groups_flat` is the share of groups of samples without spread, `kl_per_block` the distance to the reference, for
    methods that know them at every step.
    """

    loss: Tensor
    metrics: dict[str, float] = field(default_factory=dict)
    groups_flat: float | None = None
    kl_per_block: float | None = None


class Method(Protocol):
    """One way to align. `state` is JSON, `tensors` what would not fit it; `load` takes both back."""

    def step(self, number: int) -> Step: ...

    def after(self, number: int) -> None:
        """After the update of a step."""

    def state(self) -> dict[str, Any]: ...

    def tensors(self) -> dict[str, Tensor]: ...

    def load(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None: ...


class Stateless:
    """For methods that need nothing beyond the step's number; others override what they keep."""

    def after(self, number: int) -> None:
        """Nothing to do."""

    def state(self) -> dict[str, Any]:
        return {}

    def tensors(self) -> dict[str, Tensor]:
        return {}

    def load(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Nothing to take back."""


def draw(seed: int, number: int) -> torch.Generator:
    """The random numbers of step `number`, the same whenever it is made; on the CPU, so on every machine."""
    return torch.Generator().manual_seed((seed * 1_000_003 + number) % 2**63)


def batches_of(examples: Sequence[Example], size: int, steps: int, *, seed: int) -> list[list[Example]]:
    """A batch for each step: all examples in a new order each time round, neighbours being of like length."""
    rng = random.Random(seed)
    batches: list[list[Example]] = []
    while len(batches) < steps:
        shuffled = list(examples)
        rng.shuffle(shuffled)
        pool = 8 * size
        found = []
        for first in range(0, len(shuffled), pool):
            part = sorted(shuffled[first : first + pool], key=lambda e: len(e.window["input_ids"]))
            found += [part[i : i + size] for i in range(0, len(part), size)]
        rng.shuffle(found)
        batches += found
    return batches[:steps]
