"""Does alignment raise the reward of raw samples on held-out documents, and what does it do to gold?

    DOCALIGN_DATA=… python -m benchmarks.align.methods --policy models/docalign-smollm2-16l --out runs/align

Windows are made from the corpora: training windows of the training documents, held-out ones of the development
documents, in the bare condition (headings not marked), one window of a document. Gold, the policy's raw samples and
the policy with its solver ("legal") are scored first; then each method runs from the same policy, with the same
windows, and is scored the same way. The weights of the composite reward are docalign's defaults. Every number is of
one seed.
"""

from __future__ import annotations

import argparse
import json
import random
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from docalign.chunker.chunker import Chunker
from docalign.chunker.options import ChunkOptions
from docalign.evaluate.spans import starts_of
from docalign.preference import Starts
from docalign.rewards.composite import Composite
from docalign.train.corpus import is_held_out, read_corpus
from docalign.train.devset import data_directory, development_documents, window_lines
from docalign.train.engine import TorchEngine
from docalign.train.gold import GoldLine, read_gold, write_gold
from docalign.train.methods.examples import Example, gold_examples
from docalign.train.methods.lab import Lab, bf16_helps
from docalign.train.methods.look import rule_violations
from docalign.train.methods.run import METHODS, Data, train_aligned
from docalign.train.methods.scoring import CompositeScorer
from docalign.train.prefs import PrefsOptions, build_prefs
from docalign.train.slot_model import load_policy

BETWEEN = ("chunks", "over_limit", "outside_band", "orphan_headings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=200)
    parser.add_argument("--held-out", type=int, default=60)
    parser.add_argument("--dev-lines", type=int, default=40)
    parser.add_argument("--window-tokens", type=int, default=800)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--eval-steps", type=int, default=25)
    parser.add_argument("--trained-layers", type=int, default=None)
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--methods", nargs="+", default=["dpo", "grpo", "ppo", "joint"])
    parser.add_argument("--margin", type=float, default=0.02, help="of reward, between chunkings that make a pair")
    parser.add_argument("--on-policy", action="store_true", help="pairs of the policy's own samples alone")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="METHOD.OPTION=VALUE", help="an option of one method, as in its recipe"
    )
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    train, held = _gold_files(chosen)
    report: dict[str, Any] = {"settings": {k: str(v) for k, v in vars(chosen).items()}}
    report["start"] = _start(chosen, held)
    _write(chosen.out, report)
    prefs = chosen.out / "prefs.jsonl"
    if {"dpo", "joint"} & set(chosen.methods) and not prefs.is_file():
        options = PrefsOptions(
            window_tokens=chosen.window_tokens, margin=chosen.margin, on_policy=chosen.on_policy, seed=chosen.seed
        )
        build_prefs([train], chosen.policy, prefs, options)
    for name in chosen.methods:
        report[name] = _run(name, chosen, train, held, prefs) | {"against": report["start"]["gap"]}
        _write(chosen.out, report)
    print(json.dumps(_table(report), indent=2))


def _gold_files(chosen: argparse.Namespace) -> tuple[Path, Path]:
    """Gold of the training and of the development documents, in order of the sources, the same for one seed."""
    files = (chosen.out / "train.jsonl", chosen.out / "held-out.jsonl")
    if not files[1].is_file():
        data = data_directory()
        training = (d for d in read_corpus(data / "corpora" / "train") if not is_held_out(d["id"]))
        for path, documents, number in (
            (files[0], training, chosen.windows),
            (files[1], development_documents(data), chosen.held_out),
        ):
            lines = [line for line in window_lines(documents, "bare", windows=1) if line.target_tokens]
            write_gold(path, random.Random(chosen.seed).sample(lines, number))
    return files


