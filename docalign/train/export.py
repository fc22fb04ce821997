"""Export: a trained policy becomes the directory that `docalign chunk` runs.

One plain graph: `input_ids` (1, tokens) and `slots` (1, blocks) in, `log_odds` (1, blocks) out; no cache, no vocabulary
head (the two label rows become one difference row). Llama-style policies are built from fused operators (`graph.py`)
and may be quantised; others go through torch's exporter in float32. What is written is compared with torch at the
slots; the comparison goes into `docalign.json`.
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

from docalign import __version__
from docalign.chunker.context import Window
from docalign.errors import ModelIncompatibleError
from docalign.runtime.onnx import OnnxEngine
from docalign.train.graph import is_llama, llama_graph
from docalign.train.precisions import Precision, at_precision, for_cuda
from docalign.train.slot_model import load_policy
from docalign.train.smooth import smooth

__all__ = ["Device", "Precision", "agreement", "export"]

Device = Literal["cpu", "cuda"]

MAX_POSITIONS: Final = 2304
"""The longest window, in tokens: 2,048 for documents without sizes, and some room; the rotary tables grow with it."""
_OPSET: Final = 21
_CALIBRATION: Final = 8


def export(
    policy: Path,
    out: Path,
    *,
    precision: Precision | None = None,
    device: Device = "cpu",
    probes: Sequence[Window] = (),
) -> Path:
    """Write a model directory and return it.

    Args:
        precision: None for int8 where the policy can be quantised, else float32; for `cuda` always fp16.
        device: `cuda` writes a graph for a card, of the same weights.
        probes: windows; activations on the first eight are smoothed before int8 (`smooth.py`), and on the others,
            where there are any, the exported graph is compared with torch.

    Raises:
        ModelMissingError: no policy there.
        ModelIncompatibleError: it cannot be quantised, or the graph gives numbers that are not finite.
    """
    model, _, config = load_policy(policy)
    out.mkdir(parents=True, exist_ok=True)
    precision = "fp16" if device == "cuda" else precision or ("int8" if is_llama(model) else "fp32")
    target = out / "model.onnx"
    calibration, compared = probes[:_CALIBRATION], probes[_CALIBRATION:] or probes
    if is_llama(model):
        if precision in ("int8", "int4") and calibration:
            smooth(model, calibration)
        graph = llama_graph(model, max_positions=MAX_POSITIONS)
        onnx.save(for_cuda(graph) if device == "cuda" else at_precision(graph, precision), str(target))
    elif precision == "fp32":
        _traced(model, target)
    else:
        raise ModelIncompatibleError(
            f"{model.config.model_type} policies are exported in fp32 for processors only, not in {precision}.",
            source=str(policy),
            remedy="Leave out --precision and --device.",
        )
    # The LM's config is not needed to chunk, but to go on training from what is exported.
    for name in ("tokenizer.json", "config.json"):
        shutil.copyfile(policy / name, out / name)
    trained = json.loads((policy / "docalign.json").read_text("utf-8"))
    described: dict[str, Any] = {
        "schema": "docalign.model/1",
        "docalign": __version__,
        "base": config.base,
        "layers": config.layers,
        "prompt_version": config.prompt_version,
        "slot_id": config.slot_id,
        "label_ids": list(config.label_ids),
        "prior": trained["prior"],
        "free_bias": trained.get("free_bias", 0.0),
        "free_prior": trained.get("free_prior"),
        "precision": precision,
        "device": device,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "agreement": agreement(model, target, compared) if probes else None,
    }
    (out / "docalign.json").write_text(json.dumps(described, indent=2) + "\n", "utf-8")
    return out


class _Graph(nn.Module):
    """The whole policy as one module: trunk, slots gathered, one difference row of the label head."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.trunk = model.base_model
        rows = model.get_output_embeddings().weight.detach()
        self.row = nn.Parameter(rows[0] - rows[1])

    def forward(self, input_ids: Tensor, slots: Tensor) -> Tensor:
        hidden = self.trunk(input_ids=input_ids, use_cache=False).last_hidden_state
        chosen = torch.gather(hidden, 1, slots[..., None].expand(-1, -1, hidden.shape[-1]))
        return torch.matmul(chosen, self.row)


def _traced(model: nn.Module, path: Path) -> None:
    ids = torch.randint(0, 10, (1, 64))
    slots = torch.arange(5, 60, 9)[None, :]
    program = torch.onnx.export(
        _Graph(model).eval(),
        (ids, slots),
        input_names=["input_ids", "slots"],
        output_names=["log_odds"],
        dynamic_shapes={
            "input_ids": {1: torch.export.Dim("tokens", min=2, max=MAX_POSITIONS)},
            "slots": {1: torch.export.Dim("blocks", min=1, max=MAX_POSITIONS)},
        },
        dynamo=True,
        opset_version=_OPSET,
        external_data=False,
        verbose=False,
    )
    assert program is not None
    program.save(str(path), external_data=False)


@torch.no_grad()
def agreement(model: nn.Module, graph: Path, probes: Sequence[Window]) -> dict[str, float]:
    """Exported graph against torch fp32 at the slots: share of equal labels, mean and largest |Δ log-odds|."""
    exported = np.concatenate(OnnxEngine(graph).log_odds(probes))
    if not np.isfinite(exported).all():
        raise ModelIncompatibleError("the exported graph gives numbers that are not finite.", source=str(graph))
    wrapped = _Graph(model).eval()
    reference = [
        wrapped(torch.from_numpy(w.ids)[None], torch.from_numpy(w.slots)[None])[0].double().numpy() for w in probes
    ]
    expected = np.concatenate(reference)
    gap = np.abs(exported - expected)
    return {
        "slots": float(len(gap)),
        "same_label": round(float(np.mean((exported > 0) == (expected > 0))), 5),
        "mean_difference": round(float(gap.mean()), 5),
        "largest_difference": round(float(gap.max()), 5),
    }
