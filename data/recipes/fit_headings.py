"""Fits the weights of `docalign/chunker/heading_guess.py` on training documents, and says how well they do on others.

    DOCALIGN_DATA=… python data/recipes/fit_headings.py [--write]

One document in five of the *training* documents is kept for the numbers printed; held-out documents are not touched.
Sources weigh by the square root of their lines. `--write` writes `docalign/chunker/heading_weights.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

import docalign.chunker
from docalign.chunker.heading_guess import features_of
from docalign.train.devset import data_directory
from docalign.train.mixture import documents_by_source

DOCUMENTS = 80
LEAST = 40
RIDGE = 1e-4


class Line(NamedTuple):
    source: str
    kept_out: bool
    features: set[str] | None
    is_heading: bool


def lines() -> list[Line]:
    """Every line that could be a heading, of up to 80 documents a source, its headings unmarked.

    Transcripts have none. Copies of the documents without their headings were tried as negatives too: what they save on
    such documents is less than what they cost on the others.
    """
    documents = documents_by_source(data_directory() / "corpora" / "train")
    rng, found = random.Random(1), []
    for source in sorted(documents):
        for document in rng.sample(documents[source], min(DOCUMENTS, len(documents[source]))):
            kept_out = int(hashlib.sha256(f"headings {document['id']}".encode()).hexdigest(), 16) % 5 == 0
            blocks = document["blocks"]
            kinds = ["paragraph" if b["kind"] in ("heading", "utterance") else b["kind"] for b in blocks]
            features = features_of(kinds, [b["text"] for b in blocks])
            marked = [b["kind"] == "heading" for b in blocks]
            found += [Line(source, kept_out, f, m) for f, m in zip(features, marked, strict=True) if f or m]
    return found


def fit(training: list[Line]) -> dict[str, float]:
    """Ridge logistic regression; features seen fewer than LEAST times are left out."""
    counts = Counter(name for line in training for name in line.features or ())
    names = sorted(name for name, count in counts.items() if count >= LEAST)
    index = {name: i for i, name in enumerate(names)}
    flat, offsets = [], []
    for line in training:
        offsets.append(len(flat))
        flat += [index[name] for name in sorted(line.features or ()) if name in index]
    by_source = Counter(line.source for line in training)
    weight = torch.tensor([1 / math.sqrt(by_source[line.source]) for line in training])
    weight = weight / weight.mean()
    truth = torch.tensor([float(line.is_heading) for line in training])
    bag, bias = nn.EmbeddingBag(len(names), 1, mode="sum"), nn.Parameter(torch.zeros(1))
    nn.init.zeros_(bag.weight)
    optimiser = torch.optim.LBFGS([bag.weight, bias], max_iter=80, line_search_fn="strong_wolfe")
    ids, starts = torch.tensor(flat), torch.tensor(offsets)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        each = nn.functional.binary_cross_entropy_with_logits(bag(ids, starts)[:, 0] + bias, truth, reduction="none")
        loss: torch.Tensor = (each * weight).mean() + RIDGE * bag.weight.pow(2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return {"": round(bias.item(), 2)} | {n: round(bag.weight[i, 0].item(), 2) for n, i in index.items()}


def report(weights: dict[str, float], kept_out: list[Line]) -> None:
    for source in sorted({line.source for line in kept_out}):
        found = Counter()
        for line in kept_out:
            if line.source == source:
                features = line.features
                guess = features is not None and weights[""] + sum(weights.get(n, 0.0) for n in features) > 0
                found[guess, line.is_heading] += 1
        if not found[False, True] + found[True, True]:
            print(f"{source}: {found[True, False] / found.total():.4f} of {found.total()} lines are taken for headings")
            continue
        right = found[True, True]
        precision, recall = right / max(1, right + found[True, False]), right / max(1, right + found[False, True])
        print(f"{source}: precision {precision:.3f}, recall {recall:.3f} of {right + found[False, True]} headings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the weights into the package")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    made = lines()
    weights = fit([line for line in made if line.features and not line.kept_out])
    report(weights, [line for line in made if line.kept_out])
    if arguments.write:
        rows = "".join(f'    "{name}": {value},\n' for name, value in sorted(weights.items()))
        text = (
            '"""Log-odds of each feature of a heading line; written by `data/recipes/fit_headings.py`."""\n\n'
            "from __future__ import annotations\n\nfrom collections.abc import Mapping\n"
            'from types import MappingProxyType\nfrom typing import Final\n\n__all__ = ["WEIGHTS"]\n\n'
            f"WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(\n    {{\n{rows}    }}\n)\n"
        )
        (Path(docalign.chunker.__file__).parent / "heading_weights.py").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
