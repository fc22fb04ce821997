"""Questions with gold spans for retrieval rewards, from MedQuAD: what to train with, and what to measure on.

    DOCALIGN_DATA=… python data/recipes/make_questions.py OUT

Writes OUT/medquad.jsonl.xz and OUT/medquad.dev.jsonl.xz (`docalign.questions/1`), split by page with the rule of every
corpus. The question headings are taken out of the text; what they head is the gold span. MedQuAD is CC BY 4.0.
"""

from __future__ import annotations

import sys
from pathlib import Path

from docalign.rewards.questions import write_questions
from docalign.train.corpus import read_corpus
from docalign.train.devset import data_directory
from docalign.train.medquad import medquad_lines

if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    corpus = data_directory() / "corpora" / "train" / "medquad.jsonl.xz"
    for name, held_out in (("medquad.jsonl.xz", False), ("medquad.dev.jsonl.xz", True)):
        print(out / name, write_questions(out / name, medquad_lines(read_corpus(corpus), held_out=held_out)), "lines")
