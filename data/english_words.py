"""Make `docalign/ingest/layout/english.txt`: the common English words that tell a compound from a broken word.

The words are whole-word tokens of the shipped model's tokenizer (SmolLM2, Apache-2.0). Its vocabulary also holds pieces
of words (`manif`, `someth`), so a token must stand by itself in running text: in five or more documents of the written
training corpora, short ones in many more, because a short piece is often also an abbreviation somewhere. The corpora
only choose; no word comes from them.

    DOCALIGN_DATA=... python data/english_words.py
"""

from __future__ import annotations

import json
import lzma
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
TOKENIZER: Final = ROOT / "models" / "docalign-smollm2-16l" / "tokenizer.json"
WORDS: Final = ROOT / "docalign" / "ingest" / "layout" / "english.txt"
SPOKEN: Final = ("qmsum",)
DOCUMENTS: Final = {2: 0.4, 3: 0.09, 4: 0.014}
"""Share of the documents that a word of so many letters must stand in."""
_FEWEST: Final = 5
_HEADER: Final = (
    "# Common English words, made by data/english_words.py from the vocabulary of SmolLM2's tokenizer (Apache-2.0)."
)


def vocabulary() -> set[str]:
    """Tokens that are a space and letters, in lower case."""
    tokens = json.loads(TOKENIZER.read_text("utf-8"))["model"]["vocab"]
    return {token[1:].lower() for token in tokens if re.fullmatch(r"Ġ[A-Za-z][a-z]+", token)}


def documents_with(corpora: Path) -> tuple[Counter[str], int]:
    """In how many documents each word stands, and how many documents there are."""
    found: Counter[str] = Counter()
    total = 0
    for file in sorted(corpora.glob("*.jsonl.xz")):
        if file.name.partition(".")[0] in SPOKEN:
            continue
        with lzma.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                blocks = json.loads(line)["blocks"]
                text = " ".join(b["text"] for b in blocks if b["kind"] not in ("code", "table"))
                found.update(set(re.findall(r"[^\W\d_]+", text.lower())))
                total += 1
    return found, total


def main() -> None:
    if "DOCALIGN_DATA" not in os.environ:
        sys.exit("set DOCALIGN_DATA to the directory that holds corpora/train/")
    found, total = documents_with(Path(os.environ["DOCALIGN_DATA"]) / "corpora" / "train")
    words = sorted(w for w in vocabulary() if found[w] >= max(_FEWEST, DOCUMENTS.get(len(w), 0) * total))
    WORDS.write_text("\n".join([_HEADER, *words, ""]), "utf-8")
    print(f"{len(words)} words of {len(vocabulary())} tokens, from {total} documents")


if __name__ == "__main__":
    main()
