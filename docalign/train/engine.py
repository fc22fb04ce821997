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

from docalign.chunker.context import Window
from docalign.runtime.engine import rounded
from docalign.train.slot_model import load_policy

__all__ = ["TorchEngine"]


class TorchEngine:
    """Scores windows with a policy directory."""

    def __init__(self, policy: Path, *, bf16: bool = True) -> None:
        """Raises:
        ModelMissingError, ModelIncompatibleError: from reading the policy.
        """
        self._model, self._tokenizer, self.config = load_policy(policy)
        self._bf16 = bf16
        self.name = "torch-bf16" if bf16 else "torch-fp32"

    @torch.no_grad()
    def log_odds(self, windows: Sequence[Window]) -> list[npt.NDArray[np.float64]]:
        return [self._run(window) for window in windows]

    def _run(self, window: Window) -> npt.NDArray[np.float64]:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._bf16):
            ids = torch.from_numpy(window.ids)[None]
            hidden = self._model.base_model(input_ids=ids, use_cache=False).last_hidden_state
        head: Any = self._model.get_output_embeddings()  # type: ignore[no-untyped-call]
        rows = head.weight
        values = hidden[0, torch.from_numpy(window.slots)].float() @ (rows[0] - rows[1])
        return rounded(values.double().numpy())
