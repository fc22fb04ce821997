"""Export: a trained policy becomes the directory that `docalign chunk` runs.

One plain graph: `input_ids` (1, tokens) and `slots` (1, blocks) in, `log_odds` (1, blocks) out; no cache, no vocabulary
head (the two label rows become one difference row). Weights are int8 by block of the input dimension (weight-only:
nothing else in a batch can change a result), the embedding included. Every precision is compared with torch at the
slots before it is shipped; the comparison goes into `docalign.json`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from docalign.chunker.context import Window
from docalign.errors import ModelIncompatibleError
from docalign.runtime.onnx import OnnxEngine
from docalign.train.slot_model import load_policy

__all__ = ["Precision", "agreement", "export"]

Precision = Literal["fp32", "int8"]

_OPSET: Final = 21


class _Graph(nn.Module):
    """What is exported: trunk, slot positions gathered, one difference row of the label head."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.trunk = model.model  # type: ignore[assignment]
        rows = model.lm_head.weight.detach()  # type: ignore[union-attr,operator]
        self.row = nn.Parameter(rows[0] - rows[1])

    def forward(self, input_ids: Tensor, slots: Tensor) -> Tensor:
        hidden = self.trunk(input_ids=input_ids, use_cache=False).last_hidden_state
        chosen = torch.gather(hidden, 1, slots[..., None].expand(-1, -1, hidden.shape[-1]))
        return torch.matmul(chosen, self.row)


def export(policy: Path, out: Path, *, precision: Precision = "int8", probes: Sequence[Window] = ()) -> dict[str, Any]:
    """Write a model directory; returns its `docalign.json`.

    Args:
        probes: windows on which the exported graph is compared with torch.

    Raises:
        ModelMissingError, ModelIncompatibleError: from reading the policy.
    """
    model, _, config = load_policy(policy)
    out.mkdir(parents=True, exist_ok=True)
    full = out / "full.onnx"
    _to_onnx(model, full)
    target = out / "model.onnx"
    if precision == "fp32":
        full.replace(target)
    else:
        _to_int8(full, target)
        full.unlink()
    shutil.copyfile(policy / "tokenizer.json", out / "tokenizer.json")
    described = json.loads((policy / "docalign.json").read_text("utf-8"))
    described.pop("run", None)
    described |= {
        "precision": precision,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "agreement": agreement(model, target, probes) if probes else None,
    }
    (out / "docalign.json").write_text(json.dumps(described, indent=2) + "\n", "utf-8")
    return described


def _to_onnx(model: nn.Module, path: Path) -> None:
    ids = torch.randint(10, 1000, (1, 64))
    slots = torch.arange(5, 60, 9)[None, :]
    program = torch.onnx.export(
        _Graph(model).eval(),
        (ids, slots),
        input_names=["input_ids", "slots"],
        output_names=["log_odds"],
        dynamic_shapes={
            "input_ids": {0: torch.export.Dim.STATIC, 1: torch.export.Dim("tokens", min=2, max=8192)},
            "slots": {0: torch.export.Dim.STATIC, 1: torch.export.Dim("blocks", min=1, max=4096)},
        },
        dynamo=True,
        opset_version=_OPSET,
        external_data=False,
    )
    program.optimize()
    program.save(str(path), external_data=False)


def _to_int8(source: Path, target: Path) -> None:
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    config = DefaultWeightOnlyQuantConfig(block_size=32, is_symmetric=True, accuracy_level=4, bits=8)
    quantizer = MatMulNBitsQuantizer(onnx.load(str(source)), algo_config=config)
    quantizer.process()
    onnx.save(quantizer.model.model, str(target))


def agreement(model: nn.Module, graph: Path, probes: Sequence[Window]) -> dict[str, float]:
    """Exported graph against torch fp32 at the slots: share of equal signs, mean and largest |Δ log-odds|."""
    engine = OnnxEngine(graph)
    exported = np.concatenate(engine.log_odds(probes))
    reference = []
    wrapped = _Graph(model).eval()
    with torch.no_grad():
        for window in probes:
            values = wrapped(torch.from_numpy(window.ids)[None], torch.from_numpy(window.slots)[None])
            reference.append(values[0].double().numpy())
    expected = np.concatenate(reference)
    if not np.isfinite(exported).all():
        raise ModelIncompatibleError("the exported graph gives numbers that are not finite.", source=str(graph))
    gap = np.abs(exported - expected)
    return {
        "slots": float(len(gap)),
        "same_label": round(float(np.mean((exported > 0) == (expected > 0))), 5),
        "mean_difference": round(float(gap.mean()), 5),
        "largest_difference": round(float(gap.max()), 5),
    }
