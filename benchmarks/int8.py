"""What int8 costs and what smoothing gives back: labels at the slots against fp32, and speed, all arms in one run.

Arms: onnxruntime fp32 (the reference), int8 as it comes, int8 after smoothing (what export does), int8 with `down_proj`
left in fp32 (too big to ship). Smoothed on eight training windows, compared on development windows nobody trained on.

    DOCALIGN_DATA=… python benchmarks/int8.py POLICY [--windows 120] [--out int8.json]
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from docalign.chunker.context import Window
from docalign.runtime.onnx import OnnxEngine
from docalign.train.compare import windows_for
from docalign.train.devset import data_directory, development_lines
from docalign.train.export import MAX_POSITIONS
from docalign.train.gold import GoldLine
from docalign.train.graph import llama_graph
from docalign.train.mixture import documents_by_source, draw_lines
from docalign.train.quantise import quantise_int8
from docalign.train.slot_model import load_policy, renderer_of
from docalign.train.smooth import smooth

REPEATS = 3


def one_of_each(renderer: Any, lines: Iterable[GoldLine], number: int) -> list[Window]:
    """The first window of each line, so that many documents are seen."""
    return list(islice((windows_for(renderer, [line])[0] for line in lines), number))


def development_windows(renderer: Any, number: int) -> list[Window]:
    lines = [
        line
        for condition in ("marked", "bare", "headless")
        for line in development_lines(data_directory(), condition, windows=1)  # type: ignore[arg-type]
    ]
    random.Random(7).shuffle(lines)
    return one_of_each(renderer, lines, number)


def graphs(policy: Path, folder: Path, calibration: list[Window]) -> dict[str, Path]:
    model, _, _ = load_policy(policy)
    smoothed = copy.deepcopy(model)
    smooth(smoothed, calibration)
    plain, after = (llama_graph(m, max_positions=MAX_POSITIONS) for m in (model, smoothed))
    made = {
        "fp32": plain,
        "int8": quantise_int8(plain),
        "int8 smoothed": quantise_int8(after),
        "int8 smoothed, down in fp32": quantise_int8(after, keep=(".down",)),
    }
    paths = {}
    for name, graph in made.items():
        paths[name] = folder / f"{len(paths)}.onnx"
        onnx.save(graph, str(paths[name]))
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", type=Path)
    parser.add_argument("--windows", type=int, default=120)
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    _, tokenizer, config = load_policy(arguments.policy)
    renderer = renderer_of(tokenizer, config)
    training = documents_by_source(data_directory() / "corpora" / "train")
    calibration = one_of_each(renderer, draw_lines(training, 8, seed=41), 8)
    windows = development_windows(renderer, arguments.windows)
    tokens = sum(len(w.ids) for w in windows)
    report: dict[str, Any] = {"windows": len(windows), "tokens": tokens, "slots": sum(len(w.slots) for w in windows)}
    with tempfile.TemporaryDirectory() as scratch:
        paths = graphs(arguments.policy, Path(scratch), calibration)
        engines = {name: OnnxEngine(path, threads=arguments.threads) for name, path in paths.items()}
        megabytes = {name: path.stat().st_size / 1e6 for name, path in paths.items()}
        values: dict[str, Any] = {}
        seconds: dict[str, list[float]] = {name: [] for name in engines}
        for _ in range(REPEATS):
            for name, engine in engines.items():
                begun = time.process_time()
                values[name] = np.concatenate(engine.log_odds(windows))
                seconds[name].append(time.process_time() - begun)
    for name, found in values.items():
        gap = np.abs(found - values["fp32"])
        report[name] = {
            "same_label": round(float(np.mean((found > 0) == (values["fp32"] > 0))), 5),
            "mean_difference": round(float(gap.mean()), 4),
            "largest_difference": round(float(gap.max()), 3),
            "tokens_per_cpu_second": round(tokens / float(np.median(seconds[name]))),
            "megabytes": round(megabytes[name], 1),
        }
        print(name, report[name], flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
