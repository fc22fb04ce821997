"""The composite reward and its parts on gold, on a model's chunkings and on degenerate ones, on development windows.

What a reward is worth shows in how it ranks chunkings whose rank is known: gold should score well, one chunk, a chunk
for every block and cuts at even distances badly. Also measured: what it costs to score 16 chunkings of a window.

    DOCALIGN_DATA=… python benchmarks/rewards.py [--windows N] [--conditions marked bare] [--no-model] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from docalign.counting import counter
from docalign.evaluate.rules import RULES
from docalign.evaluate.spans import spans_of
from docalign.rewards.composite import Composite
from docalign.rewards.reward import Sizes, Span
from docalign.train.devset import data_directory, development_lines
from docalign.train.gold import GoldLine

Arm = Callable[[GoldLine], Sequence[Span]]


def even(line: GoldLine) -> list[int]:
    """Cuts at even distances: as many blocks a chunk as make the target on average."""
    count = counter(line.counter)
    blocks = len(line.document.blocks)
    step = max(1, round(blocks * line.sizes[0] / max(1, count(line.document.text))))
    return list(range(0, blocks, step))


def model_arm(path: Path | None) -> Arm:
    from docalign.chunker import Chunker, ChunkOptions

    chunker = Chunker.load(path)

    def chunk(line: GoldLine) -> list[Span]:
        target, limit = line.sizes
        options = ChunkOptions(max_tokens=limit, target_tokens=target, tokenizer=line.counter)
        return [(c.start, c.end) for c in chunker.chunk(line.document, options)]

    return chunk


def arms(arguments: argparse.Namespace) -> dict[str, Arm]:
    by_starts: dict[str, Callable[[GoldLine], Sequence[int]]] = {
        "gold": lambda line: line.starts,
        "pack": RULES["pack"],
        "even": even,
        "one chunk": lambda _: [0],
        "every block": RULES["every"],
    }
    made: dict[str, Arm] = {name: (lambda line, f=f: spans_of(line.document, f(line))) for name, f in by_starts.items()}
    return made if arguments.no_model else {"gold": made["gold"], "model": model_arm(arguments.model), **made}


def score_windows(lines: Sequence[GoldLine], chunkers: dict[str, Arm], composite: Composite) -> dict[str, Any]:
    """Means by arm over the windows: the composite, and each part over the windows where it applies."""
    values: dict[str, list[float]] = defaultdict(list)
    parts: dict[str, dict[str, list[float]]] = {p.name: defaultdict(list) for p in composite.parts}
    for line in lines:
        sizes = Sizes(*line.sizes, counter(line.counter))
        for name, chunk in chunkers.items():
            scored = composite.score(line.document, list(chunk(line)), sizes)
            values[name].append(scored.value)
            for part, score in scored.parts.items():
                if score.applies:
                    parts[part][name].append(score.value)
    return {
        "windows": len(lines),
        "composite": {name: round(float(np.mean(v)), 4) for name, v in values.items()},
        "gold_is_best": round(float(np.mean([max(v) <= v[0] + 1e-9 for v in zip(*values.values(), strict=True)])), 4),
        "parts": {p: {n: round(float(np.mean(v)), 4) for n, v in by.items()} for p, by in parts.items() if by},
        "applies": {p: len(next(iter(by.values()))) for p, by in parts.items() if by},
    }


def speed(lines: Sequence[GoldLine], composite: Composite, *, samples: int = 16) -> dict[str, float]:
    """Milliseconds to prepare a window, and to score `samples` random chunkings of it."""
    rng = np.random.default_rng(0)
    prepare_ms, score_ms, chunks = [], [], 0
    for line in lines:
        sizes = Sizes(*line.sizes, counter(line.counter))
        began = perf_counter()
        prepared = composite.prepare(line.document, sizes)
        prepare_ms.append(1000 * (perf_counter() - began))
        share = len(line.starts) / len(line.document.blocks)
        mask = rng.random((samples, len(line.document.blocks))) < share
        began = perf_counter()
        batch = prepared.batch_of_mask(mask)
        score_ms.append(1000 * (perf_counter() - began))
        chunks += len(batch.chunks.first)
    return {
        "prepare_ms": round(float(np.median(prepare_ms)), 3),
        f"score_{samples}_ms": round(float(np.median(score_ms)), 3),
        "microseconds_a_chunk": round(1000 * sum(score_ms) / chunks, 2),
    }


def table(report: dict[str, Any]) -> str:
    names = list(report["composite"])
    head = f"| {report['windows']} windows | applies | " + " | ".join(names) + " |"
    rows = [head, "|---" * (len(names) + 2) + "|"]
    rows.append("| **composite** | – | " + " | ".join(f"**{report['composite'][n]:.3f}**" for n in names) + " |")
    for part, by in report["parts"].items():
        rows.append(f"| {part} | {report['applies'][part]} | " + " | ".join(f"{by[n]:.3f}" for n in names) + " |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=60, help="windows in each condition, drawn with a fixed seed")
    parser.add_argument("--conditions", nargs="*", default=["marked", "bare"])
    parser.add_argument("--model", type=Path, help="model directory (default: the shipped one)")
    parser.add_argument("--no-model", action="store_true")
    parser.add_argument("--out", type=Path, help="write the JSON here")
    arguments = parser.parse_args()
    composite, chunkers = Composite.of_rules(), arms(arguments)
    report = {}
    for condition in arguments.conditions:
        lines = [line for line in development_lines(data_directory(), condition) if not line.is_transcript]
        random.Random(7).shuffle(lines)
        lines = lines[: arguments.windows]
        report[condition] = score_windows(lines, chunkers, composite) | {"speed": speed(lines, composite)}
        print(f"\n{condition}: gold is best on {report[condition]['gold_is_best']:.0%} of the windows;")
        print(report[condition]["speed"], flush=True)
        print(table(report[condition]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
