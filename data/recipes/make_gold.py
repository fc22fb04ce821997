"""Gold for a training run from structured corpora: plain blocks, printed copies, or scanned copies.

The gold of the shipped model was made with (DOCALIGN_DATA names the directory that holds corpora/):

    python data/recipes/make_gold.py plain --number 2600 --seed 11 --out plain.jsonl
    python data/recipes/make_gold.py plain --number 520 --seed 21 --weights 0.15 0.3 0.55 --out plain2.jsonl
    python data/recipes/make_gold.py pdf --number 160 --seed 5 --out pdf.jsonl
    python data/recipes/make_gold.py scan --number 48 --seed 6 --out scan.jsonl

and that of its third and fourth stage with

    python data/recipes/make_gold.py plain --number 260 --seed 31 --weights 0.1 0.75 0.15 --out weak.jsonl \
        --only medquad factbook 18f_handbook dc_code cfpb uslm peps
    python data/recipes/make_gold.py plain --number 110 --seed 32 --weights 0.2 0.35 0.45 --out all.jsonl \
        --only openstax plos github_site_policy medquad dc_code peps cfpb 18f_handbook uslm factbook
    python data/recipes/make_gold.py plain --number 110 --seed 33 --only qmsum --out qmsum.jsonl

    python data/recipes/make_gold.py plain --number 470 --seed 41 --weights 0.15 0.35 0.50 --out s4.jsonl
    python data/recipes/make_gold.py plain --number 70 --seed 43 --only qmsum --out s4_transcripts.jsonl
    python data/recipes/make_gold.py pdf --number 50 --seed 45 --weights 0.3 0.4 0.3 --out s4_pdf.jsonl
    python data/recipes/make_gold.py scan --number 24 --seed 46 --out s4_scan.jsonl

`make align` learns on, and measures itself on,

    python data/recipes/make_gold.py plain --number 160 --seed 41 --weights 0 1 0 --out gold.jsonl
    python data/recipes/make_gold.py held-out --number 24 --seed 41 --out gold.dev.jsonl

`held-out` draws from the development documents, headings not marked, and is never trained on. In all other forms
held-out documents (sha256 of the id divisible by 20) never appear. Copies that align badly are dropped and counted.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from docalign.train.devset import data_directory, development_documents, window_lines
from docalign.train.gold import write_gold
from docalign.train.mixture import CONDITION_WEIGHTS, documents_by_source, draw_lines, draws
from docalign.train.rendered_lines import RenderCounts, rendered_lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=("plain", "pdf", "scan", "held-out"))
    parser.add_argument("--number", type=int, required=True, help="lines to make")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--weights", type=float, nargs=3, default=CONDITION_WEIGHTS, help="marked bare headless")
    parser.add_argument("--only", nargs="+", metavar="SOURCE", help="draw from these sources alone")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.form == "held-out":
        windows = window_lines(development_documents(data_directory()), "bare", windows=1)
        held_out = [line for line in windows if line.target_tokens]
        chosen = random.Random(arguments.seed).sample(held_out, arguments.number)
        print(write_gold(arguments.out, chosen), "lines")
        return
    documents = documents_by_source(data_directory() / "corpora" / "train")
    if arguments.only:
        documents = {source: documents[source] for source in arguments.only}
    if arguments.form == "plain":
        lines = draw_lines(documents, arguments.number, seed=arguments.seed, weights=arguments.weights)
        print(write_gold(arguments.out, lines), "lines")
        return
    documents.pop("qmsum", None)  # transcripts are not printed matter
    counts = RenderCounts()
    window_draws = draws(documents, seed=arguments.seed, weights=arguments.weights)
    write_gold(arguments.out, rendered_lines(window_draws, arguments.form, arguments.number, counts))
    print(counts)


if __name__ == "__main__":
    main()
