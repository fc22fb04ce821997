"""The torch engine: runs a policy directory as training left it. For evaluation during training; needs the extra.

In bf16 autocast on processors that have it, else fp32. Windows are run one by one, like the ONNX engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from docalign.chunker.context import Window
from docalign.runtime.engine import rounded
from docalign.train.slot_model import SlotConfig, load_policy

__all__ = ["TorchEngine"]


class TorchEngine:
    """Scores windows with a policy directory."""

    def __init__(self, policy: Path, *, bf16: bool = True) -> None:
        """Raises:
        ModelMissingError, ModelIncompatibleError: from reading the policy.
        """
        model, _, config = load_policy(policy)
        self._take(model, config, bf16=bf16)

    @classmethod
    def of(cls, model: nn.Module, config: SlotConfig, *, bf16: bool = True) -> TorchEngine:
        """An engine on a policy that is in memory already, on whatever device it is; it is not copied."""
        engine = cls.__new__(cls)
        engine._take(model, config, bf16=bf16)
        return engine

    def _take(self, model: nn.Module, config: SlotConfig, *, bf16: bool) -> None:
        # Adapters are built into the layers of the model they wrap.
        wrapped: Any = model
        self._model: Any = wrapped.get_base_model() if hasattr(wrapped, "get_base_model") else wrapped
        self.config = config
        self._bf16 = bf16
        self._device = next(model.parameters()).device
        self.name = "torch-bf16" if bf16 else "torch-fp32"

    @torch.no_grad()
    def log_odds(self, windows: Sequence[Window]) -> list[npt.NDArray[np.float64]]:
        return [self._run(window) for window in windows]

    def _run(self, window: Window) -> npt.NDArray[np.float64]:
        ids = torch.from_numpy(window.ids)[None].to(self._device)
        slots = torch.from_numpy(window.slots).to(self._device)
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bf16):
            hidden = self._model.base_model(input_ids=ids, use_cache=False).last_hidden_state
        head: Any = self._model.get_output_embeddings()
        labels = head(hidden[0, slots].float())
        values = labels[:, 0] - labels[:, 1]
        return rounded(values.double().cpu().numpy())
