"""A compact training loop for the experiments: one form, one token budget, resumable, on a card where there is one.

One window a step, two steps an update: no form needs padding, so forms that may not be padded compare with the others.
All forms read the same lines in the same order until the budget of prompt tokens is spent.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from benchmarks.train.form import Form, form_renderer, form_windows, lift_mask, on_device
from docalign.train.gold import GoldLine
from docalign.train.sft import policy_loss
from docalign.train.slot_model import cut_base, load_policy, log_odds, save_policy
from docalign.train.windows import collate

__all__ = ["device", "trained"]

_ACCUMULATE: Final = 2
_SAVE_EVERY: Final = 20
_WARMUP: Final = 0.06


@cache
def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def trained(
    form: Form,
    lines: Sequence[GoldLine],
    folder: Path,
    *,
    base: str,
    tokens: int,
    rate: float = 7e-5,
    seed: int = 7,
    teacher: Path | None = None,
) -> tuple[Any, Any, Any]:
    """Model, tokenizer and config of a form after `tokens` prompt tokens; a finished one is read, a killed one goes on.

    Args:
        teacher: a policy directory whose probabilities the loss mixes in by `form.distil`.
    """
    torch.manual_seed(seed)
    model, tokenizer, config = cut_base(base, layers=form.layers)
    if (folder / "policy" / "docalign.json").exists():
        model = load_policy(folder / "policy")[0]
        lift_mask(model, form.lifted)
        return model.to(device()), tokenizer, config
    lift_mask(model, form.lifted)
    model.get_input_embeddings().weight.requires_grad_(False)
    model.to(device()).train()
    renderer = form_renderer(form, tokenizer, config.slot_id)
    windows = list(form_windows(form, lines, renderer, config.label_ids))
    random.Random(seed).shuffle(windows)
    hints = _teacher_log_odds(teacher, windows, folder) if teacher and form.distil else None
    facts = _run(form, model, windows, folder, budget=tokens, rate=rate, pad_id=config.slot_id, hints=hints)
    save_policy(model, tokenizer, config, folder / "policy", form=form.name, **facts)
    (folder / "state.pt").unlink(missing_ok=True)
    return model, tokenizer, config


def _run(form: Form, model: Any, windows: list[dict[str, Any]], folder: Path, *, budget: int, rate: float, pad_id: int,
         hints: list[Tensor] | None) -> dict[str, Any]:  # fmt: skip
    """Train until the budget is spent; the curve and the speed."""
    prior = [p for n, p in model.named_parameters() if "length_prior" in n]
    rest = [p for n, p in model.named_parameters() if "length_prior" not in n and p.requires_grad]
    groups = [
        {"params": rest, "peak": rate, "weight_decay": 0.01},
        {"params": prior, "peak": 1e-2, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))
    state = {"at": 0, "seen": 0, "seconds": 0.0, "curve": []}
    folder.mkdir(parents=True, exist_ok=True)
    saved = folder / "state.pt"
    if saved.exists():
        loaded = torch.load(saved, map_location=device(), weights_only=True)
        model.load_state_dict(loaded["model"])
        optimiser.load_state_dict(loaded["optimiser"])
        state = json.loads(loaded["state"])
    while state["seen"] < budget:
        began = time.monotonic()
        _set_rates(optimiser, state["seen"] / budget)
        losses = []
        for _ in range(_ACCUMULATE):
            number = state["at"] % len(windows)
            loss = _loss(form, model, windows[number], pad_id, prior_of(model), hints[number] if hints else None)
            (loss / _ACCUMULATE).backward()
            losses.append(float(loss.detach()))
            state["at"] += 1
            state["seen"] += len(windows[number]["input_ids"])
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        state["seconds"] += time.monotonic() - began
        state["curve"].append([state["seen"], sum(losses) / len(losses)])
        if len(state["curve"]) % _SAVE_EVERY == 0:
            part = folder / "state.part"
            torch.save(
                {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "state": json.dumps(state)}, part
            )
            part.replace(saved)
    return {
        "tokens": state["seen"],
        "tokens_per_s": round(state["seen"] / state["seconds"], 1),
        "curve": state["curve"],
    }


def prior_of(model: Any) -> Any:
    return model.length_prior


def _loss(form: Form, model: Any, window: dict[str, Any], pad_id: int, prior: Any, hint: Tensor | None) -> Tensor:
    batch = on_device(collate([window], pad_id=pad_id), device())
    with torch.autocast(device().type, dtype=torch.bfloat16):
        s = log_odds(model, batch)
    loss = policy_loss(s, batch, prior.values, form.loss)
    if hint is None:
        return loss
    soft = nn.functional.binary_cross_entropy_with_logits(s[0, 1:], hint.to(s)[1:].sigmoid())
    return (1 - form.distil) * loss + form.distil * soft


def _set_rates(optimiser: torch.optim.Optimizer, share: float) -> None:
    """Cosine to zero over the budget, after a linear start."""
    factor = min(1.0, (share + 1e-3) / _WARMUP) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * factor


@torch.no_grad()
def _teacher_log_odds(teacher: Path, windows: list[dict[str, Any]], folder: Path) -> list[Tensor]:
    """The teacher's s for every window, kept beside the run."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "teacher.json"
    if not kept.exists():
        model, _, config = load_policy(teacher)
        model.to(device()).eval()
        rows = []
        for window in windows:
            batch = on_device(collate([window], pad_id=config.slot_id), device())
            with torch.autocast(device().type, dtype=torch.bfloat16):
                rows.append([round(v, 4) for v in log_odds(model, batch)[0].tolist()])
        kept.write_text(json.dumps(rows))
    return [torch.tensor(row, dtype=torch.float64) for row in json.loads(kept.read_text())]


def enough_lines(lines: Any, tokens: int, tokens_per_line: int = 700) -> list[GoldLine]:
    """As many of the lines as a budget can ask for."""
    return [line for line, _ in zip(lines, range(max(8, tokens // tokens_per_line)), strict=False)]
