"""One alignment run from files to a policy: `train_aligned` is what `docalign train --method …` calls.

It reads gold and preference lines, keeps training and held-out documents apart, and hands over to the loop.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch
from transformers import set_seed

from docalign.config import RewardSettings
from docalign.errors import InvalidPreferenceError, UsageError
from docalign.preference import PreferenceLine, read_preferences, refuse_leaks
from docalign.rewards.assemble import composite_of
from docalign.train.corpus import is_held_out
from docalign.train.gold import GoldLine, read_gold
from docalign.train.methods.examples import Example, gold_examples, preference_examples
from docalign.train.methods.hacks import hacks_of_run
from docalign.train.methods.joint import Joint
from docalign.train.methods.lab import Lab, bf16_helps
from docalign.train.methods.look import Bench
from docalign.train.methods.loop import Run, describe_policy
from docalign.train.methods.method import Method
from docalign.train.methods.offline import Dpo, Kto, Orpo
from docalign.train.methods.online import Group, OnlineDpo
from docalign.train.methods.options import (
    CoreOptions,
    DpoOptions,
    GroupOptions,
    JointOptions,
    KtoOptions,
    OnlineDpoOptions,
    OrpoOptions,
    PpoOptions,
)
from docalign.train.methods.ppo import Ppo
from docalign.train.methods.scoring import CompositeScorer, Scorer, described_rewards
from docalign.train.record import run_facts
from docalign.train.run_folder import claim_run, digest_of
from docalign.train.slot_model import load_policy

__all__ = ["METHODS", "Data", "MethodSpec", "train_aligned"]


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """A method: its options, which files it learns from, and how it is made of windows of preferences and of gold."""

    options: type[CoreOptions]
    needs_prefs: bool
    needs_gold: bool
    make: Callable[[Lab, Sequence[Example], Sequence[Example], Scorer, Any], Method]


METHODS: Final[Mapping[str, MethodSpec]] = MappingProxyType(
    {
        "dpo": MethodSpec(DpoOptions, True, False, lambda lab, prefs, _, __, o: Dpo(lab, prefs, o)),
        "kto": MethodSpec(KtoOptions, True, False, lambda lab, prefs, _, __, o: Kto(lab, prefs, o)),
        "orpo": MethodSpec(OrpoOptions, True, False, lambda lab, prefs, _, __, o: Orpo(lab, prefs, o)),
        "grpo": MethodSpec(
            GroupOptions, False, True, lambda lab, _, gold, scorer, o: Group(lab, gold, scorer, o, baseline="grpo")
        ),
        "rloo": MethodSpec(
            GroupOptions, False, True, lambda lab, _, gold, scorer, o: Group(lab, gold, scorer, o, baseline="rloo")
        ),
        "ppo": MethodSpec(PpoOptions, False, True, lambda lab, _, gold, scorer, o: Ppo(lab, gold, scorer, o)),
        "online-dpo": MethodSpec(
            OnlineDpoOptions, False, True, lambda lab, _, gold, scorer, o: OnlineDpo(lab, gold, scorer, o)
        ),
        "joint": MethodSpec(JointOptions, True, True, lambda lab, prefs, gold, _, o: Joint(lab, prefs, gold, o)),
    }
)


@dataclass(frozen=True, slots=True)
class Data:
    """The files of a run: gold and preferences to learn from, and both kinds to measure on."""

    gold: tuple[str, ...] = ()
    prefs: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    held_out_prefs: tuple[str, ...] = ()


def train_aligned(
    method: str,
    data: Data,
    out: Path,
    options: CoreOptions,
    *,
    init: Path,
    rewards: RewardSettings | None = None,
    scorer: Scorer | None = None,
    note: Callable[[str], None] = lambda _: None,
    quiet: bool = True,
    command: str | None = None,
) -> Path:
    """Align the policy `init` and write the best one to `out / "policy"`.

    The same call goes on from the newest checkpoint in `out`, or finds the run finished.

    Args:
        rewards: the weights of the composite reward; None: the defaults.
        scorer: a reward of one's own in place of the composite.
        note: is told what a person should know.

    Raises:
        UsageError: another run lies in `out`, or files are missing or shared between training and measuring.
        InvalidGoldError, InvalidPreferenceError, ModelError: see each.
        TrainingStoppedError: the loss was no number or the reward failed; the best policy so far is kept.
    """
    spec = METHODS[method]
    _check_files(method, spec, data)
    settings = rewards or RewardSettings()
    asked = {
        "method": method,
        "options": asdict(options),
        "rewards": described_rewards(settings) if scorer is None else scorer.name,
        "init": digest_of([init]),
        **{name: digest_of(getattr(data, name)) for name in ("gold", "prefs", "dev", "held_out_prefs")},
    }
    if claim_run(out, asked):
        return out / "policy"
    set_seed(options.seed)
    lab = Lab(*load_policy(init), bf16=bf16_helps())
    scorer = scorer or CompositeScorer("composite", composite_of(settings))
    dev = [line for path in data.dev for line in read_gold(path)]
    prefs, held_out = _preferences(data, dev, out, note)
    gold = [line for path in data.gold for line in read_gold(path)] if spec.needs_gold else []
    _no_document_in_both(gold, dev)
    taught = preference_examples(prefs, lab.renderer, max_tokens=options.window_tokens)
    read = gold_examples(gold, lab.renderer, max_tokens=options.window_tokens)
    if (spec.needs_prefs and not taught) or (spec.needs_gold and not read):
        raise UsageError("no window of the data is usable.", remedy="Give lines with two blocks in window_tokens.")
    bench = _bench(lab, dev, held_out, scorer, options)
    every = [*taught, *read, *bench.windows, *bench.preferences]
    lab.keep_reference(every, out / "reference.safetensors")
    made = spec.make(lab, taught, read, scorer, options)
    outcome = Run(lab, made, bench, options, out, quiet=quiet).train()
    if outcome.stopped:
        note(f"stopped after step {len(outcome.curve)}: {outcome.stopped['what']}")
    pays = sorted(getattr(scorer, "pays", ()))
    hacks = hacks_of_run(outcome.looks, pays)
    for raised in hacks:
        note(f"reward-hack alarm at step {raised.step}: {raised.alarm.what}")
    watched = {"pays": pays, "hacks": [raised.to_json() for raised in hacks]}
    facts = run_facts(data.gold, data.dev, windows=len(taught) + len(read), command=command)
    counts = {"preferences": _counts(prefs), "held_out_preferences": _counts(held_out), "looked_at": len(bench.windows)}
    record = asked | facts | counts | outcome.to_json() | watched | {"versions": _versions()}
    describe_policy(out / "policy", record)
    (out / "run.json").write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return out / "policy"


def _check_files(method: str, spec: MethodSpec, data: Data) -> None:
    if spec.needs_prefs and not data.prefs:
        raise UsageError(
            f"{method} learns from preferences.", remedy="Give --prefs FILE; `docalign prefs build` makes one."
        )
    if spec.needs_gold and not data.gold:
        raise UsageError(f"{method} learns on the documents of gold lines.", remedy="Give at least one GOLD file.")
    if data.gold and not spec.needs_gold:
        raise UsageError(f"{method} reads no gold.", remedy="Give its files as --prefs, or as --dev to measure on.")
    if data.prefs and not spec.needs_prefs:
        raise UsageError(
            f"{method} reads no preferences.", remedy="Leave --prefs out, or choose dpo, kto, orpo or joint."
        )


def _preferences(
    data: Data, dev: Sequence[GoldLine], out: Path, note: Callable[[str], None]
) -> tuple[list[PreferenceLine], list[PreferenceLine]]:
    """Preference lines to learn from and to measure on; what cannot be used goes to `quarantine.jsonl` in `out`.

    Without files of their own, the documents to measure on are one in twenty, by the rule of every corpus.
    """
    refused: list[InvalidPreferenceError] = []

    def read(paths: Sequence[str]) -> list[PreferenceLine]:
        return [line for path in paths for line in read_preferences(path, quarantine=refused.append)]

    prefs, held_out = read(data.prefs), read(data.held_out_prefs)
    if not data.held_out_prefs:
        held_out = [line for line in prefs if is_held_out(line.document.source)]
        prefs = [line for line in prefs if not is_held_out(line.document.source)]
    kept_apart = {line.document.source for line in dev} | {line.document.source for line in held_out}
    prefs = refuse_leaks(prefs, kept_apart, quarantine=refused.append)
    if refused:
        lines = (json.dumps({"source": e.source, "what": e.what, "remedy": e.remedy}) for e in refused)
        (out / "quarantine.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
        note(f"{len(refused)} preference lines are not used, {refused[0]} (all in {out / 'quarantine.jsonl'})")
    return prefs, held_out


def _no_document_in_both(gold: Sequence[GoldLine], dev: Sequence[GoldLine]) -> None:
    shared = sorted({line.document.source for line in dev} & {line.document.source for line in gold})
    if shared:
        raise UsageError(
            f"{len(shared)} documents are in the gold and in the development gold, {shared[0]!r} among them.",
            remedy="Split by document; docalign data build does.",
        )


def _bench(
    lab: Lab, dev: Sequence[GoldLine], held_out: Sequence[PreferenceLine], scorer: Scorer, options: CoreOptions
) -> Bench:
    """Seeded samples of what is held out; without development gold, the held-out preferences' windows are sampled."""
    preferences = preference_examples(held_out, lab.renderer, max_tokens=options.window_tokens)
    windows = gold_examples(
        _some(dev, options.held_out_windows, options.seed), lab.renderer, max_tokens=options.window_tokens
    )
    return Bench(
        windows=windows or _some(preferences, options.held_out_windows, options.seed),
        gold=_some(dev, options.dev_lines, options.seed),
        preferences=preferences,
        scorer=scorer,
        samples=options.eval_samples,
        seed=options.seed,
    )


def _some(items: Sequence[Any], number: int, seed: int) -> list[Any]:
    return list(items) if len(items) <= number else random.Random(seed).sample(list(items), number)


def _counts(lines: Sequence[PreferenceLine]) -> dict[str, int]:
    """Lines by source, so that a card can say how many people's rankings went in."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.source] = found.get(line.source, 0) + 1
    return found


def _versions() -> dict[str, str]:
    import transformers
    import trl

    return {"torch": torch.__version__, "transformers": transformers.__version__, "trl": trl.__version__}
