"""Learning curves: how much each method learns from how little. `docalign advise` takes its thresholds from them.

    python -m benchmarks.align.curves --policy models/docalign-smollm2-16l --out runs/curves --minutes 35

* `sft`: boundary F1 on held-out documents of a style nobody trained on (`benchmarks/train/styles.py`), after 10, 25,
  50 and 100 gold documents of it; the same number of steps each time.
* `dpo`, `kto`, `reward`: agreement with held-out judgements of a stated, SIMULATED taste (`taste.py`: no person judged
  anything) after 50 to 400 rankings; the taste contradicts the gold policy in one respect, and the two candidates of a
  ranking have the same number and mean size of chunks. `phi` is what the length prior alone would agree with.
* `ppo`: the same agreement of a policy that PPO taught with the reward model of the most rankings as its only reward.

Every point is a run of docalign's own training, from the same policy, in this process. The points are taken in the
order of `POINTS`; no new one is begun after `--minutes`, and those that were not measured are not in the report. A
repeated command goes on with the next point; with `--publish docalign/train/curves.json` it ends by writing what there
is to that file, paths cut to their names. Seconds are of one thread, by wall and by CPU; intervals are 95 % by
bootstrap over documents. Every number is of one seed.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from benchmarks.align.ranking_loop import chunker_of
from benchmarks.align.taste import TASTE, judgement, pages, rankings
from benchmarks.train.styles import style_lines
from benchmarks.train.teach import scores_of
from docalign.evaluate.boundaries import bootstrap_interval
from docalign.models import resolve
from docalign.preference import write_preferences
from docalign.rewards.weights import RewardSettings, rule_weights
from docalign.train.gold import write_gold
from docalign.train.methods.examples import preference_examples, stacked
from docalign.train.methods.lab import Lab, bf16_helps
from docalign.train.methods.options import CoreOptions, DpoOptions, KtoOptions, PpoOptions
from docalign.train.methods.run import Data, train_aligned
from docalign.train.reward_model import RewardOptions, train_reward
from docalign.train.segments import Segmentations
from docalign.train.sft import SftOptions, train_sft
from docalign.train.slot_model import load_policy

STYLE: Final = "casebook"
POINTS: Final = (
    ("sft", 0), ("dpo", 100), ("sft", 100), ("kto", 100), ("sft", 25), ("dpo", 400), ("reward", 100), ("kto", 400),
    ("dpo", 200), ("sft", 10), ("reward", 400), ("sft", 50), ("dpo", 50), ("kto", 200), ("ppo", 400), ("kto", 50),
    ("reward", 200), ("reward", 50),
)  # fmt: skip
"""Method and number of gold documents or rankings, the ones that matter most first; `sft` 0 is the policy as it is."""

_BATCH: Final = 4
_NO_SETTINGS: Final = ("out", "policy", "only", "numbers", "publish", "minutes")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", type=Path, required=True, help="a policy folder, an exported model or its name")
    parser.add_argument("--out", type=Path, required=True, help="where runs are, and curves.json")
    parser.add_argument("--minutes", type=float, default=35.0, help="no new point is begun after so long")
    parser.add_argument("--only", nargs="*", help="methods to measure (default: all)")
    parser.add_argument("--numbers", nargs="*", type=int, help="numbers to measure (default: all)")
    parser.add_argument("--held-out", type=int, default=60, help="held-out rankings")
    parser.add_argument("--test", type=int, default=16, help="held-out documents of the style")
    parser.add_argument("--window-tokens", type=int, default=360, help="of the style's training windows")
    parser.add_argument("--sft-steps", type=int, default=40)
    parser.add_argument("--least-steps", type=int, default=25, help="on rankings; one round if more")
    parser.add_argument("--ppo-steps", type=int, default=40)
    parser.add_argument("--trained-layers", type=int, default=8, help="of dpo, kto and ppo")
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--publish", type=Path, metavar="FILE", help="write the report there, for others to read")
    chosen = parser.parse_args(arguments)
    chosen.policy = chosen.policy if chosen.policy.is_dir() else resolve(chosen.policy)
    chosen.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    report = _begun(chosen, arguments)
    for method, number in POINTS:
        asked = (not chosen.only or method in chosen.only) and (not chosen.numbers or number in (0, *chosen.numbers))
        known = any((p["method"], p["n"]) == (method, number) for p in report["points"])
        if not asked or known or (method == "ppo" and not _reward_folder(chosen).is_dir()):
            continue
        if time.monotonic() - began >= chosen.minutes * 60:
            print("the minutes are over", flush=True)
            break
        report["points"].append(_point(method, number, chosen))
        (chosen.out / "curves.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
        print(json.dumps(report["points"][-1]), flush=True)
    if chosen.publish:
        words = [Path(word).name if "/" in word else word for word in shlex.split(report["command"])]
        report["command"] = shlex.join(words)
        chosen.publish.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def _begun(chosen: argparse.Namespace, given: list[str] | None) -> dict[str, Any]:
    """The report so far, or a new one with what everything is compared with."""
    kept = chosen.out / "curves.json"
    if kept.is_file():
        report: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        return report
    write_preferences(_held_out(chosen), rankings(chosen.held_out, test=True))
    return {
        "schema": "docalign.curves/1",
        "command": shlex.join(["python", "-m", "benchmarks.align.curves", *(sys.argv[1:] if given is None else given)]),
        "policy": chosen.policy.name,
        "threads": torch.get_num_threads(),
        "cores": len(os.sched_getaffinity(0)),
        "bf16": bf16_helps(),
        "style": STYLE,
        "taste": f"simulated: {TASTE}",
        "settings": {k: str(v) for k, v in vars(chosen).items() if k not in _NO_SETTINGS},
        "before": agreement(chosen.policy, chosen),
        "points": [],
    }


def _held_out(chosen: argparse.Namespace) -> Path:
    path: Path = chosen.out / "held-out.jsonl"
    return path


def _reward_folder(chosen: argparse.Namespace) -> Path:
    path: Path = chosen.out / "reward-400" / "reward"
    return path


def agreement(policy: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """With the held-out judgements: of the policy's scores, and of its length prior alone (`phi`, ties half).

    `cut_off` is the share of the examples that its most probable raw chunking cuts off from their rule: scores can come
    to agree with a taste before a single chunk changes.
    """
    lab = Lab(*load_policy(policy), bf16=bf16_helps())
    lab.model.train(False)
    right, by_phi = [], []
    cut_off = examples_there = 0
    held_out = {page.line.id: page for page in pages(chosen.held_out, test=True)}
    for example in preference_examples(rankings(chosen.held_out, test=True), lab.renderer, max_tokens=1000):
        with torch.no_grad():
            made = lab.forward([example])
            starts = stacked([example.candidates], example.blocks)
            flat = torch.zeros(made.batch["slots"].shape, dtype=torch.float64)
            alone = Segmentations.of_batch(flat, made.batch, lab.prior.values).score(starts)[0]
            scores = made.segmentations.score(starts)[0]
            greedy = made.segmentations.viterbi()[0, : example.blocks]
        page = held_out[example.id]
        cut_off += judgement(page, tuple(torch.nonzero(greedy).flatten().tolist()))
        examples_there += len(page.examples)
        for pair in example.pairs:
            for found, values in ((right, scores), (by_phi, alone)):
                better, worse = float(values[pair.chosen]), float(values[pair.rejected])
                found.append(0.5 if abs(better - worse) < 1e-9 else float(better > worse))
    low, high = bootstrap_interval(right)
    return {
        "score": round(float(np.mean(right)), 4),
        "interval": [round(low, 4), round(high, 4)],
        "phi": round(float(np.mean(by_phi)), 4),
        "cut_off": round(cut_off / examples_there, 4),
        "held_out": len(right),
    }


def _point(method: str, number: int, chosen: argparse.Namespace) -> dict[str, Any]:
    """Train on so much and measure; the run's folder goes, except for the reward model that PPO needs."""
    out = chosen.out / f"{method}-{number}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    wall, cpu = time.monotonic(), time.process_time()
    measure, steps = _RUNS[method](number, out, chosen)
    seconds = {"seconds": round(time.monotonic() - wall, 1), "cpu_seconds": round(time.process_time() - cpu, 1)}
    found = {"method": method, "n": number, "steps": steps, **seconds, **measure()}
    for folder in out.iterdir():
        if folder.is_dir() and folder != _reward_folder(chosen):
            shutil.rmtree(folder)
    return found


