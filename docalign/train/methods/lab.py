"""The policy in training, its reference, and the one forward pass that serves whatever a method asks of a window.

The reference's log-odds never change, so they are worked out once and kept in the run's folder; a window costs one pass
of the policy and none of the reference. With an averaged reference (EMA) there is a second pass.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from docalign.chunker.prompt import Renderer
from docalign.train.methods.examples import Example
from docalign.train.segments import Segmentations
from docalign.train.slot_model import SlotConfig, renderer_of
from docalign.train.windows import collate

__all__ = ["Lab", "Pass", "bf16_helps"]

_BATCH: Final = 4


@dataclass(frozen=True)
class Pass:
    """What one forward pass over a batch of windows gave.

    Attributes:
        segmentations: the raw distribution of each window.
        states: the LM's last hidden state at every slot, `(windows, blocks, hidden)` fp32.
        batch: the collated windows.
    """

    segmentations: Segmentations
    states: Tensor
    batch: dict[str, Tensor]

    @property
    def blocks(self) -> Tensor:
        """Blocks of each window that may or may not start a chunk, `(windows,)` float64, at least 1."""
        return (self.batch["lengths"] - 1).clamp(min=1).double()


class Lab:
    """Holds the policy and its reference; everything on the policy's device."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, config: SlotConfig, *, bf16: bool
    ) -> None:
        self.model, self.tokenizer, self.config = model, tokenizer, config
        self.renderer: Renderer = renderer_of(tokenizer, config)
        self.device = next(model.parameters()).device
        self._bf16 = bf16
        self._reference: dict[str, Tensor] = {}
        self.averaged: Any = None

    @property
    def prior(self) -> Any:
        return self.model.length_prior

    def collate(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        batch = collate([e.window for e in examples], pad_id=self.config.slot_id)
        return {name: value.to(self.device) for name, value in batch.items()}

    def forward(self, examples: Sequence[Example]) -> Pass:
        """One pass of the policy, with gradients where they are switched on."""
        batch = self.collate(examples)
        odds, states = _read(self.model, batch, bf16=self._bf16)
        return Pass(Segmentations.of_batch(odds, batch, self.prior.values), states, batch)

    @torch.no_grad()
    def reference(self, examples: Sequence[Example], batch: dict[str, Tensor]) -> Segmentations:
        """The reference's distribution of the same windows."""
        if self.averaged is not None:
            odds, _ = _read(self.averaged, batch, bf16=self._bf16)
            return Segmentations.of_batch(odds, batch, self.averaged.length_prior.values)
        odds = torch.zeros(batch["slots"].shape, dtype=torch.float64)
        for row, example in enumerate(examples):
            known = self._reference[example.key]
            odds[row, : len(known)] = known
        return Segmentations.of_batch(odds.to(self.device), batch, self._reference["prior"].to(self.device))

    @torch.no_grad()
    def keep_reference(self, examples: Sequence[Example], path: Path) -> None:
        """Make the present policy the reference for `examples`; read from `path` where a run has written it there."""
        if path.is_file():
            self._reference = load_file(path)
            return
        found = {"prior": self.prior.values.detach().clone()}
        in_order = sorted({e.key: e for e in examples}.values(), key=lambda e: len(e.window["input_ids"]))
        for first in range(0, len(in_order), _BATCH):
            part = in_order[first : first + _BATCH]
            odds, _ = _read(self.model, self.collate(part), bf16=self._bf16)
            for row, example in enumerate(part):
                found[example.key] = odds[row, : example.blocks].clone().cpu()
        unfinished = path.with_suffix(".part")
        save_file(found, unfinished)
        unfinished.replace(path)
        self._reference = found

    def start_averaging(self) -> None:
        """From here on the reference is a running average of the policy."""
        self.averaged = copy.deepcopy(self.model).requires_grad_(False)

    @torch.no_grad()
    def average(self, decay: float) -> None:
        """Move the averaged reference towards the policy by 1 − decay."""
        for mean, current in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
            if current.requires_grad:
                mean.lerp_(current.to(mean.dtype), 1 - decay)


def _read(model: Any, batch: dict[str, Tensor], *, bf16: bool) -> tuple[Tensor, Tensor]:
    """Log-odds `(windows, blocks)` float64 and hidden states at the slots, from one pass."""
    # Right padding under a causal mask cannot reach a slot, so no attention mask is needed: the fast kernel stays.
    with torch.autocast(batch["input_ids"].device.type, dtype=torch.bfloat16, enabled=bf16):
        hidden = model.base_model(input_ids=batch["input_ids"], use_cache=False).last_hidden_state
    at = batch["slots"][..., None].expand(-1, -1, hidden.shape[2])
    states = torch.gather(hidden, 1, at).float()
    labels = model.get_output_embeddings()(states).double()
    return labels[..., 0] - labels[..., 1], states


def bf16_helps() -> bool:
    """Whether this machine computes faster in bf16 than in fp32."""
    return bool(torch.cuda.is_available() or torch.ops.mkldnn._is_mkldnn_bf16_supported())
