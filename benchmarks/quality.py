"""Boundary quality of a model on development gold: the numbers of the model card.

Four conditions (marked, bare, headless, transcripts) on windows no training saw: `corpora/dev` and the held-out
twentieth of every train source. In the same run, on the same blocks: the rule baselines, the model with its log-odds
shuffled within each document (is it the LLM or the solver?), and the model without the outline hint.

    DOCALIGN_DATA=… python benchmarks/quality.py [--model DIR | --policy DIR] [--every N] [--out quality.json]
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from lexical import BASELINES

from docalign.chunk import violations
from docalign.chunker import Chunker, ChunkOptions
from docalign.chunker.segment import segment
from docalign.counting import counter
from docalign.evaluate.boundaries import bootstrap_interval, boundary_scores
from docalign.evaluate.rules import RULES
from docalign.evaluate.spans import starts_of
from docalign.train.devset import data_directory, development_lines
from docalign.train.gold import GoldLine

CONDITIONS = ("marked", "bare", "headless")


def chunker_for(arguments: argparse.Namespace) -> Chunker:
    chunker = Chunker.load(arguments.model)
    if arguments.policy:
        from docalign.chunker.prior import LengthPrior
        from docalign.train.engine import TorchEngine

        chunker.engine = TorchEngine(arguments.policy)
        described = json.loads((arguments.policy / "docalign.json").read_text("utf-8"))
        chunker.prior = LengthPrior.from_json(described["prior"])
    return chunker


def score_line(chunker: Chunker, line: GoldLine, arms: tuple[str, ...]) -> dict[str, Any]:
    """F1, Pk and broken promises of every arm on one line."""
    target, limit = (None, None) if line.is_transcript else line.sizes
    options = ChunkOptions(max_tokens=limit, target_tokens=target, tokenizer=line.counter)
    count = counter(line.counter)
    s = {"model": chunker.log_odds(line.document, options)}
    s["shuffled"] = s["model"].copy()
    np.random.default_rng(len(s["shuffled"])).shuffle(s["shuffled"])
    if "no-outline" in arms:
        s["no-outline"] = chunker.log_odds(line.document, options, outline=False)
    found = {}
    for arm in arms:
        if arm in RULES:
            spans = None
            starts = RULES[arm](line)
        else:
            parts = segment(line.document, s[arm], count=count, max_tokens=limit, target=target,
                            prior=chunker.prior, free_bias=chunker.free_bias,
                            free_prior=chunker.free_prior)  # fmt: skip
            spans = [(p.start, p.end) for p in parts]
            starts = starts_of(line.document, spans)
        scores = boundary_scores(starts, line.starts, len(line.document.blocks))
        found[arm] = {"f1": scores.boundary_f1, "pk": scores.pk, "windowdiff": scores.windowdiff}
        if spans is not None:
            broken = violations(line.document, spans, count, limit)
            found[arm] |= {"broken": broken.lost_characters + broken.over_limit + broken.orphan_headings}
    return {"id": line.id, "source": line.source, "arms": found, "s": s["model"].tolist(), "starts": line.starts}


def summarise(rows: list[dict[str, Any]], arms: tuple[str, ...]) -> dict[str, Any]:
    """Means by arm, with 95 % bootstrap intervals for the model, and by source."""
    summary: dict[str, Any] = {"windows": len(rows)}
    for arm in arms:
        f1 = [r["arms"][arm]["f1"] for r in rows]
        summary[arm] = {
            "f1": round(float(np.mean(f1)), 4),
            "pk": round(float(np.mean([r["arms"][arm]["pk"] for r in rows])), 4),
        }
        if arm == "model":
            summary[arm] |= {
                "interval": [round(v, 4) for v in bootstrap_interval(f1)],
                "windowdiff": round(float(np.mean([r["arms"][arm]["windowdiff"] for r in rows])), 4),
                "broken_promises": sum(r["arms"][arm]["broken"] for r in rows),
            }
    sources = sorted({r["source"] for r in rows})
    summary["model_by_source"] = {
        s: round(float(np.mean([r["arms"]["model"]["f1"] for r in rows if r["source"] == s])), 3) for s in sources
    }
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="model directory (default: the shipped one)")
    parser.add_argument("--policy", type=Path, help="score with this policy directory in torch instead")
    parser.add_argument("--every", type=int, default=1, help="use every Nth window")
    parser.add_argument("--conditions", nargs="*", default=[*CONDITIONS, "transcripts"])
    parser.add_argument("--no-outline", action="store_true", help="also measure without the outline hint")
    parser.add_argument("--out", type=Path, help="write the JSON here, beside what was measured of the same model")
    arguments = parser.parse_args()
    chunker = chunker_for(arguments)
    arms = (
        "model",
        "shuffled",
        *(("no-outline",) if arguments.no_outline else ()),
        "pack",
        "guess+policy",
        "outline",
        "every",
    )
    report: dict[str, Any] = {"model": chunker.model_name, "engine": chunker.engine.name}
    if arguments.out and arguments.out.is_file():
        earlier = json.loads(arguments.out.read_text("utf-8"))
        # Conditions may be measured one by one, as long as it is the same model.
        report |= earlier if all(earlier[k] == v for k, v in report.items()) else {}
    for condition in arguments.conditions:
        transcripts = condition == "transcripts"
        lines = development_lines(data_directory(), "bare" if transcripts else condition)
        chosen = [line for line in lines if line.is_transcript == transcripts]
        random.Random(7).shuffle(chosen)
        rows = [score_line(chunker, line, arms) for line in chosen[:: arguments.every]]
        report[condition] = {"every_nth": arguments.every, **summarise(rows, arms)}
        print(condition, json.dumps(report[condition]), flush=True)
        if transcripts:
            report[condition]["unsupervised"] = unsupervised(chosen[:: arguments.every])
            print(report[condition]["unsupervised"])
            report[condition]["free_bias_curve"] = bias_curve(rows)
            print(report[condition]["free_bias_curve"])
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


def unsupervised(lines: list[GoldLine]) -> dict[str, dict[str, float]]:
    """F1 and Pk of the baselines that look at words alone."""
    found = {}
    for name, rule in BASELINES.items():
        scores = []
        for line in lines:
            starts = rule([line.document.block_text(b) for b in line.document.blocks])
            scores.append(boundary_scores(starts, line.starts, len(line.document.blocks)))
        found[name] = {
            "f1": round(float(np.mean([s.boundary_f1 for s in scores])), 4),
            "pk": round(float(np.mean([s.pk for s in scores])), 4),
        }
    return found


def bias_curve(rows: list[dict[str, Any]]) -> dict[str, float]:
    """F1 on transcripts against the bias added to every log-odds (the shipped one is fitted on training documents)."""
    curve = {}
    for bias in np.arange(-1.0, 3.01, 0.5):
        f1 = [
            boundary_scores(
                [0, *(i for i, v in enumerate(r["s"]) if i and v + bias > 0)], r["starts"], len(r["s"])
            ).boundary_f1
            for r in rows
        ]
        curve[f"{bias:+.1f}"] = round(float(np.mean(f1)), 4)
    return curve


if __name__ == "__main__":
    main()
