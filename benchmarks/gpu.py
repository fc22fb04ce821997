"""The model on a card: ONNX Runtime's CUDA engine beside torch, and both beside what the card can multiply.

Arms, interleaved in one run, each on the same windows of random ids, full batches of equal length:

    onnx            the engine of the service (`runtime/batching.py`): float16 on a card, int8 on a processor
    torch eager     the same weights in bf16, attention as plain matrix products
    torch sdpa      with torch's fused attention
    torch compiled  the same, compiled (`--no-compile` leaves it out)

The roofline is measured, not read from a data sheet: the matrix products of the model's own layers, at the shapes of
this batch, in the arm's precision, with nothing in between. `of_roofline` is that time over the arm's time. Attention's
own products, norms and the embedding are not in it, so an arm cannot reach 1.

Without a card everything runs on the processor, which checks that it works and measures nothing that matters: the
report then has `"gpu": null`, and `not_run` says what it lacks.

    python benchmarks/gpu.py [--model FOLDER] [--tokens 16384] [--lengths 128 256 512] [--out gpu.json]

Needs the extra `train`, and `gpu` on a card.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from docalign.chunker.context import Window
from docalign.models import SHIPPED, info, models_dir, resolve
from docalign.runtime.batching import choose_device, load_engine
from docalign.train.slot_model import load_policy, log_odds

GOALS = {"of_roofline": 0.40, "times_torch_eager": 1.5}
BLOCK_TOKENS = 24
"""A slot every so many tokens, as in the training windows."""


def windows_of(length: int, count: int, vocabulary: int) -> list[Window]:
    rng = np.random.default_rng(length)
    slots = np.arange(BLOCK_TOKENS - 1, length, BLOCK_TOKENS) if length >= BLOCK_TOKENS else np.array([length - 1])
    ids = rng.integers(6, vocabulary, (count, length))
    return [Window(row.astype(np.int64), slots.astype(np.int64), tuple(range(len(slots)))) for row in ids]


def torch_arms(folder: Path, device: str, *, compiled: bool) -> dict[str, Any]:
    """Name → model in bf16 on the device."""
    model, _, _ = load_policy(folder)
    made: dict[str, Any] = {}
    for name, attention in (("torch eager", "eager"), ("torch sdpa", "sdpa")):
        arm = copy.deepcopy(model)
        arm.set_attn_implementation(attention)
        made[name] = arm.to(device=device, dtype=torch.bfloat16).eval()
    if compiled:
        made["torch compiled"] = torch.compile(made["torch sdpa"], dynamic=False)
    return made


def torch_run(model: Any, windows: Sequence[Window], device: str) -> Callable[[], np.ndarray]:
    """One forward of all windows, from ids on the host to log-odds on the host, as the engine does it."""
    ids = torch.from_numpy(np.stack([w.ids for w in windows]))
    slots = torch.from_numpy(np.stack([w.slots for w in windows]))

    def run() -> np.ndarray:
        with torch.inference_mode():
            found = log_odds(model, {"input_ids": ids.to(device), "slots": slots.to(device)})
            return found.cpu().numpy().ravel()

    return run


def products(config: Any) -> list[tuple[int, int]]:
    """(in, out) of every matrix product of one layer, as the graph does them: q, k and v are one."""
    hidden, inner = config.hidden_size, config.intermediate_size
    head = getattr(config, "head_dim", None) or hidden // config.num_attention_heads
    query = head * config.num_attention_heads
    both = 2 * head * config.num_key_value_heads
    return [(hidden, query + both), (query, hidden), (hidden, inner), (hidden, inner), (inner, hidden)]


def roofline_run(config: Any, tokens: int, device: str, kind: torch.dtype) -> Callable[[], None]:
    """All matrix products of a forward over `tokens`, one after the other, every layer with weights of its own."""
    shapes = products(config) * config.num_hidden_layers
    values = {n: torch.randn(tokens, n, device=device).to(kind) for n, _ in shapes}
    weights = [torch.randn(n, m, device=device).to(kind) for n, m in shapes]
    out = {m: torch.empty(tokens, m, device=device, dtype=kind) for _, m in shapes}

    def run() -> None:
        for (n, m), weight in zip(shapes, weights, strict=True):
            torch.matmul(values[n], weight, out=out[m])
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def measured(arms: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Seconds of every repeat: all arms once unmeasured, then in turn."""
    for run in arms.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(repeats):
        for name, run in arms.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def at_length(
    length: int, engine: Any, models: dict[str, Any], device: str, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    """A row for each arm with full batches of windows of `length` tokens."""
    config = models["torch eager"].config
    count = max(1, arguments.tokens // length)
    windows = windows_of(length, count, config.vocab_size)
    kinds = {"onnx": torch.float16 if device == "cuda" else torch.float32}
    arms: dict[str, Callable[[], Any]] = {"onnx": lambda: np.concatenate(engine.log_odds(windows))}
    arms |= {name: torch_run(model, windows, device) for name, model in models.items()}
    roofs = {kind: f"roofline {str(kind).removeprefix('torch.')}" for kind in (*kinds.values(), torch.bfloat16)}
    runs = arms | {name: roofline_run(config, count * length, device, kind) for kind, name in roofs.items()}
    seconds = {name: statistics.median(found) for name, found in measured(runs, arguments.repeats).items()}
    answers = {name: run() for name, run in arms.items()}
    flops = 2 * count * length * config.num_hidden_layers * sum(n * m for n, m in products(config))
    rows = []
    for name, answer in answers.items():
        roof = roofs[kinds.get(name, torch.bfloat16)]
        rows.append(
            {
                "arm": name,
                "length": length,
                "windows": count,
                "windows_per_s": round(count / seconds[name], 1),
                "tokens_per_s": round(count * length / seconds[name]),
                "roofline": roof,
                "roofline_tflops": round(flops / seconds[roof] / 1e12, 3),
                "of_roofline": round(seconds[roof] / seconds[name], 3),
                "times_torch_eager": round(seconds["torch eager"] / seconds[name], 2),
                "same_label_as_onnx": round(float(np.mean((answer > 0) == (answers["onnx"] > 0))), 4),
            }
        )
    return rows


def not_run(device: str, *, compiled: bool) -> list[str]:
    """What a report of this run must not be taken for."""
    missing = []
    if device != "cuda":
        missing.append("the CUDA engine, torch on a card and a card's roofline: no card, or no onnxruntime-gpu")
    if not compiled:
        missing.append("torch compiled: left out")
    return missing


def table(rows: list[dict[str, Any]]) -> str:
    names = ("length", "arm", "windows_per_s", "tokens_per_s", "of_roofline", "times_torch_eager", "same_label_as_onnx")
    lines = ["  ".join(f"{name:>18}" for name in names)]
    lines += ["  ".join(f"{row[name]:>18}" for name in names) for row in rows]
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=models_dir() / SHIPPED)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--tokens", type=int, default=16_384, help="of a batch")
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 256, 512], help="of its windows, in tokens")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--out", type=Path, help="write the JSON here")
    arguments = parser.parse_args(given)
    device = choose_device(arguments.device)
    model = info(resolve(str(arguments.model)))
    engine = load_engine(model.path / "model.onnx", str(model.config.get("precision", "fp32")), device)
    models = torch_arms(model.path, device, compiled=not arguments.no_compile)
    rows = [row for n in arguments.lengths for row in at_length(n, engine, models, device, arguments)]
    report: dict[str, Any] = {
        "schema": "docalign.benchmark/1",
        "gpu": torch.cuda.get_device_name() if device == "cuda" else None,
        "engine": engine.name,
        "torch": torch.__version__,
        "goals": GOALS,
        "rows": rows,
        "not_run": not_run(device, compiled=not arguments.no_compile),
    }
    if device == "cuda":
        onnx = [row for row in rows if row["arm"] == "onnx"]
        report["goals_met"] = {name: all(row[name] >= least for row in onnx) for name, least in GOALS.items()}
    print(table(rows))
    for missing in report["not_run"]:
        print(f"NOT RUN: {missing}", file=sys.stderr)
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return report


if __name__ == "__main__":
    main()
