"""Writes `models/NAME/card.md` from records alone: nothing in the card is typed in.

Reads `docalign.json` (written by export), `training.json` (runs and their curves) and `quality.json` (written by
`benchmarks/quality.py`) of a model directory.

    python benchmarks/card.py models/docalign-smollm2-16l
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SOURCES = (
    ("18F handbook, D.C. Code, U.S. statutes and bills (USLM), CFPB regulations, World Factbook, PEPs",
     "public domain or CC0 1.0"),
    ("GitHub site policies", "CC0 1.0"),
    ("OpenStax textbooks, MedQuAD, PLOS articles", "CC BY 4.0 / CC BY / CC0"),
    ("QMSum meeting transcripts", "MIT"),
)  # fmt: skip


def table(quality: dict[str, Any]) -> str:
    """One row a condition, one column an arm; F1 by document."""
    arms = ("model", "no-outline", "shuffled", "pack", "guess+policy", "outline", "every")
    present = [a for a in arms if any(a in quality.get(c, {}) for c in ("marked", "bare", "headless", "transcripts"))]
    lines = ["| condition | windows | " + " | ".join(present) + " | 95 % interval | Pk | broken promises |"]
    lines.append("|---" * (len(present) + 5) + "|")
    for condition in ("marked", "bare", "headless", "transcripts"):
        if condition not in quality:
            continue
        row = quality[condition]
        cells = [
            f"**{row[a]['f1']:.3f}**" if a == "model" else f"{row[a]['f1']:.3f}" if a in row else "–" for a in present
        ]
        model = row["model"]
        low, high = model["interval"]
        lines.append(
            f"| {condition} | {row['windows']} | {' | '.join(cells)} | {low:.3f}–{high:.3f} | {model['pk']:.3f} | "
            f"{model['broken_promises']} |"
        )
    return "\n".join(lines)


def _commands(quality: dict[str, Any]) -> str:
    """The commands that measured the conditions: of some every Nth window, spread over all documents."""
    by_share: dict[int, list[str]] = {}
    for condition in ("marked", "bare", "headless", "transcripts"):
        by_share.setdefault(quality[condition].get("every_nth", quality.get("every", 1)), []).append(condition)
    parts = [f"`--every {share} --conditions {' '.join(names)}`" for share, names in sorted(by_share.items())]
    return f"`DOCALIGN_DATA=… python benchmarks/quality.py --out quality.json` with {', '.join(parts)}"


def by_source(quality: dict[str, Any]) -> str:
    conditions = [c for c in ("marked", "bare", "headless", "transcripts") if c in quality]
    sources = sorted({s for c in conditions for s in quality[c]["model_by_source"]})
    lines = ["| source | " + " | ".join(conditions) + " |", "|---" * (len(conditions) + 1) + "|"]
    for source in sources:
        cells = [
            f"{v:.3f}" if (v := quality[c]["model_by_source"].get(source)) is not None else "–" for c in conditions
        ]
        lines.append(f"| {source} | {' | '.join(cells)} |")
    return "\n".join(lines)


def curve(run: dict[str, Any]) -> str:
    points = run["curve"]
    step = max(1, len(points) // 10)
    return ", ".join(f"{p['step']}: {p['loss']:.3f}" for p in points[::step])


def goals(quality: dict[str, Any]) -> str:
    """The goals, with r the F1 of the better of pack and guess+policy on the same windows."""
    lines = []
    for condition, share in (("bare", 0.60), ("headless", 0.25)):
        row = quality[condition]
        r = max(row["pack"]["f1"], row["guess+policy"]["f1"])
        goal, reached = r + share * (1 - r), row["model"]["f1"]
        lines.append(f"- {condition}: goal r + {share:.2f}·(1 − r) = {goal:.3f} (r = {r:.3f}); reached {reached:.3f}")
    lines.append(f"- marked: goal 0.95; reached {quality['marked']['model']['f1']:.3f}")
    row = quality["transcripts"]
    lines.append(f"- transcripts: goal F1 0.35, reached {row['model']['f1']:.3f}; {_unsupervised(row)}")
    return "\n".join(lines)


def _unsupervised(row: dict[str, Any]) -> str:
    """Pk of the model beside that of the best baseline that looks at words alone."""
    if "unsupervised" not in row:
        return f"Pk {row['model']['pk']:.3f}"
    name, least = min(((n, v["pk"]) for n, v in row["unsupervised"].items()), key=lambda pair: pair[1])
    others = ", ".join(f"{n} {v['pk']:.3f}" for n, v in row["unsupervised"].items() if n != name)
    reached = row["model"]["pk"]
    return f"goal Pk under the best unsupervised baseline ({name} {least:.3f}; {others}), reached {reached:.3f}"


def _without_sizes(described: dict[str, Any]) -> str:
    prior = described.get("free_prior")
    short = (
        f", and a chunk shorter than {prior['typical_tokens']:g} tokens costs up to {prior['short_cost']:g}"
        if prior
        else ""
    )
    return f"{described['free_bias']:+.2f} is added to every log-odds{short}"


def hint(ablation: dict[str, Any]) -> str:
    """What the outline hint is worth: the same windows with the hint and without."""
    parts = [
        f"{c} {ablation[c]['model']['f1']:.3f} with, {ablation[c]['no-outline']['f1']:.3f} without"
        for c in ("marked", "bare", "headless")
    ]
    every = ablation["marked"].get("every_nth") or ablation["every"]
    return (
        f"The section-packing rule behind the hint is the one the gold follows, so with known headings the hint is "
        f"nearly the answer. Hidden at run time (training hid it in 15 % of the windows), every {every}th "
        f"window: {'; '.join(parts)} (`quality.py --no-outline --every {every}`)."
    )


def card(model: Path) -> str:
    described, training, quality = (
        json.loads((model / name).read_text("utf-8")) for name in ("docalign.json", "training.json", "quality.json")
    )
    ablation = model / "ablation.json"
    size_mb = (model / "model.onnx").stat().st_size / 1e6
    runs = "\n\n".join(
        f"**{r['name']}.** {r['what']}\n\n- command: `{r['command']}`\n- loss per block by step: {curve(r)}"
        for r in training["runs"]
    )
    sources = "\n".join(f"- {what}: {licence}" for what, licence in SOURCES)
    agreement = described.get("agreement") or {}
    return f"""# {model.name}

