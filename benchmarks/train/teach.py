"""Teach it yours: what a hundred gold documents of an unseen style move, and what moves without training.

For each style of `styles.py`: 100 training documents, and `--test` others made of other words and other sentences.
Arms on the test documents:

* `shipped`: the model as it is;
* the rules of `docalign.evaluate.rules`;
* `target ×k`: the shipped model asked for other target sizes, and `no sizes`; `best target` is the one of them that did
  best on the first 20 training documents, as an owner would choose it;
* `φ alone`, `φ and bias`: the length prior (and one number added to every log-odds) refitted by exact likelihood on the
  training documents, the model untouched;
* `taught`: `docalign train --init` with `data/recipes/teach.toml`, then `docalign export`, in processes of their own.

    python -m benchmarks.train.teach --work runs/teach [--styles casebook minutes] [--out teach.json]

It can be killed and run again: the training goes on where it was, finished parts are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from benchmarks.train.styles import STYLES, style_lines
from docalign.chunker import Chunker, ChunkOptions
from docalign.chunker.prior import KNOTS, LengthPrior
from docalign.chunker.segment import segment
from docalign.counting import counter
from docalign.evaluate.boundaries import bootstrap_interval, boundary_f1
from docalign.evaluate.rules import RULES
from docalign.evaluate.spans import starts_of
from docalign.models import resolve
from docalign.train.gold import GoldLine, write_gold
from docalign.train.segments import log_partition, score
from docalign.train.windows import RAW_CAP

ROOT: Final = Path(__file__).parents[2]
FACTORS: Final = (0.5, 0.7, 1.4, 2.0, None)
_TRIED: Final = 20
RECIPE: Final = ROOT / "data" / "recipes" / "teach.toml"


def log_odds(chunker: Chunker, line: GoldLine, target: int | None, limit: int | None) -> np.ndarray:
    options = ChunkOptions(max_tokens=limit, target_tokens=target, tokenizer=line.counter)
    return chunker.log_odds(line.document, options)


def f1_of(chunker: Chunker, line: GoldLine, s: np.ndarray, *, target: int | None, limit: int | None,
          prior: LengthPrior | None = None) -> float:  # fmt: skip
    parts = segment(line.document, s, count=counter(line.counter), max_tokens=limit, target=target,
                    prior=prior or chunker.prior, free_bias=chunker.free_bias,
                    free_prior=chunker.free_prior)  # fmt: skip
    return boundary_f1(starts_of(line.document, [(p.start, p.end) for p in parts]), line.starts)


def scores_of(chunker: Chunker, lines: list[GoldLine], *, factor: float | None = 1.0,
              prior: LengthPrior | None = None, bias: float = 0.0) -> list[float]:  # fmt: skip
    """Boundary F1 by document; `factor` scales the target, None asks for no sizes at all."""
    found = []
    for line in lines:
        assert line.target_tokens
        target, limit = (None, None) if factor is None else (round(line.target_tokens * factor), line.max_tokens)
        s = log_odds(chunker, line, target, limit) + bias
        found.append(f1_of(chunker, line, s, target=target, limit=limit, prior=prior))
    return found


def refit(
    chunker: Chunker, lines: list[GoldLine], said: list[np.ndarray], *, with_bias: bool
) -> tuple[LengthPrior, float]:
    """φ (and a bias) by exact likelihood on what the untouched model has `said` of the training documents."""
    rows = []
    for line, values in zip(lines, said, strict=True):
        count = counter(line.counter)
        sizes = [float(max(1, count(line.document.block_text(b)))) for b in line.document.blocks]
        starts = torch.zeros(1, len(sizes), dtype=torch.int64)
        starts[0, list(line.starts)] = 1
        s = torch.from_numpy(values)[None]
        target, limit = line.sizes
        rows.append((s, starts, torch.tensor([sizes]).double(), torch.tensor([len(sizes)]),
                     torch.tensor([float(target)]).double(),
                     torch.tensor([float(RAW_CAP * limit)]).double()))  # fmt: skip
    knots = torch.tensor(chunker.prior.values, dtype=torch.float64).clamp(max=-0.02)
    raw = torch.log(torch.expm1(-knots)).requires_grad_()
    bias = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([raw, *([bias] if with_bias else [])], lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        phi = -torch.nn.functional.softplus(raw)
        loss = sum(
            (log_partition(s + bias, *rest, phi) - score(s + bias, starts, *rest, phi)).sum()
            for s, starts, *rest in rows
        )
        loss.backward()
        optimiser.step()
    fitted = (-torch.nn.functional.softplus(raw)).tolist()
    return LengthPrior(tuple(fitted), KNOTS), float(bias.detach())


def run(command: list[str], threads: int) -> np.ndarray:
    """Seconds and CPU seconds that a command of docalign took."""
    began, before = time.monotonic(), _children_cpu_s()
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    program = "import sys; from docalign.cli import main; main()"
    subprocess.run([sys.executable, "-c", program, *command], check=True, env=environment, stdout=sys.stderr)
    return np.array([time.monotonic() - began, _children_cpu_s() - before])


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def teach(style: str, work: Path, *, init: str, recipe: Path, number: int, threads: int) -> dict[str, Any]:
    """Train on a style and export; the folder, and seconds and CPU seconds of the training, or of its last part."""
    folder = work / style
    folder.mkdir(parents=True, exist_ok=True)
    gold, spent = folder / "gold.jsonl", folder / "seconds.json"
    if not gold.exists():
        write_gold(gold, style_lines(style, number, test=False))
    seconds = np.array(json.loads(spent.read_text()) if spent.exists() else [0.0, 0.0])
    if not (folder / "model" / "docalign.json").exists():
        seconds += run(
            ["train", str(gold), "--init", init, "--recipe", str(recipe), "--out", str(folder / "run")], threads
        )
        spent.write_text(json.dumps(seconds.tolist()))
        run(["export", str(folder / "run" / "policy"), "--out", str(folder / "model")], threads)
    return {"model": str(folder / "model"), "seconds": seconds, "gold": gold}


def untrained(style: str, options: argparse.Namespace) -> dict[str, list[float]]:
    """Boundary F1 by test document of every arm that trains nothing; kept in `--work`."""
    kept = options.work / style / f"untrained-{options.test}-{options.number}.json"
    if kept.exists():
        found: dict[str, list[float]] = json.loads(kept.read_text("utf-8"))
        return found
    shipped = Chunker.load(options.init)
    test = list(style_lines(style, options.test, test=True))
    train = list(style_lines(style, options.number, test=False))
    arms = {"shipped": scores_of(shipped, test)}
    for name, rule in RULES.items():
        arms[f"rule {name}"] = [boundary_f1(rule(line), line.starts) for line in test]
    tried = {1.0: float(np.mean(scores_of(shipped, train[:_TRIED])))}
    for factor in FACTORS:
        tried[factor] = float(np.mean(scores_of(shipped, train[:_TRIED], factor=factor)))
        arms[named(factor)] = scores_of(shipped, test, factor=factor)
    best = max(tried, key=lambda f: tried[f])
    arms["best target"] = arms["shipped"] if best == 1.0 else arms[named(best)]
    said = [log_odds(shipped, line, *line.sizes) for line in train]
    prior, _ = refit(shipped, train, said, with_bias=False)
    arms["φ alone"] = scores_of(shipped, test, prior=prior)
    prior, bias = refit(shipped, train, said, with_bias=True)
    arms["φ and bias"] = scores_of(shipped, test, prior=prior, bias=bias)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(arms, ensure_ascii=False), "utf-8")
    return arms


def named(factor: float | None) -> str:
    return f"target ×{factor}" if factor else "no sizes"


def measure(style: str, options: argparse.Namespace) -> dict[str, Any]:
    summary: dict[str, Any] = {"documents": options.test}
    taught = None
    if not options.without_training:
        done = teach(style, options.work, init=str(resolve(options.init)), recipe=options.recipe,
                     number=options.number, threads=options.threads)  # fmt: skip
        summary["seconds"], summary["cpu_seconds"] = (round(s) for s in done["seconds"])
        taught = scores_of(Chunker.load(done["model"]), list(style_lines(style, options.test, test=True)))
        print(style, "taught", round(float(np.mean(taught)), 4), summary, flush=True)
    arms = untrained(style, options) | ({"taught": taught} if taught else {})
    for name, values in arms.items():
        gains = [a - b for a, b in zip(values, arms["shipped"], strict=True)]
        low, high = bootstrap_interval(gains)
        summary[name] = {
            "f1": round(float(np.mean(values)), 4),
            "gain": round(float(np.mean(gains)), 4),
            "gain_interval": [round(low, 4), round(high, 4)],
        }
        print(style, name, json.dumps(summary[name]), flush=True)
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="where runs are kept")
    parser.add_argument("--styles", nargs="*", default=list(STYLES))
    parser.add_argument("--init", default=None, help="the model to teach (default: the shipped one)")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--number", type=int, default=100, help="training documents")
    parser.add_argument("--test", type=int, default=100, help="test documents")
    parser.add_argument("--threads", type=int, default=2, help="threads of the training")
    parser.add_argument("--without-training", action="store_true", help="only the arms that train nothing")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    report = {style: measure(style, options) for style in options.styles}
    report["recipe"] = options.recipe.name
    report["threads"] = options.threads
    if options.out:
        options.out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
