"""The loop all methods share: steps, looks, checkpoints, curves, and an end that always leaves a policy.

Everything random in a step comes from its number, and everything else that shapes it is in the checkpoint; so a run
that is killed at any moment and started again has the metrics of one that was not.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import torch
from tensorboardX import SummaryWriter

from docalign.errors import DocalignError, TrainingStoppedError
from docalign.train.methods.lab import Lab
from docalign.train.methods.look import Bench
from docalign.train.methods.method import Method
from docalign.train.methods.options import CoreOptions
from docalign.train.methods.saved import load_checkpoint, newest_checkpoint, restore_optimiser, save_checkpoint
from docalign.train.methods.stops import Alarm, Watch, best_look
from docalign.train.progress import TrainingProgress
from docalign.train.slot_model import save_policy

__all__ = ["Outcome", "Run", "describe_policy"]

_LEAST_RATE: Final = 0.1
_MOST_NORM: Final = 1.0


@dataclass
class Outcome:
    """What a run did: a record of each step and each look, which policy was kept, and what stopped it, if anything."""

    curve: list[dict[str, float]] = field(default_factory=list)
    looks: list[dict[str, float]] = field(default_factory=list)
    stopped: dict[str, str] | None = None
    best_step: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "curve": self.curve,
            "looks": self.looks,
            "stopped": self.stopped,
            "best_step": self.best_step,
            "steps": len(self.curve),
        }


class Run:
    """One run of a method in one folder."""

    def __init__(
        self, lab: Lab, method: Method, bench: Bench, options: CoreOptions, out: Path, *, quiet: bool = True
    ) -> None:
        self.lab, self.method, self.bench, self.options, self.out = lab, method, bench, options, out
        self.watch = Watch(options)
        self.outcome = Outcome()
        self.optimiser = _optimiser(lab.model, options)
        self._progress = TrainingProgress(quiet=quiet)
        self._writer: Any = SummaryWriter(str(out / "tensorboard"))

    def train(self) -> Outcome:
        """Take the steps that are left; `out / "policy"` is the best policy afterwards, also when this raises.

        Raises:
            TrainingStoppedError: a loss that is no number, or a reward that failed.
        """
        first = self._resume()
        shown = SimpleNamespace(global_step=first, max_steps=self.options.max_steps)
        self._progress.on_train_begin(None, shown, None)
        try:
            # A run that was killed between an alarm and its end meets the alarm again.
            alarm = self.watch.looks(self.outcome.looks) if first else self._look(0)
            number = first
            while alarm is None and number < self.options.max_steps:
                alarm = self._step(number)
                number += 1
                shown.global_step = number
                self._progress.on_log(None, shown, None, logs=self.outcome.curve[-1])
                self._progress.on_step_end(None, shown, None)
                if alarm is None and (number % self.options.eval_steps == 0 or number == self.options.max_steps):
                    alarm = self._look(number)
                    self._progress.on_evaluate(None, shown, None, metrics=_shown(self.outcome.looks[-1]))
                    self._save(number)
            self.outcome.stopped = alarm.to_json() if alarm else None
        except DocalignError as error:
            self.outcome.stopped = {"name": type(error).__name__, "what": str(error)}
            raise
        finally:
            self._keep_best()
            self._writer.close()
            self._progress.on_train_end(None, shown, None)
        return self.outcome

    def _step(self, number: int) -> Alarm | None:
        self.lab.model.train()
        rate = _rate(number, self.options)
        for group in self.optimiser.param_groups:
            group["lr"] = group["full_rate"] * rate
        found = self.method.step(number)
        if not math.isfinite(found.loss.item()):
            raise _no_number("loss", found.loss.item(), number)
        self.optimiser.zero_grad(set_to_none=True)
        found.loss.backward()  # type: ignore[no-untyped-call]
        trained = [p for group in self.optimiser.param_groups for p in group["params"]]
        norm = float(torch.nn.utils.clip_grad_norm_(trained, _MOST_NORM))
        if not math.isfinite(norm):
            raise _no_number("gradient", norm, number)
        self.optimiser.step()
        self.method.after(number)
        entry = {"step": number + 1, "loss": found.loss.item(), "gradient": norm, "rate": rate, **found.metrics}
        self.outcome.curve.append(entry)
        for name, value in entry.items():
            self._writer.add_scalar(f"train/{name}", value, number + 1)
        return self.watch.step(found.groups_flat, found.kl_per_block)

    def _look(self, number: int) -> Alarm | None:
        """Measure the policy; write it down where it is the best so far."""
        found = {"step": float(number)} | self.bench.measure(self.lab)
        self.outcome.looks.append(found)
        for name, value in found.items():
            self._writer.add_scalar(f"look/{name}", value, number)
        best = best_look(self.outcome.looks, self.options)
        self.outcome.best_step = int(self.outcome.looks[best]["step"])
        if best == len(self.outcome.looks) - 1:
            save_policy(self.lab.model, self.lab.tokenizer, self.lab.config, self._best_folder(number))
        return self.watch.looks(self.outcome.looks) if number else None

    def _save(self, number: int) -> None:
        state = {
            "step": number,
            "outcome": self.outcome.to_json(),
            "watch": self.watch.state(),
            "method": self.method.state(),
        }
        save_checkpoint(self.out, number, self.lab.model, self.optimiser, state, self.method.tensors())
        for folder in self.out.glob("best-*"):  # only now: a kill before this must find the best of the checkpoint
            if folder != self._best_folder(self.outcome.best_step):
                shutil.rmtree(folder)

    def _resume(self) -> int:
        newest = newest_checkpoint(self.out)
        if newest is None:
            return 0
        state, tensors = load_checkpoint(newest, self.lab.model)
        restore_optimiser(newest, self.lab.model, self.optimiser)
        kept = state["outcome"]
        self.outcome = Outcome(kept["curve"], kept["looks"], kept["stopped"], kept["best_step"])
        self.watch.load(state["watch"])
        self.method.load(state["method"], tensors)
        return int(state["step"])

    def _best_folder(self, number: int) -> Path:
        return self.out / f"best-{number}"

    def _keep_best(self) -> None:
        """`policy/` becomes a copy of the best policy so far, if any was looked at."""
        best = self._best_folder(self.outcome.best_step)
        if best.is_dir():
            part = self.out / ".policy.part"
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(best, part)
            shutil.rmtree(self.out / "policy", ignore_errors=True)
            part.replace(self.out / "policy")


def describe_policy(policy: Path, record: dict[str, Any]) -> None:
    """Add the run's record to a policy's `docalign.json`."""
    path = policy / "docalign.json"
    described = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(described | {"run": record}, indent=2) + "\n", "utf-8")


def _optimiser(model: Any, options: CoreOptions) -> torch.optim.AdamW:
    """AdamW; embeddings (and early layers, if asked) are frozen, the length prior has a learning rate of its own."""
    model.requires_grad_(True)
    model.get_input_embeddings().weight.requires_grad_(False)
    if options.trained_layers is not None:
        layers = _layers_of(model)
        for layer in layers[: max(0, len(layers) - options.trained_layers)]:
            layer.requires_grad_(False)
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {
            "params": [p for n, p in named if ("length_prior" in n) == is_prior],
            "weight_decay": 0.0,
            "lr": rate,
            "full_rate": rate,
        }
        for is_prior, rate in ((False, options.learning_rate), (True, options.prior_learning_rate))
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], betas=(0.9, 0.98), fused=True)


def _layers_of(model: Any) -> Any:
    lists = [m for m in model.base_model.children() if isinstance(m, torch.nn.ModuleList)]
    return next(m for m in lists if len(m) == model.config.num_hidden_layers)


def _rate(number: int, options: CoreOptions) -> float:
    """The share of the full learning rate at a step: up in a line, then down along a cosine."""
    if number < options.warmup_steps:
        return (number + 1) / (options.warmup_steps + 1)
    left = (number - options.warmup_steps) / max(1, options.max_steps - options.warmup_steps)
    return _LEAST_RATE + (1 - _LEAST_RATE) * (1 + math.cos(math.pi * left)) / 2


def _no_number(what: str, value: float, number: int) -> TrainingStoppedError:
    return TrainingStoppedError(
        f"the {what} of step {number + 1} is {value}.",
        remedy="Lower learning_rate and give another --out; the best policy so far is kept in the folder of this run.",
    )


def _shown(look: dict[str, float]) -> dict[str, float]:
    return (
        {"eval_boundary_f1": look["gold_f1"], "eval_reward": look.get("reward", math.nan)} if "gold_f1" in look else {}
    )
