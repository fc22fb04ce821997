"""Retrieval on held-out MedQuAD pages whose question headings were taken out: PΩ, and recall, precision and IoU of
MiniLM within a fixed budget of retrieved tokens, over all chunks of all pages together.

Arms: the model, packing, one chunk, a chunk for every block, and the answers themselves as an oracle.
Needs the extras `train` and `retrieval`.

    DOCALIGN_DATA=… python benchmarks/retrieval.py [--budget 700] [--lines N] [--embedder PATH] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from docalign.chunker import Chunker, ChunkOptions
from docalign.chunker.outline import Section, pack
from docalign.counting import counter
from docalign.evaluate.boundaries import bootstrap_interval
from docalign.rewards.embedder import Embedder
from docalign.rewards.pieces import block_spans
from docalign.rewards.questions import QuestionLine
from docalign.rewards.retrieval import Passage, PrecisionOmega, retrieve
from docalign.rewards.reward import Sizes, Span
from docalign.train.corpus import read_corpus
from docalign.train.devset import data_directory
from docalign.train.medquad import medquad_lines


def chunkings(line: QuestionLine, chunker: Chunker) -> dict[str, list[Span]]:
    document, count = line.document, counter(line.counter)
    options = ChunkOptions(max_tokens=line.max_tokens, target_tokens=line.target_tokens, tokenizer=line.counter)
    sections = [Section(max(1, count(document.block_text(b))), None) for b in document.blocks]
    answers = sorted({0} | {next(b.id for b in document.blocks if b.start == q.spans[0][0]) for q in line.questions})
    return {
        "answers (oracle)": block_spans(document, answers),
        "model": [(c.start, c.end) for c in chunker.chunk(document, options)],
        "pack": block_spans(document, pack(sections, line.target_tokens or 350)),
        "one chunk": block_spans(document, [0]),
        "every block": block_spans(document, range(len(document.blocks))),
    }


def measure(lines: Sequence[QuestionLine], by_line: Sequence[dict[str, list[Span]]], arm: str, embed: Embedder,
            budget: float) -> dict[str, Any]:  # fmt: skip
    omega = PrecisionOmega(lines)
    passages, asked, omegas, tokens = [], [], [], []
    for number, (line, found) in enumerate(zip(lines, by_line, strict=True)):
        count, text = counter(line.counter), line.document.text
        made = [Passage(number, a, b, text[a:b], count(text[a:b])) for a, b in found[arm]]
        passages += made
        tokens += [p.tokens for p in made]
        asked += [(number, q) for q in line.questions]
        omegas.append(omega(line.document, found[arm], Sizes(line.target_tokens, line.max_tokens, count)).value)
    found = retrieve(passages, asked, embed, budget_tokens=budget)
    by_document = [[r.recall for (n, _), r in zip(asked, found, strict=True) if n == i] for i in range(len(lines))]
    low, high = bootstrap_interval([float(np.mean(r)) for r in by_document])
    return {
        "mean_tokens": round(float(np.mean(tokens)), 1),
        "p_omega": round(float(np.mean(omegas)), 4),
        "recall": round(float(np.mean([np.mean(r) for r in by_document])), 4),
        "recall_interval": [round(low, 4), round(high, 4)],
        "precision": round(float(np.mean([r.precision for r in found])), 4),
        "iou": round(float(np.mean([r.iou for r in found])), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=700, help="retrieved tokens (words × 1.35) for each question")
    parser.add_argument("--lines", type=int, help="use the first N lines")
    parser.add_argument("--model", type=Path, help="model directory (default: the shipped one)")
    parser.add_argument("--embedder", type=Path, help="an embedder's folder (default: the packaged MiniLM)")
    parser.add_argument("--out", type=Path, help="write the JSON here")
    arguments = parser.parse_args()
    corpus = read_corpus(data_directory() / "corpora" / "train" / "medquad.jsonl.xz")
    lines = list(medquad_lines(corpus, held_out=True))[: arguments.lines]
    chunker, embed = Chunker.load(arguments.model), Embedder(arguments.embedder)
    by_line = [chunkings(line, chunker) for line in lines]
    report: dict[str, Any] = {
        "lines": len(lines), "questions": sum(len(line.questions) for line in lines), "budget_tokens": arguments.budget,
        "arms": {arm: measure(lines, by_line, arm, embed, arguments.budget) for arm in by_line[0]},
    }  # fmt: skip
    print(f"{report['lines']} windows, {report['questions']} questions, budget {arguments.budget:g} tokens")
    print("| arm | tokens a chunk | PΩ | recall | 95 % interval | precision | IoU |\n|---|---|---|---|---|---|---|")
    for arm, m in report["arms"].items():
        low, high = m["recall_interval"]
        print(f"| {arm} | {m['mean_tokens']} | {m['p_omega']:.3f} | {m['recall']:.3f} | {low:.3f}–{high:.3f} | "
              f"{m['precision']:.3f} | {m['iou']:.3f} |")  # fmt: skip
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
