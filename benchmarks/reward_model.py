"""How well a reward model learns a SIMULATED taste from few rankings, on the real base: held-out accuracy, minutes.

No person ranked anything here. The taste: a chunk must not begin with a list item. Both candidates of a ranking have
the same number of chunks, so neither number nor mean size tells them apart; one cuts at list items, the other
elsewhere. The windows are of corpus documents that are not held out; `train_reward` holds out a fifth of them itself.

    DOCALIGN_DATA=… python benchmarks/reward_model.py --out runs/taste [--rankings 200] [--steps 100] [--layers 16]
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from docalign import models
from docalign.preference import PreferenceLine, write_preferences
from docalign.train.corpus import is_held_out, read_corpus
from docalign.train.devset import data_directory
from docalign.train.policy_gold import gold_line
from docalign.train.reward_model import RewardOptions, train_reward

CUTS = 3


def rankings(documents: list[Mapping[str, Any]], number: int, *, blocks: int, seed: int) -> Iterator[PreferenceLine]:
    draws = random.Random(seed)
    draws.shuffle(documents)
    found = 0
    for document in documents:
        first = draws.randrange(max(1, len(document["blocks"]) - blocks))
        line = gold_line(document, target=150, limit=256, condition="bare", first_block=first, max_blocks=blocks)
        if line is None:
            continue
        items = [b.id for b in line.document.blocks if b.id and b.kind == "list_item"]
        others = [b.id for b in line.document.blocks if b.id and b.kind != "list_item"]
        if len(items) < CUTS or len(others) < CUTS:
            continue
        bad, good = (tuple(sorted({0, *draws.sample(ids, CUTS)})) for ids in (items, others))
        flipped = draws.random() < 0.5
        yield PreferenceLine(
            f"taste/{found}", line.document, (good, bad) if flipped else (bad, good), ((0,), (1,)) if flipped else
            ((1,), (0,)), "simulated", "no chunk begins with a list item", target_tokens=150, max_tokens=256,
        )  # fmt: skip
        found += 1
        if found == number:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--rankings", type=int, default=200)
    parser.add_argument("--blocks", type=int, default=30, help="blocks a window")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--layers", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    corpus = [d for d in read_corpus(data_directory() / "corpora" / "train") if not is_held_out(d["id"])]
    lines = list(rankings(corpus, arguments.rankings, blocks=arguments.blocks, seed=arguments.seed))
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_preferences(arguments.out / "simulated.jsonl", lines)
    options = RewardOptions(
        str(models.pull(models.BASE)), layers=arguments.layers, max_steps=arguments.steps, seed=arguments.seed,
        learning_rate=arguments.learning_rate, save_steps=max(20, arguments.steps),
    )  # fmt: skip
    began = perf_counter()
    folder = train_reward([arguments.out / "simulated.jsonl"], arguments.out / "run", options, quiet=False)
    minutes = (perf_counter() - began) / 60
    described = json.loads((folder / "docalign.json").read_text("utf-8"))
    report = {
        "simulated_rankings": len(lines),
        "steps": arguments.steps,
        "layers": arguments.layers,
        "minutes": round(minutes, 1),
        "temperature": described["temperature"],
        **described["held_out"],
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
