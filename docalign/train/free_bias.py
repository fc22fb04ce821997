"""The bias for chunking without sizes: added to every log-odds, so that cutting where it is positive scores best.

Without a target there is no length prior, and a calibrated log-odds is rarely positive where starts are rare (one
utterance in thirty begins a topic): the cut that maximises F1 lies below zero. Fitted on training windows only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import torch
from torch import nn

from docalign.evaluate.boundaries import boundary_f1
from docalign.train.slot_model import log_odds
from docalign.train.windows import collate

__all__ = ["fit_free_bias"]

_MOST_WINDOWS: Final = 60
_GRID: Final = tuple(0.25 * i for i in range(-8, 17))


@torch.no_grad()
def fit_free_bias(
    model: nn.Module, windows: Sequence[Mapping[str, Any]], *, pad_id: int, default: float = 0.0
) -> float:
    """The bias (−2 … 4) with the best mean boundary F1 on the windows that state no target; `default` if none do."""
    free = [w for w in windows if math.isinf(w["target"])][:_MOST_WINDOWS]
    if not free:
        return default
    scored = []
    device = next(model.parameters()).device
    batch = partial(collate, pad_id=pad_id)
    for window in free:
        with torch.autocast(device.type, dtype=torch.bfloat16):
            placed = {name: tensor.to(device) for name, tensor in batch([window]).items()}
            values = log_odds(model, placed)[0].tolist()
        scored.append((values, [i for i, start in enumerate(window["starts"]) if start]))

    def mean_f1(bias: float) -> float:
        cuts = ([0, *(i for i, v in enumerate(s) if i and v + bias > 0)] for s, _ in scored)
        return sum(boundary_f1(cut, gold) for cut, (_, gold) in zip(cuts, scored, strict=True)) / len(scored)

    # Ties go to the bias nearest 0.
    return max(_GRID, key=lambda bias: (round(mean_f1(bias), 6), -abs(bias)))