Measured = tuple[Callable[[], dict[str, Any]], int]


def _sft(number: int, out: Path, chosen: argparse.Namespace) -> Measured:
    policy, steps = chosen.policy, chosen.sft_steps if number else 0
    if number:
        write_gold(out / "gold.jsonl", style_lines(STYLE, number, test=False))
        options = SftOptions(
            "", max_steps=steps, batch_windows=2, window_tokens=chosen.window_tokens, warmup_steps=5,
            learning_rate=chosen.learning_rate, save_steps=10 * steps, seed=chosen.seed,
        )  # fmt: skip
        policy = train_sft([out / "gold.jsonl"], out / "run", options, init=policy)

    def measure() -> dict[str, Any]:
        scores = scores_of(chunker_of(policy), list(style_lines(STYLE, chosen.test, test=True)))
        low, high = bootstrap_interval(scores)
        return {"score": round(float(np.mean(scores)), 4), "interval": [round(low, 4), round(high, 4)]}

    return measure, steps


def _common(steps: int, chosen: argparse.Namespace) -> dict[str, Any]:
    return {
        "max_steps": steps, "batch_windows": _BATCH, "window_tokens": 1000, "trained_layers": chosen.trained_layers,
        "learning_rate": chosen.learning_rate, "eval_steps": steps, "eval_samples": 4, "held_out_windows": 12,
        "dev_lines": 0, "keep": "preferences", "kl_budget": 1.0, "seed": chosen.seed,
    }  # fmt: skip


