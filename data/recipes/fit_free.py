"""Fits what an exported model does without sizes: the bias of its log-odds, and the prior against short chunks.

    DOCALIGN_DATA=… python data/recipes/fit_free.py models/docalign-smollm2-16l [--windows 40] [--write]

On training transcripts alone, read as at run time. The best mean of boundary F1 − Pk by window wins: F1 alone is
greedy for lucky cuts side by side. `--write` puts `free_bias` and `free_prior` into the model's docalign.json.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from docalign.chunker import Chunker, ChunkOptions
from docalign.chunker.prior import FreePrior, LengthPrior
from docalign.chunker.solve import Problem, viterbi
from docalign.counting import counter
from docalign.evaluate.boundaries import boundary_f1, pk
from docalign.train.devset import data_directory
from docalign.train.gold import GoldLine
from docalign.train.mixture import documents_by_source
from docalign.train.policy_gold import MAX_BLOCKS, gold_line

BIASES = tuple(0.5 * i for i in range(-2, 11))
TYPICAL = (100.0, 200.0, 350.0, 500.0, 700.0, 1000.0)
COSTS = (1.0, 2.0, 3.0, 4.0, 6.0)

Scored = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], tuple[int, ...]]
"""s, sizes in tokens and gold starts of one window."""


def training_lines(number: int) -> Iterator[GoldLine]:
    documents = documents_by_source(data_directory() / "corpora" / "train")["qmsum"]
    rng, made = random.Random(4), 0
    while made < number:
        document = rng.choice(documents)
        first = rng.randrange(max(1, len(document["blocks"]) - MAX_BLOCKS))
        line = gold_line(document, target=350, limit=512, condition="bare", first_block=first)
        if line is not None:
            made += 1
            yield line


def scored(chunker: Chunker, line: GoldLine) -> Scored:
    count = counter(line.counter)
    sizes = np.array([max(1.0, count(line.document.block_text(b))) for b in line.document.blocks])
    options = ChunkOptions(max_tokens=None, target_tokens=None, tokenizer=line.counter)
    return chunker.log_odds(line.document, options), sizes, line.starts


def quality(windows: list[Scored], bias: float, prior: FreePrior | None) -> tuple[float, float]:
    """Mean F1 and Pk."""
    f1, misses = [], []
    for s, sizes, gold in windows:
        problem = Problem(
            log_odds=s + bias,
            sizes=sizes,
            target=prior and prior.typical_tokens,
            cap=None,
            prior=prior.length_prior if prior else LengthPrior(),
        )
        starts = viterbi(problem)
        f1.append(boundary_f1(starts, gold))
        misses.append(pk(starts, gold, len(s)))
    return float(np.mean(f1)), float(np.mean(misses))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    chunker = Chunker.load(arguments.model)
    windows = [scored(chunker, line) for line in training_lines(arguments.windows)]
    priors = [None, *(FreePrior(typical, cost) for typical, cost in product(TYPICAL, COSTS))]
    found = [(quality(windows, bias, prior), bias, prior) for prior in priors for bias in BIASES]
    alone = max((row for row in found if row[2] is None), key=lambda row: row[0][0])
    best = max(found, key=lambda row: row[0][0] - row[0][1])
    for name, ((f1, misses), bias, prior) in (("bias alone", alone), ("with a prior", best)):
        print(f"{name}: F1 {f1:.3f}, Pk {misses:.3f} on {len(windows)} training windows; bias {bias:+.2f}, {prior}")
    if arguments.write:
        path = arguments.model / "docalign.json"
        described = json.loads(path.read_text("utf-8"))
        described |= {"free_bias": best[1], "free_prior": best[2].to_json() if best[2] else None}
        path.write_text(json.dumps(described, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
