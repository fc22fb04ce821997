"""The form of the policy, screened one factor at a time at a small token budget.

Every arm is a base LLM trained on the same gold lines for the same number of prompt tokens, and then chunks the same
development lines. An arm is compared with the default form by a paired bootstrap over documents. At small budgets this
ranks forms by how fast they learn; what wins is to be trained long before it is believed.

    DOCALIGN_DATA=… python -m benchmarks.train.screen --factors loss view --tokens 60000 --out screen.json
    python -m benchmarks.train.screen --plot screen.json        # quality against speed, one SVG beside it

Killed, it goes on when it is run again: finished arms are kept in `--work`. It trains on a card where there is one.
`--gold` and `--dev` take gold files in place of windows drawn from the corpora.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from benchmarks.train.form import Form, Scored, form_renderer, score_line
from benchmarks.train.inline import InlineEngine
from benchmarks.train.loop import enough_lines, trained
from benchmarks.train.plot import quality_against_speed
from docalign import models
from docalign.evaluate.boundaries import bootstrap_interval
from docalign.train.devset import data_directory, development_lines
from docalign.train.engine import TorchEngine
from docalign.train.gold import GoldLine, read_gold
from docalign.train.mixture import documents_by_source, draw_lines

DEFAULT: Final = Form()
FACTORS: Final[dict[str, tuple[Form, ...]]] = {
    "depth": tuple(replace(DEFAULT, layers=n) for n in (8, 12, 24, 30)),
    "view": (replace(DEFAULT, head=8, tail=4), replace(DEFAULT, head=32, tail=10)),
    "window": (replace(DEFAULT, window=512), replace(DEFAULT, window=2048)),
    "slot": (replace(DEFAULT, late_slot=True),),
    "loss": (replace(DEFAULT, loss="cross_entropy"),),
    "target": (replace(DEFAULT, target_in_prompt=False),),
    "distil": (replace(DEFAULT, layers=8), replace(DEFAULT, layers=8, distil=0.5)),
    "labels": (replace(DEFAULT, loss="cross_entropy"), replace(DEFAULT, loss="cross_entropy", inline=True)),
    "mask": (replace(DEFAULT, lifted=2), replace(DEFAULT, lifted=4)),
}
"""Arms by factor, each beside the default form. Distillation is asked of a student of 8 layers, with and without;
labels written into the window beside the same loss without."""

TEACHER: Final = replace(DEFAULT, layers=30)


def training_lines(arguments: argparse.Namespace) -> list[GoldLine]:
    if arguments.gold:
        return [line for path in arguments.gold for line in read_gold(path)]
    documents = documents_by_source(data_directory() / "corpora" / "train")
    count = len(enough_lines(range(10**9), arguments.tokens))
    return list(draw_lines(documents, count, seed=arguments.seed))


def dev_lines(arguments: argparse.Namespace) -> list[GoldLine]:
    """`--dev-lines` lines of each of the conditions bare and headless, a seeded sample."""
    if arguments.dev:
        return [line for path in arguments.dev for line in read_gold(path)]
    chosen = []
    for condition in ("bare", "headless"):
        lines = [line for line in development_lines(data_directory(), condition) if not line.is_transcript]
        part = random.Random(arguments.seed).sample(lines, arguments.dev_lines)
        chosen += [replace(line, id=f"{line.id} {condition}") for line in part]
    return chosen


def run_arm(form: Form, gold: list[GoldLine], dev: list[GoldLine], arguments: argparse.Namespace) -> list[Scored]:
    """Train a form, unless that is done, and score it on the development lines."""
    folder = arguments.work / form.name
    kept = folder / "scores.json"
    if kept.exists():
        return [Scored(**row) for row in json.loads(kept.read_text())]
    teacher = None
    layers = min(form.layers, arguments.most_layers or form.layers)
    if form.distil:
        run_arm(TEACHER, gold, dev, arguments)
        teacher = arguments.work / TEACHER.name / "policy"
    model, tokenizer, config = trained(
        replace(form, layers=layers), gold, folder, base=arguments.base, tokens=arguments.tokens,
        rate=arguments.rate, seed=arguments.seed, teacher=teacher,
    )  # fmt: skip
    model.eval()
    engine = InlineEngine(model, config) if form.inline else TorchEngine.of(model, config)
    renderer = form_renderer(form, tokenizer, config.slot_id)
    prior = model.length_prior.prior()
    scores = [score_line(form, engine, renderer, prior, line) for line in dev]
    kept.write_text(json.dumps([{f: getattr(s, f) for f in s.__slots__} for s in scores]))
    return scores


def by_document(scores: list[Scored]) -> dict[str, float]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for score in scores:
        found[score.document].append(score.f1)
    return {name: sum(values) / len(values) for name, values in found.items()}


def summary(form: Form, scores: list[Scored], base: list[Scored], folder: Path) -> dict[str, Any]:
    """F1 by document, the difference to the default with its 95 % interval, and speed."""
    ours, theirs = by_document(scores), by_document(base)
    gains = [ours[name] - theirs[name] for name in ours]
    described = json.loads((folder / "policy" / "docalign.json").read_text("utf-8"))
    values = list(ours.values())
    tail = described["curve"][-10:]
    return {
        "arm": form.name,
        "documents": len(values),
        "f1": round(sum(values) / len(values), 4),
        "interval": [round(v, 4) for v in bootstrap_interval(values)],
        "difference": round(sum(gains) / len(gains), 4),
        "difference_interval": [round(v, 4) for v in bootstrap_interval(gains)],
        "last_losses": round(sum(loss for _, loss in tail) / len(tail), 4),
        "trained_tokens": described["tokens"],
        "training_tokens_per_s": described["tokens_per_s"],
        "run_tokens_per_s": round(sum(s.tokens for s in scores) / max(1e-9, sum(s.seconds for s in scores)), 1),
        # The same work for every arm, however many tokens it takes to show a block.
        "run_lines_per_s": round(len(scores) / max(1e-9, sum(s.seconds for s in scores)), 3),
    }


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--factors", nargs="*", default=list(FACTORS), choices=list(FACTORS))
    parser.add_argument("--tokens", type=int, default=200_000, help="prompt tokens each arm is trained on")
    parser.add_argument("--rate", type=float, default=7e-5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--base", default=None, help="the LLM to start from (default: docalign's)")
    parser.add_argument("--most-layers", type=int, default=None, help="for bases with fewer layers than an arm asks")
    parser.add_argument("--gold", nargs="*", help="gold files to train on")
    parser.add_argument("--dev", nargs="*", help="gold files to score on")
    parser.add_argument("--dev-lines", type=int, default=30, help="development lines of each condition")
    parser.add_argument("--work", type=Path, default=Path("runs/screen"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path, help="only draw the plot of this report")
    arguments = parser.parse_args(given)
    if arguments.plot:
        target = arguments.plot.with_suffix(".svg")
        target.write_text(quality_against_speed(json.loads(arguments.plot.read_text("utf-8"))), "utf-8")
        print(target)
        return
    arguments.base = str(models.pull(arguments.base or models.BASE))
    gold, dev = training_lines(arguments), dev_lines(arguments)
    base = run_arm(DEFAULT, gold, dev, arguments)
    report: dict[str, Any] = {"tokens": arguments.tokens, "lines": len(dev), "seed": arguments.seed}
    report["default"] = summary(DEFAULT, base, base, arguments.work / DEFAULT.name)
    for factor in arguments.factors:
        report[factor] = []
        for form in FACTORS[factor]:
            scores = run_arm(form, gold, dev, arguments)
            report[factor].append(summary(form, scores, base, arguments.work / form.name))
            print(factor, json.dumps(report[factor][-1]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