def _start(chosen: argparse.Namespace, held: Path) -> dict[str, Any]:
    """Gold, raw greedy and legal chunkings of the held-out windows before any training; raw samples are in each run."""
    lab = Lab(*load_policy(chosen.policy), bf16=bf16_helps())
    lab.model.train(False)
    examples = gold_examples(read_gold(held), lab.renderer, max_tokens=chosen.window_tokens)
    scorer = CompositeScorer("composite", Composite.of_rules())
    engine = TorchEngine.of(lab.model, lab.config)
    chunker = Chunker(engine, lab.renderer, lab.prior.prior(), model_name="start", tokenizer=examples[0].line.counter)
    found: dict[str, Any] = {}
    for name, of in (("gold", _gold), ("legal", lambda e: _legal(chunker, e.line))):
        chunkings = [(e, of(e)) for e in examples]
        found[name] = {"reward": float(np.mean([_reward(scorer, e, s) for e, s in chunkings]))}
        counted = [rule_violations(e.line, s) for e, s in chunkings]
        found[name] |= {k: sum(c[k] for c in counted) for k in BETWEEN}
    found["gap"] = {"to": max(found["gold"]["reward"], found["legal"]["reward"])}
    return found


def _gold(example: Example) -> Starts:
    return example.line.starts


def _legal(chunker: Chunker, line: GoldLine) -> Starts:
    """The solver's chunks as block starts; a cut inside a block (forced by the limit) is none."""
    target, limit = line.sizes
    options = ChunkOptions(max_tokens=limit, target_tokens=target, tokenizer=line.counter)
    return tuple(starts_of(line.document, [(c.start, c.end) for c in chunker.chunk(line.document, options)]))


def _reward(scorer: CompositeScorer, example: Example, starts: Starts) -> float:
    mask = np.zeros((1, example.blocks), dtype=np.bool_)
    mask[0, list(starts)] = True
    return float(scorer.score(example.line, mask).values[0])


def _run(name: str, chosen: argparse.Namespace, train: Path, held: Path, prefs: Path) -> dict[str, Any]:
    spec = METHODS[name]
    options = spec.options(
        **{"learning_rate": chosen.learning_rate} | _set(name, chosen.set),
        max_steps=chosen.steps,
        eval_steps=chosen.eval_steps,
        window_tokens=chosen.window_tokens,
        held_out_windows=chosen.held_out,
        dev_lines=chosen.dev_lines,
        trained_layers=chosen.trained_layers,
        seed=chosen.seed,
    )
    data = Data(
        gold=(str(train),) if spec.needs_gold else (),
        prefs=(str(prefs),) if spec.needs_prefs else (),
        dev=(str(held),),
    )
    out = chosen.out / name
    train_aligned(name, data, out, options, init=chosen.policy, note=print, quiet=False)
    record = json.loads((out / "run.json").read_text("utf-8"))
    return {key: record[key] for key in ("looks", "best_step", "stopped", "preferences")}


def _set(name: str, given: list[str]) -> dict[str, Any]:
    """The options of one method among `METHOD.OPTION=VALUE`s; values are TOML."""
    pairs = [text.partition(".")[2] for text in given if text.partition(".")[0] == name]
    return tomllib.loads("\n".join(pairs))


def _table(report: dict[str, Any]) -> dict[str, Any]:
    """The numbers a reader asks for first: reward and violations before and after, and the share of the gap closed."""
    table: dict[str, Any] = {"start": report["start"]}
    for name, found in report.items():
        if "looks" not in (found if isinstance(found, dict) else {}):
            continue
        first, last = found["looks"][0], found["looks"][-1]
        gap = report["start"]["gap"]["to"] - first["reward"]
        table[name] = {
            "reward": [first["reward"], last["reward"]],
            "gap_closed": (last["reward"] - first["reward"]) / gap if gap > 0 else None,
            "gold_f1": [first.get("gold_f1"), last.get("gold_f1")],
            "raw_f1": [first["raw_f1"], last["raw_f1"]],
            "kl_per_block": last["kl_per_block"],
            "entropy_per_block": [first["entropy_per_block"], last["entropy_per_block"]],
            "distinct": [first["distinct"], last["distinct"]],
            **{k: [first[f"greedy_{k}"], last[f"greedy_{k}"]] for k in BETWEEN},
            "best_step": found["best_step"],
            "stopped": found["stopped"],
        }
    return table


def _write(out: Path, report: dict[str, Any]) -> None:
    (out / "report.json").write_text(json.dumps({"table": _table(report), **report}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
