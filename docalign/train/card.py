"""The card of an exported model, written from the run's own records: nothing in it is typed in, nothing is remembered.

Reads `docalign.json` (export), `training.json` (the run: command, commit, data, curves) and `comparison.json`
(precisions on the user's gold, where `--compare` made one) of a model folder. The card of the shipped model says more;
it is made by `benchmarks/card.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from docalign.train.compare import MOST_LOST, Measured, table

__all__ = ["card"]

_POINTS: Final = 10


def card(model: Path) -> str:
    """The Markdown of `card.md`."""
    described, run, comparison = (_read(model / f"{n}.json") for n in ("docalign", "training", "comparison"))
    device = described.get("device", "cpu")
    parts = [
        f"# {model.name}",
        "A boundary model for docalign: it reads a document's blocks and gives each a log-odds for \"a chunk starts "
        f'here". It writes no text. Made from {described["base"]}, of which {described["layers"]} layers are kept'
        + (f"; trained on from {', '.join(run['init'])}." if run.get("init") else "."),
        f"- graph: `model.onnx`, {(model / 'model.onnx').stat().st_size / 1e6:.1f} MB, {described['precision']}, "
        f"for {device}, sha256 `{described['sha256'][:16]}…`; prompt version {described['prompt_version']}\n"
        + _agreement(described.get("agreement")),
        "## Training",
        _training(run),
        "## Data",
        _data(run.get("data")),
    ]
    if "preferences" in run:
        parts.append(_rankings(run["preferences"]))
    if run.get("dev_curve"):
        parts += ["## On development gold while training", _dev(run)]
    if comparison:
        parts += ["## Precisions compared", _comparison(comparison, model.name)]
    parts += [
        "## Licence",
        "The weights derive from the base LLM and were trained on the data above: the licences of both hold.",
    ]
    return "\n\n".join(parts) + "\n"


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def _agreement(found: Mapping[str, float] | None) -> str:
    if not found:
        return "- against torch in fp32: not measured"
    return (
        f"- against torch in fp32 at {found['slots']:.0f} slots: same label {found['same_label']:.4f}, "
        f"mean |Δ log-odds| {found['mean_difference']:.4f}, largest {found['largest_difference']:.4f}"
    )


def _training(run: Mapping[str, Any]) -> str:
    if not run:
        return "The policy holds no record of its training."
    given = run.get("sft") or run.get("options") or {}
    knobs = ", ".join(f"{name} {value}" for name, value in given.items() if name != "base")
    curve = run.get("curve", [])
    step = max(1, len(curve) // _POINTS)
    points = ", ".join(f"{p['step']}: {p['loss']:.3f}" for p in curve[::step])
    versions = ", ".join(f"{what} {run.get(what) or 'unknown'}" for what in ("docalign", "commit", "torch"))
    lines = [
        f"- command: `{run['command']}`" if run.get("command") else "- started from Python",
        f"- code: {versions}",
        f"- machine: {run.get('device', 'unknown')}, {run.get('processes', 1)} process(es)",
        f"- method: {run['method']}, step {run.get('best_step')} of {run.get('steps')} kept" if "method" in run else "",
        f"- stopped: {run['stopped']['what']}" if run.get("stopped") else "",
        f"- settings: {knobs}" if knobs else "",
        f"- loss per block by step: {points}" if points else "",
        *(
            f"- {name} (sha256): {', '.join(f'{n} `{d[:12]}…`' for n, d in run[name].items())}"
            for name in ("gold", "prefs")
            if run.get(name)
        ),
    ]
    return "\n".join(filter(None, lines))


def _data(data: Mapping[str, Any] | None) -> str:
    if not data:
        return "Not recorded."
    if not data.get("lines"):
        return "No gold was read."
    policies = ", ".join(f"{name} ({count} lines)" for name, count in data["policies"].items())
    rows = ["| source | domain | licence | lines |", "|---|---|---|---|"]
    rows += [
        f"| {name} | {entry['domain'] or '–'} | {entry['licence'] or 'not stated'} | {entry['lines']} |"
        for name, entry in data["sources"].items()
    ]
    return (
        f"{data['lines']} gold lines of {data['documents']} documents, {data['blocks']:,} blocks, {data['chunks']:,} "
        f"chunks. Gold policies: {policies}.\n\n" + "\n".join(rows)
    )


def _rankings(counts: Mapping[str, int]) -> str:
    """Who ranked what was learnt from; people are counted even where there are none."""
    others = [f"{number} {source}" for source, number in sorted(counts.items()) if source != "human"]
    return ", ".join([f"Rankings: {counts.get('human', 0)} by people", *others]) + "."


def _dev(run: Mapping[str, Any]) -> str:
    rows = ["| step | boundary F1 | Pk | WindowDiff | broken promises |", "|---|---|---|---|---|"]
    rows += [
        f"| {p['step']}{' (kept)' if p['step'] == run.get('best_step') else ''} | {p['eval_boundary_f1']:.4f} | "
        f"{p['eval_pk']:.4f} | {p['eval_windowdiff']:.4f} | {p['eval_broken']:.0f} |"
        for p in run["dev_curve"]
    ]
    return "\n".join(rows)


def _comparison(comparison: Mapping[str, Any], name: str) -> str:
    measured = [Measured(**row) for row in comparison["measured"]]
    files = " ".join(comparison["gold"])
    return (
        f"On {comparison['lines']} gold lines ({files}); chosen: the fastest that loses at most {MOST_LOST} of "
        f"boundary F1.\n\n{table(measured, comparison['chosen'])}\n\n"
        f"The F1 of the chosen one again: `docalign eval {files} --model {name} --format json`"
    )
