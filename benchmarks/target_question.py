"""Can the solver alone handle the target? An upper bound: log-odds that know every heading, but not the target.

On marked development gold, log-odds are a linear function of what a perfect reader of headings would know (heading,
level, higher or lower than the last, follows a heading, list item, table, colon before), fitted together with the
length prior by exact likelihood on half of the windows, and decoded by the solver on the other half. What is missing
to 1.0 is what the size-blind form cannot express, however good the reader.

    DOCALIGN_DATA=… python benchmarks/target_question.py
"""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import Tensor

from docalign.chunker.prior import LengthPrior
from docalign.chunker.solve import Problem, viterbi
from docalign.counting import count_words
from docalign.evaluate.boundaries import boundary_f1
from docalign.train.devset import data_directory, development_lines
from docalign.train.gold import GoldLine
from docalign.train.segments import log_partition, score

FEATURES = 12


def features(line: GoldLine) -> tuple[np.ndarray, np.ndarray]:
    """What a perfect reader knows of each block, `(blocks, FEATURES)`, and the blocks' sizes in tokens."""
    document, blocks = line.document, line.document.blocks
    texts = [document.block_text(b) for b in blocks]
    found = np.zeros((len(blocks), FEATURES))
    level_above = 9
    for i, block in enumerate(blocks):
        after_heading = i > 0 and blocks[i - 1].kind == "heading"
        if block.kind == "heading" and not after_heading:
            level = min(block.level or 1, 5)
            found[i, [0, level]] = 1
            found[i, 6], found[i, 7] = level < level_above, level > level_above
            level_above = level
        else:
            found[i, 8], found[i, 9] = after_heading, block.kind == "list_item"
            found[i, 10] = block.kind in ("table", "caption")
            found[i, 11] = i > 0 and texts[i - 1].endswith(":")
    return found, np.array([max(1, count_words(t)) for t in texts], dtype=float)


def batch(lines: list[GoldLine]) -> tuple[Tensor, ...]:
    made = [features(line) for line in lines]
    width = max(len(sizes) for _, sizes in made)
    x, n = torch.zeros(len(lines), width, FEATURES).double(), torch.ones(len(lines), width).double()
    y = torch.zeros(len(lines), width)
    for row, (line, (found, sizes)) in enumerate(zip(lines, made, strict=True)):
        x[row, : len(sizes)], n[row, : len(sizes)] = torch.tensor(found), torch.tensor(sizes)
        y[row, list(line.starts)] = 1
    lengths = torch.tensor([len(sizes) for _, sizes in made])
    target = torch.tensor([float(line.sizes[0]) for line in lines]).double()
    cap = torch.tensor([4.0 * line.sizes[1] for line in lines]).double()
    return x, n, y, lengths, target, cap


def mean_f1(lines: list[GoldLine], weights: np.ndarray, prior: LengthPrior) -> float:
    scores = []
    for line in lines:
        found, sizes = features(line)
        blocks = line.document.blocks
        orphan = np.array([float(i > 0 and blocks[i - 1].kind == "heading") for i in range(len(blocks))])
        target, limit = line.sizes
        starts = viterbi(Problem(found @ weights, sizes, target, limit, orphan, prior))
        scores.append(boundary_f1(starts, line.starts))
    return float(np.mean(scores))


def main() -> None:
    lines = [line for line in development_lines(data_directory(), "marked") if not line.is_transcript]
    random.Random(0).shuffle(lines)
    fit, test = lines[: len(lines) // 2], lines[len(lines) // 2 :]
    weights = torch.zeros(FEATURES, dtype=torch.float64, requires_grad=True)
    values = torch.tensor(LengthPrior().values, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([weights, values], lr=0.1)
    for epoch in range(12):
        for first in range(0, len(fit), 20):
            x, n, y, lengths, target, cap = batch(fit[first : first + 20])
            prior = -torch.relu(-values)
            s = x @ weights
            loss = (
                log_partition(s, n, lengths, target, cap, prior) - score(s, y, n, lengths, target, cap, prior)
            ).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if epoch % 4 == 3:
            prior_now = LengthPrior(tuple(np.minimum(values.detach().numpy(), 0.0)))
            w = weights.detach().numpy()
            print(f"epoch {epoch + 1}: F1 fitted half {mean_f1(fit, w, prior_now):.3f}, "
                  f"other half {mean_f1(test, w, prior_now):.3f} ({len(test)} windows)", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
