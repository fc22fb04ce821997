"""The form that writes: each label becomes a token behind its slot, and the next decision reads it.

One parallel pass cannot know where the chunk at hand began; this form does, at the price of one pass for every block
at run time. It is trained on gold labels (teacher forcing), so the loss is the cross-entropy of each label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import DynamicCache

from docalign.chunker.context import Window
from docalign.runtime.engine import rounded
from docalign.train.slot_model import SlotConfig

__all__ = ["InlineEngine", "with_labels"]


def with_labels(window: dict[str, Any], label_ids: tuple[int, int]) -> dict[str, Any]:
    """A training window with its gold labels written behind the slots; `label_ids` of start and continue."""
    ids: list[int] = []
    slots, begin = [], 0
    for slot, start in zip(window["slots"], window["starts"], strict=True):
        ids += window["input_ids"][begin : slot + 1]
        slots.append(len(ids) - 1)
        ids.append(label_ids[0] if start else label_ids[1])
        begin = slot + 1
    return window | {"input_ids": ids, "slots": slots}


class InlineEngine:
    """Decides block after block, greedily, and reads each decision before the next; one window at a time."""

    name = "torch-inline"

    def __init__(self, model: Any, config: SlotConfig) -> None:
        self._model, self._labels, self._slot = model, config.label_ids, config.slot_id
        self._device = next(model.parameters()).device

    @torch.no_grad()
    def log_odds(self, windows: Sequence[Window]) -> list[npt.NDArray[np.float64]]:
        return [self._run(window) for window in windows]

    def _run(self, window: Window) -> npt.NDArray[np.float64]:
        cache = DynamicCache()
        found_at, begin, before = {}, 0, []
        # Also the slots of the overlap with the window before: their labels are part of what the rest reads.
        for slot in np.flatnonzero(window.ids == self._slot).tolist():
            ids = torch.tensor([[*before, *window.ids[begin : slot + 1].tolist()]], device=self._device)
            with torch.autocast(self._device.type, dtype=torch.bfloat16):
                found = self._model.base_model(input_ids=ids, past_key_values=cache, use_cache=True)
            start, goes_on = self._model.get_output_embeddings()(found.last_hidden_state[0, -1].float()).tolist()
            # The first block of a window starts a chunk whatever is said, as in training.
            before = [self._labels[0] if start > goes_on or not found_at else self._labels[1]]
            found_at[slot] = start - goes_on
            begin = slot + 1
        return rounded(np.array([found_at[slot] for slot in window.slots.tolist()]))
