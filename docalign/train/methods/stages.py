"""Several methods in a row, each from the policy of the one before, and the gate that none of them may fall through.

After each stage the new policy is compared with the one before on gold, on gold of other domains (if given) and on the
promises a chunking must keep. A drop beyond the tolerance fails the recipe: a policy that has forgotten what it was
taught is not handed on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from docalign.config import RewardSettings
from docalign.errors import ConfigError, ForgettingError
from docalign.train.dev_score import dev_score
from docalign.train.gold import GoldLine, read_gold
from docalign.train.methods.options import CoreOptions
from docalign.train.methods.run import METHODS, Data, train_aligned
from docalign.train.prefs import PrefsOptions, build_prefs
from docalign.train.run_folder import claim_run, digest_of
from docalign.train.sft import SftOptions, train_sft
from docalign.train.slot_model import load_policy, renderer_of

__all__ = ["Gate", "Stage", "check_gate", "measured_gold", "train_stages"]

_PROMISES: Final = ("reward_within_limit", "reward_headings_kept")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: `sft`, `prefs` (preference lines from the policy so far), or a method; with its options."""

    method: str
    options: SftOptions | PrefsOptions | CoreOptions

    @property
    def trains(self) -> bool:
        return self.method != "prefs"


@dataclass(frozen=True, slots=True)
class Gate:
    """How far gold F1, F1 out of domain and the kept promises may fall from one stage to the next."""

    tolerance: float = 0.01
    ood_tolerance: float = 0.02
    promise_tolerance: float = 0.0


def train_stages(
    stages: Sequence[Stage],
    data: Data,
    out: Path,
    *,
    init: Path | None,
    gate: Gate,
    ood: Sequence[str] = (),
    rewards: RewardSettings | None = None,
    note: Callable[[str], None] = lambda _: None,
    quiet: bool = True,
    command: str | None = None,
) -> Path:
    """Run the stages and write the last policy to `out / "policy"`; what is finished is not done again.

    Args:
        init: the policy the first stage starts from; None where that is an `sft` stage.
        ood: `docalign.gold/1` files of other domains than the training's.

    Raises:
        ForgettingError: a stage forgot more than the gate allows.
        DocalignError: whatever a stage raises.
    """
    asked = {
        "stages": [{"method": s.method, "options": asdict(s.options)} for s in stages],
        "gate": asdict(gate),
        "init": digest_of([init]) if init else None,
        "ood": digest_of(ood),
        **{name: digest_of(getattr(data, name)) for name in ("gold", "prefs", "dev", "held_out_prefs")},
    }
    if claim_run(out, asked):
        return out / "policy"
    dev = [line for path in data.dev for line in read_gold(path)]
    other = [line for path in ood for line in read_gold(path)]
    policy, prefs = init, list(data.prefs)
    before = measured_gold(policy, dev, other) if policy else {}
    history: list[dict[str, Any]] = [{"stage": "start", **before}] if policy else []
    for number, stage in enumerate(stages, 1):
        folder = out / f"{number}-{stage.method}"
        note(f"stage {number} of {len(stages)}: {stage.method}")
        made = _run(stage, data, prefs, policy, folder, rewards=rewards, note=note, quiet=quiet, command=command)
        if not stage.trains:
            prefs.append(str(made))
            continue
        policy = made
        after = measured_gold(policy, dev, other)
        history.append({"stage": folder.name, **after})
        (out / "stages.json").write_text(json.dumps(history, indent=2) + "\n", "utf-8")
        check_gate(stage.method, before, after, gate, source=str(folder))
        before = after
    assert policy is not None
    shutil.copytree(policy, out / "policy", dirs_exist_ok=True)
    (out / "run.json").write_text(json.dumps(asked | {"history": history}, indent=2) + "\n", "utf-8")
    return out / "policy"


def _run(
    stage: Stage,
    data: Data,
    prefs: Sequence[str],
    policy: Path | None,
    folder: Path,
    *,
    rewards: RewardSettings | None,
    note: Callable[[str], None],
    quiet: bool,
    command: str | None,
) -> Path:
    """The policy of a stage, or the preference lines of a `prefs` stage."""
    options = stage.options
    if isinstance(options, SftOptions):
        return train_sft(data.gold, folder, options, init=policy, dev=data.dev, quiet=quiet, command=command)
    if policy is None:
        raise ConfigError(
            f"the stage {stage.method!r} has no policy to start from.", remedy="Give --init, or begin with sft."
        )
    if isinstance(options, PrefsOptions):
        made = folder / "prefs.jsonl"
        if not made.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            build_prefs(data.gold, policy, made, options, rewards=rewards)
        return made
    spec = METHODS[stage.method]
    own = replace(data, gold=data.gold if spec.needs_gold else (), prefs=tuple(prefs) if spec.needs_prefs else ())
    return train_aligned(
        stage.method, own, folder, options, init=policy, rewards=rewards, note=note, quiet=quiet, command=command
    )


def measured_gold(policy: Path, dev: Sequence[GoldLine], ood: Sequence[GoldLine]) -> dict[str, float]:
    """What the gate compares: `gold_f1` and kept promises on development gold, `ood_f1` on gold of other domains."""
    model, tokenizer, config = load_policy(policy)
    renderer = renderer_of(tokenizer, config)
    found: dict[str, float] = {}
    if dev:
        scores = dev_score(model, renderer, config, dev)
        found = {"gold_f1": scores["boundary_f1"], "broken": scores["broken"]}
        found |= {name: scores[name] for name in _PROMISES if name in scores}
    if ood:
        found["ood_f1"] = dev_score(model, renderer, config, ood)["boundary_f1"]
    return found


def check_gate(
    method: str, before: Mapping[str, float], after: Mapping[str, float], gate: Gate, *, source: str
) -> None:
    """Compare a stage's policy with the one before.

    Raises:
        ForgettingError: the first measure that fell too far, with both values.
    """
    allowed = {"gold_f1": gate.tolerance, "ood_f1": gate.ood_tolerance} | dict.fromkeys(
        _PROMISES, gate.promise_tolerance
    )
    for name, tolerance in allowed.items():
        if name in before and name in after and after[name] < before[name] - tolerance - 1e-9:
            raise ForgettingError(
                f"after {method}, {name} is {after[name]:.4f}; it was {before[name]:.4f}, and may fall by "
                f"{tolerance:.4f}.",
                source=source,
                remedy="Lower the stage's learning_rate or max_steps, raise beta or kl_weight, or use joint with a "
                "weight below 0.5 in place of a method that sees no gold.",
            )