def _steps(number: int, chosen: argparse.Namespace) -> int:
    return max(int(chosen.least_steps), -(-number // _BATCH))


def _offline(method: str, options: type[CoreOptions]) -> Callable[[int, Path, argparse.Namespace], Measured]:
    def run(number: int, out: Path, chosen: argparse.Namespace) -> Measured:
        write_preferences(out / "prefs.jsonl", rankings(number, test=False))
        data = Data(prefs=(str(out / "prefs.jsonl"),), held_out_prefs=(str(_held_out(chosen)),))
        common = options(**_common(_steps(number, chosen), chosen))
        train_aligned(method, data, out / "run", common, init=chosen.policy)
        return _last(out, chosen), common.max_steps

    return run


def _ppo(number: int, out: Path, chosen: argparse.Namespace) -> Measured:
    write_gold(out / "gold.jsonl", (page.line for page in pages(number, test=False)))
    options = PpoOptions(samples=8, **_common(chosen.ppo_steps, chosen))
    data = Data(gold=(str(out / "gold.jsonl"),), held_out_prefs=(str(_held_out(chosen)),))
    rules: dict[str, Any] = dict.fromkeys(rule_weights(RewardSettings()), 0.0)
    rewards = RewardSettings(**rules, models={str(_reward_folder(chosen)): 1.0})
    train_aligned("ppo", data, out / "run", options, init=chosen.policy, rewards=rewards)
    return _last(out, chosen), options.max_steps


def _last(out: Path, chosen: argparse.Namespace) -> Callable[[], dict[str, Any]]:
    """The policy of the last step (not the better of first and last: that choice would see what is measured)."""
    looks = json.loads((out / "run" / "run.json").read_text("utf-8"))["looks"]
    last = looks[-1]
    best = out / "run" / f"best-{int(last['step'])}"

    def measure() -> dict[str, Any]:
        known = {k: round(last[k], 4) for k in ("kl_per_block", "entropy_per_block") if k in last}
        if best.is_dir():
            return agreement(best, chosen) | known
        return {"score": round(last["agreement"], 4), "interval": None} | known

    return measure


def _reward(number: int, out: Path, chosen: argparse.Namespace) -> Measured:
    write_preferences(out / "prefs.jsonl", rankings(number, test=False))
    steps = _steps(number, chosen)
    options = RewardOptions(
        "", max_steps=steps, batch_pairs=_BATCH, learning_rate=chosen.learning_rate, warmup_steps=5,
        save_steps=10 * steps, seed=chosen.seed,
    )  # fmt: skip
    folder = train_reward([out / "prefs.jsonl"], out, options, init=chosen.policy, dev=[_held_out(chosen)])
    held = json.loads((folder / "docalign.json").read_text("utf-8"))["held_out"]
    return lambda: {"score": held["accuracy"], "interval": held["interval"], "held_out": held["lines"]}, steps


_RUNS: Final[dict[str, Callable[[int, Path, argparse.Namespace], Measured]]] = {
    "sft": _sft,
    "dpo": _offline("dpo", DpoOptions),
    "kto": _offline("kto", KtoOptions),
    "reward": _reward,
    "ppo": _ppo,
}

if __name__ == "__main__":
    main()
