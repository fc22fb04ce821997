"""Checkpoints of an alignment run: trained weights, optimiser and state, in safetensors and JSON; nothing is unpickled.

A checkpoint is written beside and renamed when it is whole, so a kill at any moment leaves the one before.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

__all__ = ["load_checkpoint", "newest_checkpoint", "restore_optimiser", "save_checkpoint"]

_STATE: Final = "state.json"
_WEIGHTS: Final = "weights.safetensors"
_OPTIMISER: Final = "optimiser.safetensors"
_METHOD: Final = "method.safetensors"


def save_checkpoint(
    out: Path,
    step: int,
    model: nn.Module,
    optimiser: torch.optim.AdamW,
    state: Mapping[str, Any],
    method: Mapping[str, Tensor],
) -> None:
    """Write `out / checkpoint-STEP` and drop the older ones."""
    folder = out / f"checkpoint-{step}"
    part = out / f".checkpoint-{step}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    save_file({name: p.detach().cpu().contiguous() for name, p in named.items()}, part / _WEIGHTS)
    moments = {
        f"{kind}.{name}": value.detach().cpu().contiguous()
        for name, p in named.items()
        for kind, value in optimiser.state[p].items()
    }
    save_file(moments, part / _OPTIMISER)
    save_file({name: t.detach().cpu().contiguous() for name, t in method.items()}, part / _METHOD)
    (part / _STATE).write_text(json.dumps(state), "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    for other in out.glob("checkpoint-*"):
        if other != folder:
            shutil.rmtree(other)


def newest_checkpoint(out: Path) -> Path | None:
    found = sorted(out.glob("checkpoint-*"), key=lambda p: int(p.name.rsplit("-", 1)[1]))
    return found[-1] if found else None


@torch.no_grad()
def load_checkpoint(folder: Path, model: nn.Module) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Put the trained weights back; returns the state and the method's tensors."""
    weights = load_file(folder / _WEIGHTS)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.copy_(weights[name])
    state: dict[str, Any] = json.loads((folder / _STATE).read_text("utf-8"))
    return state, load_file(folder / _METHOD)


def restore_optimiser(folder: Path, model: nn.Module, optimiser: torch.optim.AdamW) -> None:
    """Put AdamW's moments back, parameter by parameter."""
    moments = load_file(folder / _OPTIMISER)
    for name, parameter in model.named_parameters():
        kept = {
            kind: moments[f"{kind}.{name}"] for kind in ("step", "exp_avg", "exp_avg_sq") if f"{kind}.{name}" in moments
        }
        if kept:
            optimiser.state[parameter] = {
                kind: value if kind == "step" else value.to(parameter.device) for kind, value in kept.items()
            }