A boundary model: it reads a document's blocks and gives each a log-odds for "a chunk starts here". It writes no text.
Licence: Apache-2.0. Base: SmolLM2-135M-Instruct (Apache-2.0), from weights that had been quantised to Q4_1 and were
dequantised again; cut to its first {described["layers"]} of 30 layers, all of them fine-tuned.

- graph: `model.onnx`, {size_mb:.1f} MB, {described["precision"]} (one scale per weight column, one per activation row),
  sha256 `{described["sha256"][:16]}…`; prompt version {described["prompt_version"]}
- against fp32 on {agreement.get("slots", 0):.0f} slots: same label {agreement.get("same_label", 0):.4f}, mean
  |Δ log-odds| {agreement.get("mean_difference", 0):.3f}, largest {agreement.get("largest_difference", 0):.3f}
- length prior φ at tokens/target = {", ".join(f"{k:g}" for k in described["prior"]["knots"])}:
  {", ".join(f"{v:.2f}" for v in described["prior"]["values"])}
- documents chunked without sizes: {_without_sizes(described)} (fitted on training transcripts by
  `data/recipes/fit_free.py`)

## Data

{sources}

Windows of these with held-out documents (one in twenty, by the hash of the id) left out. Gold chunkings are derived
from the authors' headings (or topic starts) by a fixed policy, so the model has learned that policy; no human ranked
anything.

## Training

{runs}

{training["note"]}

## Boundary F1 on documents not trained on

Mean by window (at most 120 blocks) over `corpora/dev` and the held-out twentieth of every train source, measured with
the shipped graph: {_commands(quality)}

{table(quality)}

*shuffled*: the model's log-odds permuted within each document, same solver. *pack*, *guess+policy*, *outline*, *every*:
rules on the same blocks. *outline* is what the prompt's hint proposes: the gold's own policy, with the headings as
marked or, where nothing marks them, as a fitted rule guesses them (`data/recipes/fit_headings.py`).

{goals(quality)}

{by_source(quality)}

## What the prompt holds

{training["prompt_note"]}
{training.get("since", "")}

{hint(json.loads(ablation.read_text("utf-8"))) if ablation.is_file() else ""}

## Limits

- English only. The policy imitated is one policy; teach it yours with `docalign train`.
- Headless documents (no headings at all) are hard: see the table.
- Transcripts were trained from 152 meetings only.
- The int8 products were measured on a processor with VNNI. x86 processors without it add pairs of products in 16 bits
  and may saturate; nobody has measured the model there. `docalign.train.export.export(…, precision="fp32")` avoids
  it.
"""


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    (directory / "card.md").write_text(card(directory), "utf-8")
    print(directory / "card.md")
